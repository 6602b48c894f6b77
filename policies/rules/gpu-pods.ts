import { pod } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachPod, type Place } from '../tree';

const gpu = /^nvidia\.com\/(gpu|mig-)/;

export const gpuPods: Rule = {
  id: 'gpu-pods',
  title: 'Pods that ask for a GPU go to GPU nodes, and no others do',
  why: 'A pod without a GPU keeps one idle that somebody waits for.',
  sources: ['Gatekeeper gpunodetargeting', 'Kyverno check-nvidia-gpu'],
  severity: 'medium',
  mandatory: everywhere,
  check: eachPod((spec, { object }): Place[] => {
    const asks = ((spec.containers ?? []) as any[]).some(({ resources }) => Object.keys({ ...resources?.limits, ...resources?.requests }).some((name) => gpu.test(name)));
    const tolerates = ((spec.tolerations ?? []) as any[]).some(({ key }) => !key || gpu.test(key));
    const targets = spec.runtimeClassName === 'nvidia' || tolerates;
    if (object.kind === 'DaemonSet') return [];
    return asks === targets ? [] : [{ path: asks ? 'runtimeClassName' : 'tolerations', got: asks ? 'a GPU without the way to its nodes' : 'the way to GPU nodes without a GPU', fix: asks ? 'set runtimeClassName: nvidia' : 'remove it' }];
  }),
  admission: { by: '`datalab-gpu-pods`: no GPU node without a GPU' },
  examples: {
    pass: [[pod()], [pod({ runtimeClassName: 'nvidia' }, { name: 'a', image: 'b', resources: { limits: { 'nvidia.com/gpu': 1 } } })]],
    fail: [[pod({ runtimeClassName: 'nvidia' })], [pod({ tolerations: [{ operator: 'Exists' }] })], [pod({}, { name: 'a', image: 'b', resources: { limits: { 'nvidia.com/gpu': 1 } } })]],
  },
};
