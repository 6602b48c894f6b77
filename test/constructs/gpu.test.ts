import { parse } from 'yaml';
import { Gpu } from '../../constructs/gpu';
import type { RegionDefinition } from '../../model/region';
import { open } from '../model/base';
import { objectsOf, platformWith, yamlOf } from './base';

type Sharing = NonNullable<RegionDefinition['nodePools'][number]['gpu']>['sharing'];

function gpuWith(sharing: Sharing, change: Partial<RegionDefinition['nodePools'][number]> = {}) {
  const [cpu, gpu] = open().regions.main!.nodePools as [RegionDefinition['nodePools'][number], RegionDefinition['nodePools'][number]];
  const platform = platformWith({ nodePools: [cpu, { ...gpu, ...change, gpu: { ...gpu.gpu!, sharing } }] });
  new Gpu(platform, 'gpu');
  const objects = objectsOf(platform);
  const pod = objects['gpu/daemonset/device-plugin-gpu']!.spec.template;
  return { platform, objects, pod, config: parse(objects['gpu/configmap/device-plugin-gpu']!.data['config.yaml']) };
}

test('defaults', () => {
  expect(yamlOf(gpuWith({ mode: 'whole' }).platform)).toMatchSnapshot();
});

test('whole GPUs: no sharing, no privilege', () => {
  const { config, pod } = gpuWith({ mode: 'whole' });
  expect(config).toEqual({ version: 'v1', flags: { migStrategy: 'none', failOnInitError: true } });
  expect(pod.spec.containers[0].securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
});

test('time-slicing keeps the name nvidia.com/gpu, the only one that Onyxia knows', () => {
  expect(gpuWith({ mode: 'time-slicing', replicas: 4 }).config.sharing.timeSlicing).toEqual({
    renameByDefault: false,
    failRequestsGreaterThanOne: true,
    resources: [{ name: 'nvidia.com/gpu', replicas: 4 }],
  });
});

test('MIG has the strategy single, so that each instance is one nvidia.com/gpu', () => {
  const { config, pod } = gpuWith({ mode: 'mig', profile: '1g.5gb', instances: 7 });
  expect(config).toEqual({ version: 'v1', flags: { migStrategy: 'single', failOnInitError: true } });
  expect(pod.spec.containers[0].securityContext).toEqual({ privileged: true });
});

test('the RuntimeClass tolerates the taints of every GPU pool, so that the pods that name it need no more', () => {
  const { objects } = gpuWith({ mode: 'whole' }, { taints: [
    { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
    { key: 'reserved', value: 'training', effect: 'NoExecute' },
  ] });
  expect(objects['_cluster/runtimeclass/nvidia']).toMatchObject({
    handler: 'nvidia',
    scheduling: {
      tolerations: [
        { key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' },
        { key: 'reserved', operator: 'Equal', value: 'training', effect: 'NoExecute' },
      ],
    },
  });
});

test('a device plugin runs on the nodes of its pool, and on no others', () => {
  const { pod } = gpuWith({ mode: 'whole' });
  expect(pod.spec.nodeSelector).toEqual({ pool: 'gpu' });
  expect(pod.spec.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' }]);
});

test('another configuration replaces its pods, which read it once', () => {
  const annotation = (sharing: Sharing) => gpuWith(sharing).pod.metadata.annotations['datalab-stacks/config'];
  expect(annotation({ mode: 'time-slicing', replicas: 4 })).not.toBe(annotation({ mode: 'time-slicing', replicas: 8 }));
});

test('the quota counts one pod for each node, and a rollout', () => {
  const { objects } = gpuWith({ mode: 'whole' }, { count: 5 });
  expect(objects['gpu/resourcequota/system']!.spec.hard).toMatchObject({ 'count/pods': '10', 'requests.cpu': '200m', 'requests.memory': '640Mi' });
});

test('its namespace is the one that is privileged, and it takes no token of the API', () => {
  const { objects, pod } = gpuWith({ mode: 'whole' });
  expect(objects['_cluster/namespace/gpu']!.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'privileged' });
  expect(pod.spec.automountServiceAccountToken).toBe(false);
});
