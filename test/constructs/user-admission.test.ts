import { UserAdmission } from '../../constructs/user-admission';
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

test('the rights to routes are there with a gateway only', () => {
  const roles = (definition = open()) => ofKind(rulesIn(definition).objects, 'ClusterRole').map(({ metadata }) => metadata.name);
  const ingress = open();
  ingress.regions.main!.exposure.via = 'ingress';
  expect([roles(), roles(ingress)]).toEqual([['datalab-routes'], []]);
});
