import { Construct } from 'constructs';
import type { NodePool } from '../model/region';
import { Admission } from './admission';

/**
 * Taints keep pods off GPU nodes only until somebody tolerates them, and the RuntimeClass does. So a pod of a person or
 * project that could land there must ask for a GPU.
 */
export class GpuAdmission extends Construct {
  constructor(scope: Construct, id: string, pools: readonly NodePool[]) {
    super(scope, id);
    const keys = [...new Set(pools.flatMap((pool) => pool.taints.map((taint) => `'${taint.key}'`)))].join(', ');
    const tolerates = `has(object.spec.tolerations) && object.spec.tolerations.exists(each, has(each.key) && each.key in [${keys}])`;
    const named = "has(object.spec.runtimeClassName) && object.spec.runtimeClassName == 'nvidia'";
    const asks =
      "object.spec.containers.exists(each, has(each.resources) && has(each.resources.limits) && 'nvidia.com/gpu' in each.resources.limits && string(each.resources.limits['nvidia.com/gpu']) != '0')";
    new Admission(this, 'gpu-pods', {
      requests: { operations: ['CREATE', 'UPDATE'], resources: { '': ['pods'] } },
      validations: [
        {
          expression: `!((${tolerates}) || (${named})) || ${asks}`,
          message: 'GPU nodes are for pods that ask for a GPU: set limits nvidia.com/gpu, or remove the toleration and the runtimeClassName.',
        },
      ],
    });
  }
}
