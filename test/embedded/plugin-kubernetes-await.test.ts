import { podProblem, readinessOf } from '../../embedded/plugins/kubernetes-await';
import type { KubeObject } from '../../embedded/kube';

const object = (apiVersion: string, kind: string, spec: object, status?: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace: 'n', generation: 2 },
  spec,
  status: status && { observedGeneration: 2, ...status },
});
const told = (one: KubeObject) => {
  const now = readinessOf(one);
  return now.state === 'ready' ? 'ready' : `${now.state}: ${now.why}`;
};
const progressing = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'took too long' }];

test.each<[string, KubeObject, string]>([
  [
    'a Deployment that nobody has seen',
    object('apps/v1', 'Deployment', {}, undefined),
    'waiting: its controller has not seen this version yet',
  ],
  [
    'a Deployment of an old version',
    object('apps/v1', 'Deployment', {}, { observedGeneration: 1, updatedReplicas: 1, replicas: 1, availableReplicas: 1 }),
    'waiting: its controller has not seen this version yet',
  ],
  [
    'a Deployment with old pods',
    object('apps/v1', 'Deployment', {}, { updatedReplicas: 1, replicas: 2, availableReplicas: 2 }),
    'waiting: 1 pod(s) of the old version are still there',
  ],
  [
    'a Deployment that starts',
    object('apps/v1', 'Deployment', { replicas: 2 }, { updatedReplicas: 2, replicas: 2, availableReplicas: 1 }),
    'waiting: 1 of 2 pods are available',
  ],
  ['a Deployment that gave up', object('apps/v1', 'Deployment', {}, { conditions: progressing }), 'failed: took too long'],
  [
    'a Deployment that runs',
    object('apps/v1', 'Deployment', {}, { updatedReplicas: 1, replicas: 1, availableReplicas: 1 }),
    'ready',
  ],
  ['a Deployment of none', object('apps/v1', 'Deployment', { replicas: 0 }, {}), 'ready'],
  [
    'a StatefulSet of an old version',
    object('apps/v1', 'StatefulSet', { replicas: 2 }, { updatedReplicas: 1, availableReplicas: 2 }),
    'waiting: 1 of 2 pods are of the new version',
  ],
  [
    'a StatefulSet with a partition',
    object(
      'apps/v1',
      'StatefulSet',
      { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } },
      { updatedReplicas: 1, availableReplicas: 2 },
    ),
    'ready',
  ],
  ['a DaemonSet on no node', object('apps/v1', 'DaemonSet', {}, { desiredNumberScheduled: 0 }), 'ready'],
  [
    'a DaemonSet that starts',
    object('apps/v1', 'DaemonSet', {}, { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 1 }),
    'waiting: 1 of 3 pods are available',
  ],
  ['a Job that runs', object('batch/v1', 'Job', {}, { active: 1 }), 'waiting: the job is running (1 active, 0 failed)'],
  [
    'a Job that failed',
    object('batch/v1', 'Job', {}, { conditions: [{ type: 'Failed', status: 'True', message: 'no luck' }] }),
    'failed: the job failed: no luck',
  ],
  ['a Job that is done', object('batch/v1', 'Job', {}, { conditions: [{ type: 'Complete', status: 'True' }] }), 'ready'],
  ['a Namespace that goes', object('v1', 'Namespace', {}, { phase: 'Terminating' }), 'waiting: the namespace is Terminating'],
  ['a Service', object('v1', 'Service', {}), 'ready'],
])('%s', (_name, one, expected) => {
  expect(told(one)).toBe(expected);
});

const container = (state: object, lastState = {}) => ({
  name: 'main',
  image: 'registry.test/main:1',
  restartCount: 3,
  state,
  lastState,
});
test.each<[string, object, string | undefined]>([
  [
    'no node fits',
    { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] },
    'Unschedulable: 0/1 nodes',
  ],
  [
    'no image',
    { containerStatuses: [container({ waiting: { reason: 'ErrImagePull', message: 'not found' } })] },
    'container main (registry.test/main:1): ErrImagePull, not found',
  ],
  [
    'a crash loop',
    {
      containerStatuses: [
        container({ waiting: { reason: 'CrashLoopBackOff' } }, { terminated: { exitCode: 137, reason: 'OOMKilled' } }),
      ],
    },
    'container main (registry.test/main:1): CrashLoopBackOff, exit code 137 (OOMKilled), 3 restart(s)',
  ],
  [
    'not ready',
    { phase: 'Running', containerStatuses: [container({ running: {} })] },
    'it runs, but is not ready (readiness probe)',
  ],
  ['ready', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, undefined],
])('a pod: %s', (_name, status, expected) => {
  expect(podProblem({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status })).toBe(expected);
});
