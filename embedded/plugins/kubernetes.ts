import { readFileSync } from 'node:fs';
import type { Problem } from '../../model/errors';
import { stackLabel } from '../../model/objects';
import { Kube, KubeError, type KubeObject, type KubeRef } from '../kube';
import { awaitGone, awaitReady, readiness, readinessOf, reasons, type WaitOptions } from './kubernetes-await';
import { kubernetesChanges, needsReplacement } from './kubernetes-diff';
import { driftedInputs } from './kubernetes-drift';
import { previewOf, stateOf, toInputs, toObject, withKindSecrets } from './kubernetes-state';
import {
  InitFailure,
  serveProvider,
  type CreateRequest,
  type DeleteRequest,
  type Progress,
  type ReadRequest,
  type ResourceProvider,
  type RunningProvider,
  type UpdateRequest,
} from './provider-server';
import { hasUnknown, type Properties, type Values } from './provider-values';

export interface KubernetesPluginOptions {
  /** Path of the kubeconfig of the embedded region; what the program's provider says is not looked at. */
  readonly kubeconfig: string;
  /** Name of the stack, as its objects carry it in the label `datalab-stacks/stack`. */
  readonly stack: string;
  /** Take over objects that exist already and belong to nobody or somebody else. */
  readonly adopt: boolean;
}

export interface RunningKubernetesPlugin extends RunningProvider {
  /**
   * Objects that the previews so far wanted to create and that exist without belonging to this stack. The engine shows
   * each as an error, but goes on so that all of them are found: whoever ran the preview has to stop if there are any.
   */
  strangers(): readonly Problem[];
}

const defaultFieldManager = 'datalab-stacks';
const defaultTimeoutSeconds = 600;

/**
 * Kinds that are gone only when what they made is gone too. For others this would cost a round of the garbage collector
 * each, and up to 30 s for a custom resource, until the collector has noticed that its kind exists.
 */
const owners = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob']);

/** The stand-in for the Pulumi plugin `kubernetes`: the engine attaches to it with PULUMI_DEBUG_PROVIDERS=kubernetes:PORT. */
export async function startKubernetesPlugin(options: KubernetesPluginOptions): Promise<RunningKubernetesPlugin> {
  const official = JSON.parse(readFileSync(require.resolve('@pulumi/kubernetes/package.json'), 'utf8')) as { version: string };
  const kube = new Kube(options.kubeconfig);
  const objects = new KubernetesObjects(kube, options);
  const server = await serveProvider({
    name: 'kubernetes',
    version: official.version,
    identity: ['clusterIdentifier'],
    configure: () => objects,
  });
  return {
    port: server.port,
    strangers: () => [...objects.strangers.values()],
    async stop() {
      await server.stop();
      kube.close();
    },
  };
}

class KubernetesObjects implements ResourceProvider {
  readonly strangers = new Map<string, Problem>();
  /** Objects that were there when a resource was created, by uid: the resource that has them now. */
  private readonly takenOver = new Map<string, string>();

  constructor(
    private readonly kube: Kube,
    private readonly options: KubernetesPluginOptions,
  ) {}

  check({ type, inputs }: { type: string; inputs: Properties }) {
    const { apiVersion, kind, metadata } = inputs.values;
    const failures: string[] = [];
    const token = `kubernetes:${apiVersion === 'v1' ? 'core/v1' : apiVersion}:${kind}`;
    if (token !== type) {
      failures.push(`it is registered as ${type}, but is a ${kind} of ${apiVersion}. Fix: register it as ${token}`);
    }
    if (typeof metadata?.name !== 'string') {
      const got = metadata?.generateName ? 'generateName' : String(metadata?.name);
      failures.push(`metadata.name: got ${got}; allowed: a name. Fix: give it one, since server-side apply makes none up`);
    }
    return { inputs: withKindSecrets(inputs), failures };
  }

  diff({ oldInputs, inputs }: { oldInputs: Properties; inputs: Properties }) {
    return kubernetesChanges(oldInputs, inputs);
  }

  async create(request: CreateRequest, progress: Progress) {
    const { inputs, preview } = request;
    const object = toObject(inputs.values);
    const named = !hasUnknown([object.metadata.name, object.metadata.namespace]);
    const existing = named ? await this.explained('read', object, () => this.kube.get(object)) : undefined;
    const usable = existing && !existing.metadata.deletionTimestamp ? existing : undefined;
    if (usable && !this.mayAdopt(usable)) {
      const problem = strangerProblem(usable);
      const message = `${problem.path} ${problem.got}. Fix: ${problem.fix}`;
      if (!preview) throw new Error(message);
      this.strangers.set(problem.path, problem);
      progress.log('error', message);
      return { id: '', outputs: previewOf(inputs, inputs.values, usable) };
    }
    if (preview) return { id: '', outputs: await this.previewCreate(inputs, object, usable) };

    if (usable) this.takenOver.set(usable.metadata.uid!, request.urn);
    else if (existing) {
      const wait = waitOptions(request, object, progress);
      await this.explained('delete', object, () => awaitGone(this.kube, object, existing.metadata.uid, wait));
    }
    return this.apply(request, object, defaultFieldManager, progress);
  }

  async read({ id, inputs, outputs }: ReadRequest) {
    if (!inputs.values.kind) {
      throw new Error(
        `importing '${id}' is not part of the embedded region's stand-in. Fix: declare the object and run with --adopt`,
      );
    }
    const object = toObject(inputs.values);
    const live = await this.explained('read', object, () => this.kube.get(object));
    const known = outputs.values.metadata;
    // Another object under this name is not ours: the next preview lists it as a stranger.
    if (!live || (live.metadata.uid !== known?.uid && !this.isOurs(live))) return undefined;

    const manager = fieldManagerOf(outputs);
    const unchanged = live.metadata.uid === known?.uid && live.metadata.resourceVersion === known?.resourceVersion;
    const found: Properties = unchanged
      ? inputs
      : { ...inputs, values: await this.drifted(inputs.values, object, live, manager) };
    const state = stateOf(found, live, manager);
    const now = await this.explained('read', object, () => readiness(this.kube, live));
    if (now.state !== 'ready') throw new InitFailure(id, state, [now.why, ...(await reasons(this.kube, live))], found);
    return { inputs: found, outputs: state };
  }

  async update(request: UpdateRequest, progress: Progress) {
    const { inputs, oldOutputs, preview } = request;
    const object = toObject(inputs.values);
    const manager = fieldManagerOf(oldOutputs);
    if (!preview) {
      // Nothing that is applied to a failed Job makes it run again.
      if (object.kind === 'Job' && readinessOf(oldOutputs.values as KubeObject).state === 'failed') {
        await this.remove(request, object, oldOutputs, progress);
      }
      return this.apply(request, object, manager, progress);
    }
    const known = !hasUnknown(inputs.values);
    const planned = known ? await this.dryRun(object, manager) : undefined;
    return { outputs: previewOf(inputs, planned ?? inputs.values, oldOutputs.values) };
  }

  async delete(request: DeleteRequest, progress: Progress) {
    const owner = this.takenOver.get(request.outputs.values.metadata?.uid);
    if (owner && owner !== request.urn) {
      const name = owner.split('::').pop();
      progress.log('warning', `${request.id} stays: the resource ${name} has taken it over. An alias on it would have said so.`);
      return;
    }
    await this.remove(request, toObject(request.inputs.values), request.outputs, progress);
  }

  private async remove(
    request: { timeoutSeconds: number },
    object: KubeObject,
    outputs: Properties,
    progress: Progress,
  ): Promise<void> {
    await this.explained('delete', object, async () => {
      const target = await this.requestDeletion(object, outputs.values.metadata?.uid);
      await awaitGone(this.kube, object, target, waitOptions(request, object, progress));
    });
  }

  /** Creates or updates the object and waits until it works. */
  private async apply(request: CreateRequest, object: KubeObject, fieldManager: string, progress: Progress) {
    const applied = await this.explained('apply', object, () => this.kube.apply(object, { fieldManager, force: true }));
    const { object: live, problems } = await this.explained('read', object, () =>
      awaitReady(this.kube, applied, waitOptions(request, object, progress)),
    );
    const id = idOf(live);
    const outputs = stateOf(request.inputs, live, fieldManager);
    if (problems.length) throw new InitFailure(id, outputs, [`${nameOf(live)}: ${problems[0]}`, ...problems.slice(1)]);
    return { id, outputs };
  }

  private async previewCreate(inputs: Properties, object: KubeObject, existing: KubeObject | undefined): Promise<Properties> {
    if (hasUnknown(inputs.values)) return previewOf(inputs, inputs.values);
    // The engine previews a replacement as a creation while the old object is still there, which no dry run would pass.
    if (existing && needsReplacement(existing, { ...inputs, values: object })) return previewOf(inputs, inputs.values);
    const planned = await this.dryRun(object, defaultFieldManager);
    return previewOf(inputs, planned ?? inputs.values, existing);
  }

  /** What the server would make of the object; undefined when its namespace or kind does not exist yet, or is about to go. */
  private async dryRun(object: KubeObject, fieldManager: string): Promise<KubeObject | undefined> {
    return this.explained('apply', object, async () => {
      try {
        return await this.kube.apply(object, { fieldManager, force: true, dryRun: true });
      } catch (error) {
        if (error instanceof KubeError && (error.status === 404 || isTerminating(error))) return undefined;
        throw error;
      }
    });
  }

  /** The inputs that describe the object as it is now: what applying the inputs again would change is drift. */
  private async drifted(inputs: Values, object: KubeObject, live: KubeObject, fieldManager: string): Promise<Values> {
    let desired: Values;
    try {
      desired = await this.kube.apply(object, { fieldManager, force: true, dryRun: true });
    } catch (error) {
      // The object was made anew by others, in a way that our inputs cannot be applied to.
      if (!(error instanceof KubeError) || error.status !== 422) throw new Error(explain('read', object, error));
      desired = object;
    }
    const found = driftedInputs(object, live, desired);
    return found === object ? inputs : toInputs(found, inputs);
  }

  /** Asks for deletion and returns the uid of the object that goes; a stranger of the same name is left alone. */
  private async requestDeletion(object: KubeObject, uid: string | undefined): Promise<string | undefined> {
    const propagation = owners.has(object.kind) ? 'Foreground' : 'Background';
    try {
      await this.kube.delete(object, { propagation, uid });
      return uid;
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 409) throw error;
      const live = await this.kube.get(object);
      if (live && live.metadata.uid !== uid && !this.isOurs(live)) return uid;
      await this.kube.delete(object, { propagation });
      return live?.metadata.uid;
    }
  }

  private mayAdopt(existing: KubeObject): boolean {
    return this.options.adopt || this.isOurs(existing);
  }

  private isOurs(existing: KubeObject): boolean {
    return existing.metadata.labels?.[stackLabel] === this.options.stack;
  }

  private async explained<T>(verb: Verb, object: KubeRef, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new Error(explain(verb, object, error));
    }
  }
}

function isTerminating(error: KubeError): boolean {
  return error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
}

type Verb = 'read' | 'apply' | 'delete';

function explain(verb: Verb, object: KubeRef, error: unknown): string {
  const name = nameOf(object);
  if (!(error instanceof KubeError)) return `${name} ${error instanceof Error ? error.message : String(error)}`;
  if (error.status === 0) {
    return `${name}: could not ${verb} it, ${error.message}. Fix: see with 'datalab status' whether the region runs`;
  }
  if (error.reason === 'NoKindMatch') {
    return `${name}: ${error.message}. Fix: install the CustomResourceDefinition first, and depend on it`;
  }
  return `${name}: the API server refused to ${verb} it: ${error.message}`;
}

function strangerProblem(existing: KubeObject): Problem {
  const { name, namespace, labels } = existing.metadata;
  const owner = labels?.[stackLabel];
  return {
    path: nameOf(existing),
    got: `exists already and ${owner ? `belongs to the stack '${owner}'` : 'was not made by this stack'}`,
    allowed: 'objects of this stack',
    fix: `run with --adopt to take it over, or delete it: kubectl delete ${existing.kind.toLowerCase()} ${name}${namespace ? ` -n ${namespace}` : ''}`,
  };
}

/** `Kind namespace/name`, as people say it. */
function nameOf(object: KubeRef): string {
  return `${object.kind} ${idOf(object)}`;
}

function idOf({ metadata: { name, namespace } }: KubeRef): string {
  return namespace ? `${namespace}/${name}` : name;
}

function fieldManagerOf(outputs: Properties): string {
  return outputs.values.__fieldManager ?? defaultFieldManager;
}

function waitOptions(request: { timeoutSeconds: number }, object: KubeObject, progress: Progress): WaitOptions {
  const annotated = Number(object.metadata.annotations?.['pulumi.com/timeoutSeconds']);
  return {
    timeoutSeconds: request.timeoutSeconds || annotated || defaultTimeoutSeconds,
    signal: progress.signal,
    status: (message) => progress.status(message),
  };
}
