import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type Kube, type KubeObject, type KubeRef } from '../kube';

/** How far an object is: ready, on its way, or at a point from which it does not become ready by itself. */
export type Readiness = { state: 'ready' } | { state: 'waiting' | 'failed'; why: string };

export interface WaitOptions {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly status: (message: string) => void;
}

const ready: Readiness = { state: 'ready' };
const waiting = (why: string): Readiness => ({ state: 'waiting', why });
const failed = (why: string): Readiness => ({ state: 'failed', why });

/** Waits until the object is ready. What comes back with `problems` exists, but does not work. */
export async function awaitReady(
  kube: Kube,
  object: KubeObject,
  options: WaitOptions,
): Promise<{ object: KubeObject; problems: string[] }> {
  const end = Date.now() + options.timeoutSeconds * 1000;
  let live = object;
  let nextReport = Date.now() + 1500;
  for (let pause = 100; ; pause = Math.min(pause * 1.4, 1000)) {
    const now = await readiness(kube, live);
    if (now.state === 'ready') return { object: live, problems: [] };
    const over =
      now.state === 'failed'
        ? now.why
        : options.signal.aborted
          ? `interrupted while waiting: ${now.why}`
          : Date.now() >= end
            ? `not ready after ${options.timeoutSeconds} s: ${now.why}`
            : undefined;
    if (over !== undefined) return { object: live, problems: [over, ...(await reasons(kube, live))] };

    if (Date.now() >= nextReport) {
      const [reason] = await reasons(kube, live);
      options.status(reason ? `${now.why}; ${reason}` : now.why);
      nextReport = Date.now() + 2000;
    }
    await pauseFor(Math.min(pause, Math.max(end - Date.now(), 1)), options.signal);
    const found = await answered(() => kube.get(live));
    if (found === 'no answer') continue;
    if (!found) return { object: live, problems: ['it was deleted by someone else while waiting for it'] };
    live = found;
  }
}

/** Waits until the object is gone, or is another one of the same name. */
export async function awaitGone(kube: Kube, ref: KubeRef, uid: string | undefined, options: WaitOptions): Promise<void> {
  const end = Date.now() + options.timeoutSeconds * 1000;
  let nextReport = Date.now() + 1500;
  for (let pause = 50; ; pause = Math.min(pause * 1.4, 1000)) {
    const live = await answered(() => kube.get(ref));
    if (!live || (live !== 'no answer' && uid && live.metadata.uid !== uid)) return;
    const held = live === 'no answer' ? 'the API server does not answer' : heldBy(live);
    if (options.signal.aborted) throw new Error(`was asked to go, but the wait for it was interrupted: ${held}`);
    if (Date.now() >= end) throw new Error(`is still there ${options.timeoutSeconds} s after it was deleted: ${held}`);
    if (Date.now() >= nextReport) {
      options.status(`waiting until it is gone: ${held}`);
      nextReport = Date.now() + 2000;
    }
    await pauseFor(pause, options.signal);
  }
}

/** How ready an object is now. Kinds that are not named here are ready once they exist. */
export async function readiness(kube: Kube, object: KubeObject): Promise<Readiness> {
  const { annotations = {} } = object.metadata;
  if (annotations['pulumi.com/skipAwait'] === 'true') return ready;
  switch (`${object.apiVersion}/${object.kind}`) {
    case 'v1/PersistentVolumeClaim':
      return claim(kube, object);
    case 'apiextensions.k8s.io/v1/CustomResourceDefinition':
      return definition(kube, object);
    default:
      return readinessOf(object);
  }
}

/** The readiness of the kinds that tell it themselves. */
export function readinessOf(object: KubeObject): Readiness {
  const { spec = {}, status = {} } = object;
  const group = object.apiVersion.split('/')[0];
  switch (`${group}/${object.kind}`) {
    case 'v1/Namespace':
      return status.phase === 'Active' ? ready : waiting(`the namespace is ${status.phase ?? 'not active yet'}`);
    case 'apps/Deployment':
      return seen(object) ?? deployment(object);
    case 'apps/StatefulSet':
      return seen(object) ?? statefulSet(object);
    case 'apps/DaemonSet': {
      const wanted = status.desiredNumberScheduled ?? 0;
      const updated = spec.updateStrategy?.type === 'OnDelete' ? wanted : (status.updatedNumberScheduled ?? 0);
      return seen(object) ?? counted(Math.min(updated, status.numberAvailable ?? 0), wanted);
    }
    case 'batch/Job': {
      const failure = condition(object, 'Failed');
      if (failure) return failed(`the job failed: ${failure.message ?? failure.reason}`);
      if (condition(object, 'Complete') || spec.suspend) return ready;
      return waiting(`the job is running (${status.active ?? 0} active, ${status.failed ?? 0} failed)`);
    }
    default:
      return ready;
  }
}

function deployment(object: KubeObject): Readiness {
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  if (spec.paused) return ready;
  const progressing = status.conditions?.find((one: Condition) => one.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return failed(progressing.message);
  if ((status.updatedReplicas ?? 0) < wanted)
    return waiting(`${status.updatedReplicas ?? 0} of ${wanted} pods are of the new version`);
  const old = (status.replicas ?? 0) - status.updatedReplicas;
  if (old > 0) return waiting(`${old} pod(s) of the old version are still there`);
  return counted(status.availableReplicas ?? 0, wanted);
}

function statefulSet(object: KubeObject): Readiness {
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  const updated = wanted - (spec.updateStrategy?.rollingUpdate?.partition ?? 0);
  if (spec.updateStrategy?.type !== 'OnDelete' && (status.updatedReplicas ?? 0) < updated) {
    return waiting(`${status.updatedReplicas ?? 0} of ${updated} pods are of the new version`);
  }
  return counted(status.availableReplicas ?? 0, wanted);
}

/** A claim of a class that waits for its first pod is as ready as it gets. */
async function claim(kube: Kube, object: KubeObject): Promise<Readiness> {
  const phase = object.status?.phase;
  if (phase === 'Bound') return ready;
  if (phase === 'Lost') return failed('its volume is lost');
  const className: string | undefined = object.spec.storageClassName;
  if (className) {
    const storageClass = await kube.get({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: className } });
    if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer') return ready;
    if (!storageClass) return waiting(`the storage class '${className}' does not exist`);
  }
  return waiting(`no volume is bound to it (storage class '${className ?? ''}')`);
}

/** Established is not enough: the server begins to answer for the new kind a little later. */
async function definition(kube: Kube, object: KubeObject): Promise<Readiness> {
  const { group, names, versions } = object.spec;
  const conditions: Condition[] = object.status?.conditions ?? [];
  const conflict = conditions.find((one) => one.type === 'NamesAccepted' && one.status === 'False');
  if (conflict) return failed(`its names are not accepted: ${conflict.message}`);
  if (!condition(object, 'Established')) return waiting('the kind is not established yet');
  for (const version of versions.filter((one: { served: boolean }) => one.served)) {
    const served = await answered(async () => {
      const collection = await kube.collection(`${group}/${version.name}`, names.kind, undefined, true);
      return kube.send('GET', `${collection}?limit=1`);
    });
    if (!served || served === 'no answer') return waiting('the kind is not served yet');
  }
  return ready;
}

/** Whether the controller has seen this version of the object; undefined when it has. */
function seen(object: KubeObject): Readiness | undefined {
  const observed = object.status?.observedGeneration ?? 0;
  return observed >= (object.metadata.generation ?? 0) ? undefined : waiting('its controller has not seen this version yet');
}

function counted(available: number, wanted: number): Readiness {
  return available >= wanted ? ready : waiting(`${available} of ${wanted} pods are available`);
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

function condition(object: KubeObject, type: string): Condition | undefined {
  return object.status?.conditions?.find((one: Condition) => one.type === type && one.status === 'True');
}

/** Why an object is not ready, from what the cluster says about it and its pods; at most five lines. */
export async function reasons(kube: Kube, object: KubeObject): Promise<string[]> {
  try {
    const { namespace } = object.metadata;
    if (!namespace) return [];
    const failure = condition(object, 'ReplicaFailure');
    const labels = object.spec?.selector?.matchLabels as Record<string, string> | undefined;
    const labelSelector =
      labels &&
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
    const pods = labelSelector ? await kube.list('v1', 'Pod', { namespace, labelSelector }) : [];
    const broken = pods.map((pod) => ({ pod, why: podProblem(pod) })).filter(({ why }) => why !== undefined);
    const lines = [
      ...(failure ? [failure.message ?? ''] : []),
      ...(await warnings(kube, object)),
      ...broken.map(({ pod, why }) => `pod ${pod.metadata.name}: ${why}`),
      ...(await Promise.all(broken.slice(0, 2).map(({ pod }) => warnings(kube, pod)))).flat(),
    ];
    return [...new Set(lines)].slice(0, 5);
  } catch (error) {
    return [`the reason could not be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** The latest warnings about an object: quota, pod security, volumes, probes. Scheduling is told by the pod itself. */
async function warnings(kube: Kube, object: KubeObject): Promise<string[]> {
  const events = await kube.list('v1', 'Event', {
    namespace: object.metadata.namespace!,
    fieldSelector: `involvedObject.uid=${object.metadata.uid},type=Warning`,
  });
  return events
    .filter((event) => event.reason !== 'FailedScheduling')
    .slice(-2)
    .map((event) => `${object.kind} ${object.metadata.name}: ${event.reason}: ${event.message}`);
}

/** What is wrong with a pod; undefined when it is ready. */
export function podProblem(pod: KubeObject): string | undefined {
  const { status = {} } = pod;
  const conditions: Condition[] = status.conditions ?? [];
  const unscheduled = conditions.find((one) => one.type === 'PodScheduled' && one.status === 'False');
  if (unscheduled) return `${unscheduled.reason}: ${unscheduled.message}`;
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const { waiting: stuck, terminated } = container.state ?? {};
    const exit = (terminated ?? container.lastState?.terminated) as { exitCode: number; reason?: string } | undefined;
    const exited = exit?.exitCode
      ? `exit code ${exit.exitCode} (${exit.reason ?? 'Error'}), ${container.restartCount} restart(s)`
      : undefined;
    const starts = ['PodInitializing', 'ContainerCreating'].includes(stuck?.reason);
    const problems = [...(stuck && !starts ? [stuck.reason, stuck.message] : []), exited].filter(Boolean);
    if (problems.length) return `container ${container.name} (${container.image}): ${problems.join(', ')}`;
  }
  if (status.phase === 'Failed') return `${status.reason ?? 'Failed'}: ${status.message ?? 'the pod failed'}`;
  if (conditions.some((one) => one.type === 'Ready' && one.status === 'True') || status.phase === 'Succeeded') return undefined;
  return status.phase === 'Running' ? 'it runs, but is not ready (readiness probe)' : `it is ${status.phase ?? 'not started'}`;
}

function heldBy(object: KubeObject): string {
  const finalizers = (object.metadata.finalizers ?? []) as string[];
  const remaining = (object.status?.conditions ?? []).filter(
    (one: Condition) => one.type.startsWith('Namespace') && one.status === 'True',
  );
  if (remaining.length) return remaining.map((one: Condition) => one.message).join(' ');
  if (finalizers.length) return `held by the finalizer(s) ${finalizers.join(', ')}`;
  return 'its grace period is not over';
}

/** A server that does not answer for a moment is no reason to give up a wait. */
async function answered<T>(ask: () => Promise<T>): Promise<T | 'no answer' | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    if (error instanceof KubeError && (error.status === 0 || error.status === 429 || error.status >= 500)) return 'no answer';
    throw error;
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
