import type { KubeObject } from '../kube';
import { nodeIp, type PodAddress } from './addresses';
import type { ContainerRun } from './container-run';

/** What the API server is told of a pod. Conditions keep the time of their last change. */
export function podStatus(pod: KubeObject, address: PodAddress, init: readonly ContainerRun[], main: readonly ContainerRun[]): object {
  const phase = phaseOf(pod, init, main);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const initialized = init.every((container) => container.exitCode === 0);
  const unready = main.filter(({ health }) => !health.ready).map(({ spec }) => spec.name as string);
  const notReady = over ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' } : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const condition = (type: string, isTrue: boolean, why: object) => {
    const status = isTrue ? 'True' : 'False';
    const before = pod.status?.conditions?.find((each: { type: string }) => each.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : `${new Date().toISOString().slice(0, 19)}Z`;
    return { type, status, lastTransitionTime, ...(isTrue ? { reason: null, message: null } : { message: null, ...why }) };
  };
  return {
    phase,
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    podIP: address.ip,
    podIPs: [{ ip: address.ip }],
    startTime: pod.status?.startTime ?? `${new Date().toISOString().slice(0, 19)}Z`,
    conditions: [
      condition('PodReadyToStartContainers', !over, {}),
      condition('Initialized', initialized, { reason: 'ContainersNotInitialized' }),
      condition('ContainersReady', unready.length === 0 && !over, notReady),
      condition('Ready', unready.length === 0 && !over, notReady),
    ],
    ...(init.length ? { initContainerStatuses: init.map((container) => container.status()) } : {}),
    containerStatuses: main.map((container) => container.status()),
  };
}

function phaseOf({ spec, metadata }: KubeObject, init: readonly ContainerRun[], main: readonly ContainerRun[]): string {
  const restarts = (container: ContainerRun) => spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && container.exitCode !== 0);
  const ended = (container: ContainerRun) => container.state === 'ended' && (metadata.deletionTimestamp !== undefined || !restarts(container));
  if (init.some((container) => container.state === 'ended' && container.exitCode !== 0 && spec.restartPolicy === 'Never')) return 'Failed';
  if (main.every(ended)) return main.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed';
  return main.every(({ state }) => state === 'waiting') ? 'Pending' : 'Running';
}
