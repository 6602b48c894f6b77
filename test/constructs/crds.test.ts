import { ApiObject } from 'cdk8s';
import { Crds, customKind, requireDefinitions } from '../../constructs/crds';
import { UserError } from '../../model/errors';
import type { CustomResourceDefinition } from '../../model/stack';
import { open } from '../model/base';
import { entryOf, objectsOf, platformWith } from './base';

const definition: CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.org', annotations: { publisher: 'example.org' } },
  spec: { group: 'example.org', names: { kind: 'Thing' } },
};
const thing = { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'one', namespace: 'app' } };

function installed(definitions = [definition]) {
  const platform = platformWith({ crds: 'install' }, open(), definitions);
  new Crds(platform, 'crds', definitions);
  new ApiObject(platform, 'thing', thing);
  return platform;
}

test('a definition is deployed as its publisher wrote it, and protected', () => {
  const platform = installed();
  expect(objectsOf(platform)['_cluster/customresourcedefinition/things.example.org']).toMatchObject({
    spec: definition.spec,
    metadata: { annotations: { publisher: 'example.org', 'datalab-stacks/stateful': 'true' } },
  });
  expect(entryOf(platform, '_cluster/customresourcedefinition/things.example.org').stateful).toBe(true);
});

test('a resource comes after its definition', () => {
  expect(entryOf(installed(), 'app/thing/one').after).toEqual(['_cluster/customresourcedefinition/things.example.org']);
});

test('fails: a resource whose definition is neither there nor in the folder', () => {
  expect(() => objectsOf(installed([]))).toThrow(UserError);
  expect(() => objectsOf(installed([]))).toThrow(
    /example\.org\/Thing\n +got +no definition\n +allowed +the publisher's CustomResourceDefinition as a YAML file in stacks\/demo\/crds\/\n +fix +add the file/,
  );
});

test('where the cluster has the definitions, none is asked for', () => {
  const platform = platformWith({ crds: 'present' });
  new ApiObject(platform, 'thing', thing);
  expect(entryOf(platform, 'app/thing/one').after).toEqual([]);
});

test.each([
  ['v1', 'Secret', undefined],
  ['apps/v1', 'Deployment', undefined],
  ['networking.k8s.io/v1', 'Ingress', undefined],
  ['gateway.networking.k8s.io/v1', 'HTTPRoute', 'gateway.networking.k8s.io/HTTPRoute'],
  ['cert-manager.io/v1', 'Certificate', 'cert-manager.io/Certificate'],
])('%s %s comes from the definition %s', (apiVersion, kind, expected) => {
  expect(customKind({ apiVersion, kind })).toBe(expected);
});

test('every missing definition is told, sorted', () => {
  const missing = () => requireDefinitions(new Set(['b.org/B', 'example.org/Thing', 'a.org/A']), [definition], 'stacks/demo/crds/');
  expect(missing).toThrow(/a\.org\/A[^]*b\.org\/B/);
  expect(missing).not.toThrow(/example\.org\/Thing/);
});
