import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { defineInstance } from '../../model/instance';
import { firstVersions } from '../../model/secret-versions';
import { loadStack, stackNames } from '../../model/stack';
import { open } from '../model/base';

const systemsOf = (name: string) => [...new Set(entriesOf(compose(loadStack(name))).map(({ system }) => system))];

test.each([
  ['ssp-cloud.paris', ['priorities', 'user-admission', 'fence', 'gpu', 'gateway', 'postgresql', 'keycloak', 'minio', 'issuer', 'vault', 'onyxia']],
  ['ssp-cloud.local', ['priorities', 'user-admission', 'fence', 'gpu', 'gateway', 'postgresql', 'keycloak', 'minio', 'issuer', 'vault', 'onyxia', 'user-alice', 'user-bob', 'user-dave']],
  ['ls3.insee', ['priorities', 'user-admission', 'gpu', 'ingress', 'postgresql', 'keycloak', 'minio', 'issuer', 'vault', 'onyxia', 'projet-ape', 'projet-fideli', 'user-camille', 'user-dominique']],
  ['ls3.local', ['priorities', 'user-admission', 'gpu', 'gateway', 'postgresql', 'keycloak', 'minio', 'issuer', 'vault', 'onyxia', 'projet-ape', 'projet-fideli', 'user-alice', 'user-bob', 'user-carol', 'user-dave']],
])('%s has these parts', (name, systems) => {
  expect(systemsOf(name)).toEqual(systems);
});

test('a region without GPUs has no device plugin', () => {
  const definition = open();
  const [cpu] = definition.regions.main!.nodePools;
  const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };
  const instance = defineInstance({ ...definition, regions: { main: { ...definition.regions.main!, nodePools: [cpu!], quotas: { user: none, group: none } } } });
  const entries = entriesOf(compose({ name: 'demo.main', instance, region: 'main', logo: '<svg/>', definitions: [], secrets: firstVersions }));
  expect(entries.some(({ system }) => system === 'gpu')).toBe(false);
});

test("a project's own quota goes before the one of the region's groups", () => {
  const definition = open();
  const quota = { ...definition.regions.main!.quotas.group, 'count/pods': 7 };
  const instance = defineInstance({ ...definition, projects: [{ name: 'a', title: 'A', group: 'A', quota }, { name: 'b', title: 'B', group: 'B' }] });
  const entries = entriesOf(compose({ name: 'demo.main', instance, region: 'main', logo: '<svg/>', definitions: [], secrets: firstVersions }));
  const pods = (project: string) => (entries.find(({ id }) => id === `projet-${project}/resourcequota/onyxia-quota`)!.object.spec as any).hard['count/pods'];
  expect([pods('a'), pods('b')]).toEqual(['7', '20']);
});

test.each(stackNames())('%s is composed twice as the same', (name) => {
  const text = () => JSON.stringify(entriesOf(compose(loadStack(name))));
  expect(text()).toBe(text());
});

test('a confidential region pulls every image from inside', () => {
  const images = JSON.stringify(entriesOf(compose(loadStack('ls3.insee')))).match(/"image":"[^"]*"/g)!;
  expect(images.length).toBeGreaterThan(4);
  expect(images.every((image) => image.startsWith('"image":"registry.ls3.insee.fr/datalab/'))).toBe(true);
});
