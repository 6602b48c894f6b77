import { ApiObject } from 'cdk8s';
import { Platform } from '../../constructs/platform';
import { confidential } from '../model/base';
import { image, objectsOf, platformWith } from './base';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['the publisher', {}, 'docker.io/example/app:1.2.3'],
  ['a registry that stands in for it', { registry: 'registry.example.org/lab' }, 'registry.example.org/lab/example/app:1.2.3'],
  ['a locked digest', { digests: { 'docker.io/example/app:1.2.3': digest } }, `docker.io/example/app:1.2.3@${digest}`],
  ['both', { registry: 'registry.example.org', digests: { 'docker.io/example/app:1.2.3': digest } }, `registry.example.org/example/app:1.2.3@${digest}`],
  ['the digest of another tag', { digests: { 'docker.io/example/app:1.2.4': digest } }, 'docker.io/example/app:1.2.3'],
])('an image comes from %s', (_, images, expected) => {
  expect(platformWith({ images }).image(image)).toBe(expected);
});

test('without the internet every image comes from the registry inside', () => {
  expect(platformWith({}, confidential()).image(image)).toBe('registry.example.org/lab/example/app:1.2.3');
});

test('a host is the one that the region says, else the one below its domain', () => {
  const platform = platformWith({ endpoints: { identity: 'login.example.org' } });
  expect(platform.host('identity', 'auth')).toBe('login.example.org');
  expect(platform.host('objectStore', 'minio')).toBe('minio.lab.example.org');
});

test('a storage class is the one for the use, else the default', () => {
  const platform = platformWith({ storageClasses: { default: 'block', objects: 'xfs' } });
  expect(platform.storageClass('objects')).toBe('xfs');
  expect(platform.storageClass('database')).toBe('block');
});

test.each(['small', 'standard', 'ha'] as const)('a figure follows the size %s', (size) => {
  const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
  const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };
  expect(platformWith({ size, nodePools, quotas: { user: none, group: none } }).sized({ small: 'small', standard: 'standard', ha: 'ha' })).toBe(size);
});

test('every object carries the labels that tell whose it is', () => {
  const platform = platformWith();
  new ApiObject(platform, 'settings', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'app', labels: { own: 'yes' } } });
  expect(objectsOf(platform)['app/configmap/settings']!.metadata.labels).toEqual({
    'app.kubernetes.io/part-of': 'datalab',
    'app.kubernetes.io/managed-by': 'datalab-stacks',
    'datalab-stacks/stack': 'demo.main',
    own: 'yes',
  });
});

test('the platform is found from anywhere in its tree', () => {
  const platform = platformWith();
  expect(Platform.of(new ApiObject(platform, 'a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }))).toBe(platform);
});
