import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { UserAdmission } from '../../constructs/user-admission';
import { loadStack } from '../../model/stack';
import { rules } from '../../policies/all';
import { confidential, open } from '../model/base';
import { objectsOf, platformWith, yamlOf, type Manifest } from './base';

function rulesIn(definition = open(), change = {}) {
  const platform = platformWith(change, definition);
  new UserAdmission(platform, 'user-admission');
  return { platform, objects: Object.values(objectsOf(platform)) };
}
const ofKind = (objects: Manifest[], kind: string) => objects.filter((object) => object.kind === kind);

test('defaults', () => {
  expect(yamlOf(rulesIn().platform)).toMatchSnapshot();
});

test('every rule refuses, also when it fails, and is bound to the namespaces of people, but those that say otherwise', () => {
  const { objects } = rulesIn();
  const policies = ofKind(objects, 'ValidatingAdmissionPolicy');
  const bindings = ofKind(objects, 'ValidatingAdmissionPolicyBinding');
  expect(bindings.map(({ spec }) => spec.policyName)).toEqual(policies.map(({ metadata }) => metadata.name));
  expect(policies.every(({ spec }) => spec.failurePolicy === 'Fail')).toBe(true);
  expect(bindings.every(({ spec }) => spec.validationActions[0] === 'Deny')).toBe(true);
  const selectors = bindings.map(({ metadata, spec }) => [metadata.name, spec.matchResources?.namespaceSelector.matchExpressions[0].operator ?? 'everywhere']);
  expect(selectors.filter(([, operator]) => operator !== 'Exists')).toEqual([['datalab-namespaces', 'everywhere']]);
});

test('messages are short enough for one screen', () => {
  const messages: string[] = ofKind(rulesIn().objects, 'ValidatingAdmissionPolicy').flatMap(({ spec }) => spec.validations.map(({ message }: any) => message));
  expect(messages.filter((message) => message.length > 900)).toEqual([]);
});

test('only a region without internet confines images, to its own registry', () => {
  expect(JSON.stringify(rulesIn().objects)).not.toContain('variables.images.all');
  expect(JSON.stringify(rulesIn(confidential()).objects)).toContain('image.startsWith(\\"registry.example.org/lab/\\")');
});

test('a rule that CEL says is a policy where it is mandatory, and nowhere else', () => {
  const names = (definition = open()) => ofKind(rulesIn(definition).objects, 'ValidatingAdmissionPolicy').map(({ metadata }) => metadata.name.replace('datalab-', ''));
  const said = rules.filter(({ admission }) => admission && !('by' in admission));
  expect([open(), confidential()].map((definition) => said.filter(({ id }) => names(definition).includes(id)).map(({ id }) => id))).toEqual(
    (['open', 'confidential'] as const).map((posture) => said.filter(({ mandatory }) => mandatory.includes(posture)).map(({ id }) => id)),
  );
});

test('what a rule names as saying it in the cluster already is there, in both instances', () => {
  const named = rules.flatMap(({ admission }) => (admission && 'by' in admission ? [...admission.by.matchAll(/datalab-[a-z-]+/g)].map(([name]) => name) : []));
  expect(named.length).toBeGreaterThan(5);
  for (const stack of ['ssp-cloud.local', 'ls3.local']) {
    const there = entriesOf(compose(loadStack(stack))).filter(({ object }) => object.kind === 'ValidatingAdmissionPolicy').map(({ object }) => object.metadata.name);
    expect(there).toEqual(expect.arrayContaining(named));
  }
});

test('the rights to routes are there with a gateway only', () => {
  const roles = (definition = open()) => ofKind(rulesIn(definition).objects, 'ClusterRole').map(({ metadata }) => metadata.name);
  const ingress = open();
  ingress.regions.main!.exposure.via = 'ingress';
  expect([roles(), roles(ingress)]).toEqual([['datalab-routes'], []]);
});
