import { pods } from '../cel';
import { pod } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachPod } from '../tree';

const allowed = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];

export const volumeTypes: Rule = {
  id: 'volume-types',
  title: 'Pods mount no directory of their node, and no storage but claims',
  why: "A path of the node leads to the kubelet's credentials and to the volumes of everybody else.",
  sources: ['Pod Security restricted', 'Kyverno disallow-host-path, restrict-volume-types', 'kube-linter sensitive-host-mounts', 'C-0048'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachPod((spec) =>
    ((spec.volumes ?? []) as any[]).flatMap((volume, index) =>
      Object.keys(volume).filter((key) => key !== 'name' && !allowed.includes(key)).map((type) => ({
        path: `volumes[${index}].${type}`,
        got: `${type} ${volume[type]?.path ?? ''}`.trim(),
        fix: `use ${allowed.join(', ')}`,
      })),
    ),
  ),
  admission: {
    resources: pods,
    validations: [{
      expression: `object.spec.?volumes.orValue([]).all(each, ${allowed.map((type) => `has(each.${type})`).join(' || ')})`,
      message: `A pod mounts nothing of its node and no storage past the quota: a volume is one of ${allowed.join(', ')}.`,
    }],
  },
  examples: {
    pass: [[pod({ volumes: [{ name: 'a', emptyDir: {} }, { name: 'b', secret: { secretName: 'c' } }] })]],
    fail: [[pod({ volumes: [{ name: 'a', hostPath: { path: '/' } }] })], [pod({ volumes: [{ name: 'a', nfs: { server: 'files', path: '/home' } }] })]],
  },
};
