import { rules } from '../../policies/all';

const cases = (kind: 'pass' | 'fail') => rules.flatMap((rule) => rule.examples[kind].map((objects, index) => [`${rule.id} ${kind} ${index + 1}`, rule, objects] as const));

test.each(cases('pass'))('%s', (_name, rule, objects) => {
  expect(rule.check(objects)).toEqual([]);
});

test.each(cases('fail'))('%s', (_name, rule, objects) => {
  const findings = rule.check(objects);
  expect(findings).not.toEqual([]);
  for (const { object, path, got, fix } of findings) {
    expect(objects).toContain(object);
    expect([path, got, fix].every((text) => typeof text === 'string' && text.length > 0)).toBe(true);
  }
});

test('ids are unique, lower case and the name of the file', () => {
  expect(rules.map(({ id }) => id)).toEqual([...new Set(rules.map(({ id }) => id))].sort());
  for (const { id } of rules) expect(require(`../../policies/rules/${id}`)).toBeDefined();
});

test.each(rules.map((rule) => [rule.id, rule] as const))('%s names its sources and has examples of both kinds', (_id, rule) => {
  expect(rule.sources.length).toBeGreaterThan(0);
  expect(rule.examples.pass.length).toBeGreaterThan(0);
  expect(rule.examples.fail.length).toBeGreaterThan(0);
  expect(rule.title.length).toBeLessThan(150);
});
