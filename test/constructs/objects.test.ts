import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { System } from '../../constructs/system';
import { appIn, entryOf, objectsOf, platformWith } from './base';

test('an object is named by namespace, kind and name, wherever it stands in the tree', () => {
  const platform = platformWith();
  const deep = new Construct(new Construct(platform, 'some'), 'where');
  new ApiObject(deep, 'x', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'app' } });
  new ApiObject(deep, 'y', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast' } });
  expect(Object.keys(objectsOf(platform))).toEqual(['app/configmap/settings', '_cluster/storageclass/fast']);
  expect(entryOf(platform, 'app/configmap/settings').system).toBe('some');
});

test('fails: two constructs make the same object', () => {
  const platform = platformWith();
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'app' } };
  new ApiObject(platform, 'one', settings);
  new ApiObject(platform, 'two', settings);
  expect(() => objectsOf(platform)).toThrow('two constructs make app/configmap/settings; the second is demo.main/two');
});

test('an object comes after its namespace', () => {
  const platform = platformWith();
  new System(platform, 'app');
  expect(entryOf(platform, 'app/networkpolicy/default-deny').after).toEqual(['_cluster/namespace/app']);
});

test('a workload comes after all that admits and configures its pods, but not after what waits for it', () => {
  const platform = platformWith();
  const system = new System(platform, 'app');
  appIn(platform, { replicas: 2 }, 'web', system);
  appIn(platform, {}, 'other', system);
  expect(entryOf(platform, 'app/deployment/web').after).toEqual([
    '_cluster/namespace/app',
    'app/limitrange/defaults', 'app/networkpolicy/default-deny', 'app/networkpolicy/other', 'app/networkpolicy/web',
    'app/resourcequota/system', 'app/service/other', 'app/service/web', 'app/serviceaccount/other', 'app/serviceaccount/web',
  ]);
});
