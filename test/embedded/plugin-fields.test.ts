import { asFound, fieldChanges, fieldProblems, type Fields } from '../../embedded/plugins/provider-fields';
import { UNKNOWN, type Properties, type Values } from '../../embedded/plugins/provider-values';

const sorted = (values: string[]) => [...values].sort();
const fields: Fields = {
  name: { required: true, replace: true },
  level: { allowed: ['low', 'high'] },
  hosts: { canonical: sorted },
  labels: { exact: true },
  limits: {},
  people: {},
  password: { once: true, untold: true },
  token: {},
};
const given = (values: Values, secrets: Properties['secrets'] = []): Properties => ({ values, secrets });

describe('the problems of inputs', () => {
  test('say what, got, allowed and fix', () => {
    expect(fieldProblems(fields, given({ level: 'medium', colour: 'red' }))).toEqual([
      "colour: the embedded region's stand-in does not know this property. Fix: leave it out, or use the official plugin (--plugins official)",
      'name: got nothing; allowed: a value. Fix: set it',
      'level: got "medium"; allowed: low, high. Fix: set one of these',
    ]);
  });

  test('never show a secret, and accept what is not known yet', () => {
    expect(fieldProblems(fields, given({ name: UNKNOWN, level: 'sesame' }, [['level']])).join()).toBe('level: got a secret; allowed: low, high. Fix: set one of these');
    expect(fieldProblems(fields, given({ name: UNKNOWN, level: UNKNOWN, hosts: [UNKNOWN] }))).toEqual([]);
  });
});

describe('changes', () => {
  const changes = (before: Values, after: Values, secrets: Properties['secrets'] = []) =>
    fieldChanges(fields, given(before, secrets), given(after, secrets)).map(({ path, kind, replace }) => `${kind}${replace ? ' (replace)' : ''} ${path.join('.')}`);

  test('go down to single values', () => {
    expect(changes({ name: 'a', labels: { x: '1', y: '2' } }, { name: 'b', labels: { x: '1', y: '3', z: '4' }, level: 'low' })).toEqual([
      'update labels.y', 'add labels.z', 'add level', 'update (replace) name',
    ]);
    expect(changes({ people: [{ name: 'a', age: 1 }] }, { people: [{ name: 'a', age: 2 }] })).toEqual(['update people.0.age']);
  });

  test('stop at a secret', () => {
    expect(changes({ limits: { a: 1 } }, { limits: { a: 2 } }, [['limits']])).toEqual(['update limits']);
  });

  test('are none in another spelling, or of what is used once', () => {
    expect(changes({ hosts: ['a', 'b'], password: 'x' }, { hosts: ['b', 'a'], password: 'y' })).toEqual([]);
    expect(changes({ hosts: ['a'] }, { hosts: ['b', 'a'] })).toEqual(['update hosts']);
  });
});

describe('what is found on the server', () => {
  test("keeps the inputs' own spelling, and does not look at what they do not name", () => {
    const inputs = { hosts: ['b', 'a'], limits: { cpu: 1 }, password: 'x', level: '' };
    expect(asFound(fields, inputs, { hosts: ['a', 'b'], limits: { cpu: 1, memory: 2 }, token: 'set by the server' })).toEqual(inputs);
  });

  test('differs where the server does', () => {
    const inputs = { hosts: ['a'], limits: { cpu: 1, disk: 3 }, labels: { x: '1' }, level: 'low', people: [{ name: 'a' }, { name: 'b' }] };
    const live = { hosts: ['a', 'evil'], limits: { cpu: 2 }, labels: { x: '1', y: '2' }, people: [{ name: 'a', age: 1 }, { name: 'c', age: 1 }] };
    expect(asFound(fields, inputs, live)).toEqual({ hosts: ['a', 'evil'], limits: { cpu: 2 }, labels: { x: '1', y: '2' }, people: [{ name: 'a' }, { name: 'c' }] });
  });
});
