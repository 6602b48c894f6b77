import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../../model/errors';
import type { Progress } from '../../model/progress';
import { saysReady, type Kube, type KubeObject } from '../kube';
import { podProblem } from '../plugins/kubernetes-await';
import type { RegionState } from '../state';
import { logFile } from './container';
import { nodeName } from './this-computer';

/** Pods of the process node. */
export function podsOfNode(kube: Kube): Promise<KubeObject[]> {
  return kube.list('v1', 'Pod', { fieldSelector: `spec.nodeName=${nodeName}` });
}

/** Waits until the servers of the process node are ready; returns those that are not, with the reason. */
export async function waitForServers(kube: Kube, progress: Progress, seconds: number): Promise<{ pod: KubeObject; why: string }[]> {
  const unready = async () =>
    (await podsOfNode(kube)).flatMap((pod) => {
      const why = pod.status?.phase === 'Failed' || saysReady(pod) ? undefined : podProblem(pod);
      return why === undefined ? [] : [{ pod, why }];
    });
  const first = await unready();
  if (!first.length) return [];
  return progress.step(`wait until ${first.length} servers are ready`, async (tell) => {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const left = await unready();
      if (!left.length || Date.now() > deadline) return left;
      tell(left.map(({ pod, why }) => `${pod.metadata.name}: ${why}`)[0]!);
      await sleep(250);
    }
  });
}

/** @throws UserError that names the servers which are not ready in time, and their logs */
export async function requireServers(kube: Kube, state: RegionState, progress: Progress, seconds: number): Promise<void> {
  const left = await waitForServers(kube, progress, seconds);
  if (!left.length) return;
  throw new UserError(`${left.length} servers are not ready after ${seconds} s.`, left.map(({ pod, why }) => ({
    path: `${pod.metadata.namespace}/${pod.metadata.name}`,
    got: why,
    allowed: 'a pod that is ready',
    fix: `read its log: ${logFile(state, pod.metadata.namespace!, pod.metadata.name, pod.spec.containers[0].name)}`,
  })), exitCodes.failed);
}
