import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import type { Instance } from '../../model/instance';
import type { Region } from '../../model/region';
import { loadStack } from '../../model/stack';
import type { Manifest } from '../../policies/rule';
import { diffStack, type Rendered, type StackDiff } from '../../review/diff';

/** What a change of the source of a stack is, as its diff tells it. */
function changed(name: string, change: (instance: Instance, region: Region) => Partial<Instance> | { region: Partial<Region> }): StackDiff {
  const stack = loadStack(name);
  const render = (instance: Instance): Rendered => ({
    name, posture: instance.posture, waivers: instance.waivers, approvals: [], choices: {},
    objects: entriesOf(compose({ ...stack, instance })).map(({ object }) => object as Manifest),
  });
  const { instance, region } = stack;
  const made = change(instance, instance.regions[region]!);
  const after = 'region' in made ? { ...instance, regions: { ...instance.regions, [region]: { ...instance.regions[region]!, ...made.region } } } : { ...instance, ...made };
  return diffStack(render(instance), render(after), '2026-11-23');
}

const kinds = ({ changes }: StackDiff) => new Set(changes.map((change) => `${change.class} ${change.effect}`));

test('a demo user: a login, memberships and a namespace with its rights, and nothing that is lost', () => {
  const diff = changed('ls3.local', (_instance, { demoUsers }) => ({ region: { demoUsers: { ...demoUsers, erin: { admin: false, projects: [] } } } }));
  expect(kinds(diff)).toContain('security widens');
  expect([...kinds(diff)].filter((kind) => /^data (widens|narrows)/.test(kind))).toEqual([]);
  expect(diff.changes.length).toBeLessThanOrEqual(15);
  expect(diff.blast.people).toEqual(['erin']);
});

test('a waiver: one line, and what it waives is as open as before', () => {
  const diff = changed('ls3.insee', ({ waivers }) => ({ waivers: [...waivers, { ...waivers[0]!, rules: ['probes'], objects: 'gpu/*/*' }] }));
  expect(diff.changes.map(({ class: kind, effect, topic }) => `${kind} ${effect} ${topic}`)).toEqual(['security neutral waivers']);
});

test('a smaller size: cost, replicas and what servers are told, and no right that is new', () => {
  const diff = changed('ls3.insee', () => ({ region: { size: 'small' } }));
  expect([...kinds(diff)].filter((kind) => kind.startsWith('cost') || kind.startsWith('availability')).length).toBe(2);
  const wider = diff.changes.filter(({ class: kind, effect }) => kind === 'security' && effect === 'widens').map(({ topic }) => topic);
  expect(wider.filter((topic) => !['how much, and how long', 'what servers are told'].includes(topic))).toEqual([]);
});
