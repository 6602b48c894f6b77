import { table } from '../../cli/table';

test('columns are as wide as their widest cell, two spaces apart, without trailing space', () => {
  expect(table(['A', 'LONGER', 'C'], [['one', 'x', ''], ['a', 'b', 'c']])).toBe('A    LONGER  C\none  x\na    b       c');
});

test('a line has at most 100 characters: what is too long is cut, the last column first', () => {
  const lines = table(['NAME', 'VALUE'], [['n'.repeat(20), 'v'.repeat(200)]]).split('\n');
  expect(lines.every((line) => line.length <= 100)).toBe(true);
  expect(lines[1]).toBe(`${'n'.repeat(20)}  ${'v'.repeat(77)}…`);
});

test('two long columns share the width', () => {
  const [, line] = table(['A', 'B'], [['a'.repeat(90), 'b'.repeat(90)]]).split('\n');
  expect(line).toBe(`${'a'.repeat(67)}…  ${'b'.repeat(29)}…`);
});
