import { offeredGpus } from '../model/cross-check';
import type { NodePool } from '../model/region';
import type { KubeObject } from './kube';

/** The simulated nodes of a region: the labels, taints, cores, memory and GPUs that its pools say. */
export function nodesOf(pools: readonly NodePool[]): KubeObject[] {
  return pools.flatMap((pool) => Array.from({ length: pool.count }, (_, index) => node(pool, `${pool.name}-${index}`)));
}

function node(pool: NodePool, name: string): KubeObject {
  const resources = {
    cpu: String(pool.cpus),
    memory: pool.memory,
    'ephemeral-storage': '1T',
    pods: '110',
    ...(pool.gpu ? { 'nvidia.com/gpu': String(offeredGpus(pool)) } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...(pool.gpu ? { 'nvidia.com/gpu.present': 'true', 'nvidia.com/gpu.product': pool.gpu.product } : {}),
        ...pool.labels,
      },
    },
    spec: { taints: pool.taints },
    status: { capacity: resources, allocatable: resources },
  };
}
