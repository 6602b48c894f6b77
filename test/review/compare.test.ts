import type { Manifest } from '../../policies/rule';
import { compareObjects } from '../../review/compare';

const object = (spec: object, metadata: object = {}): Manifest => ({ apiVersion: 'v1', kind: 'Example', metadata: { name: 'one', namespace: 'team', ...metadata }, spec });

const paths = (before: object, after: object) => compareObjects([object(before)], [object(after)]).flatMap(({ fields }) => fields.map(({ path, before: from, after: to }) => [path, from, to]));

describe('fields that differ', () => {
  test.each<[string, object, object, (string | undefined)[][]]>([
    ['a value', { a: 1 }, { a: 2 }, [['spec.a', '1', '2']]],
    ['a value that is new', {}, { a: 'x' }, [['spec.a', undefined, '"x"']]],
    ['members by name, whatever their order', { env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }, { env: [{ name: 'B', value: '2' }, { name: 'A', value: '3' }] }, [['spec.env[A].value', '"1"', '"3"']]],
    ['ports by number and protocol', { ports: [{ containerPort: 53, protocol: 'TCP' }] }, { ports: [{ containerPort: 53, protocol: 'TCP' }, { containerPort: 53, protocol: 'UDP' }] }, [['spec.ports[53/UDP]', undefined, '{"containerPort":53,"protocol":"UDP"}']]],
    ['mounts by path', { volumeMounts: [{ mountPath: '/a', name: 'x' }, { mountPath: '/b', name: 'x' }] }, { volumeMounts: [{ mountPath: '/b', name: 'x', readOnly: true }, { mountPath: '/a', name: 'x' }] }, [['spec.volumeMounts[/b].readOnly', undefined, 'true']]],
    ['sets of texts', { verbs: ['get', 'list'] }, { verbs: ['list', 'get', 'watch'] }, [['spec.verbs[]', undefined, '"watch"']]],
    ['the order of a command', { command: ['a', 'b'] }, { command: ['b', 'a'] }, [['spec.command', '["a","b"]', '["b","a"]']]],
    ['the order of init containers', { initContainers: [{ name: 'a' }, { name: 'b' }] }, { initContainers: [{ name: 'b' }, { name: 'a' }] }, [['spec.initContainers', '[{"name":"a"},{"name":"b"}]', '[{"name":"b"},{"name":"a"}]']]],
    ['a document inside a text', { policy: '{"a":[1],"b":2}' }, { policy: '{ "b": 3, "a": [1] }' }, [['spec.policy.b', '2', '3']]],
  ])('%s', (_name, before, after, found) => expect(paths(before, after)).toEqual(found));

  test.each<[string, object, object]>([
    ['the order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['the order of a set', { verbs: ['get', 'list'] }, { verbs: ['list', 'get'] }],
    ['the order of rules without a name', { rules: [{ a: ['x', 'y'] }, { b: 1 }] }, { rules: [{ b: 1 }, { a: ['x', 'y'] }] }],
    ['a comment, and spaces', { text: 'a = 1\n# old\n' }, { text: '# new\n  a = 1\n\n' }],
    ['how a document is written', { policy: '{"a":1}' }, { policy: '{ "a": 1 }' }],
  ])('none: %s', (_name, before, after) => expect(paths(before, after)).toEqual([]));
});

test('objects are matched by namespace, kind and name, and told in the order of their ids', () => {
  const other = object({}, { name: 'two' });
  const found = compareObjects([object({}), other], [object({ a: 1 }), object({}, { name: 'three' })]);
  expect(found.map(({ id, change }) => [id, change])).toEqual([['team/example/one', 'changed'], ['team/example/three', 'added'], ['team/example/two', 'removed']]);
});
