import * as pulumi from '@pulumi/pulumi';
import { entriesOf, type Entry, type PlatformObject } from '../constructs/objects';
import type { Platform } from '../constructs/platform';
import { outputReferences, packageOf } from '../constructs/tokens';
import { packageVersion, provisioned } from './provisioned';
import { withSecrets, type Seeds } from './secrets';

/** A part of the platform, as Pulumi shows it. One type for all, so that moving an object keeps its URN. */
class System extends pulumi.ComponentResource {
  constructor(name: string) {
    super('datalab:index:System', name);
  }
}

/** Any Kubernetes object, with the token that the classes of @pulumi/kubernetes use for its kind. */
class KubernetesObject extends pulumi.CustomResource {
  constructor(name: string, object: pulumi.Inputs, options: pulumi.CustomResourceOptions) {
    const group = object.apiVersion === 'v1' ? 'core/v1' : String(object.apiVersion);
    super(`kubernetes:${group}:${String(object.kind)}`, name, object, options);
  }
}

/**
 * The cluster, reached by the operator's own kubeconfig. Registered without the class of @pulumi/kubernetes, which
 * writes the environment's KUBECONFIG into the state: each operator's path would be an update.
 */
class Cluster extends pulumi.ProviderResource {
  constructor(stack: string, context: string | undefined) {
    super(
      'kubernetes',
      'cluster',
      {
        // Another cluster under the same name must replace, never update.
        clusterIdentifier: stack,
        ...(context === undefined ? {} : { context }),
        enableServerSideApply: 'true',
        enablePatchForce: 'true',
        enableConfigMapMutable: 'true',
        enableSecretMutable: 'true',
      },
      { version: packageVersion('kubernetes') },
    );
  }
}

/**
 * Registers a whole platform with the Pulumi engine that runs this program.
 * Reads the secret config `datalab:seed`, from which every derived secret comes, and during a change of the seed
 * `datalab:previousSeed`, with which the servers are told of it.
 */
export function deploy(platform: Platform): void {
  const { stack, region } = platform;
  const config = new pulumi.Config('datalab');
  const seeds = pulumi
    .all([config.requireSecret('seed'), config.getSecret('previousSeed')])
    .apply(([current, previous]): Seeds => ({ current, previous, epoch: stack.secrets.epoch }));
  const { access } = region.cluster;
  const provider = new Cluster(stack.name, access === 'embedded' ? undefined : access.context);
  const systems = new Map<string, System>();
  const registered = new Map<string, pulumi.Resource>();
  const entries = ordered(entriesOf(platform));
  const wanted = outputsWanted(entries);
  for (const entry of entries) {
    const parent = systems.get(entry.system) ?? new System(entry.system);
    systems.set(entry.system, parent);
    const options = { parent, protect: entry.stateful, retainOnDelete: entry.stateful, dependsOn: entry.after.map((id) => registered.get(id)!) };
    registered.set(
      entry.id,
      packageOf(entry.object)
        ? provisioned(entry, options, registered, seeds, wanted.get(entry.id) ?? [])
        : new KubernetesObject(entry.id, inputs(entry.object, seeds), {
            ...options,
            provider,
            ...(entry.object.kind === 'Secret' ? { additionalSecretOutputs: ['data', 'stringData'] } : {}),
          }),
    );
  }
}

function inputs(object: PlatformObject, seeds: pulumi.Output<Seeds>): pulumi.Inputs {
  if (object.kind !== 'Secret') return { ...object };
  const { stringData, ...rest } = object;
  return { ...rest, stringData: pulumi.secret(seeds.apply((values) => withSecrets(stringData, values))) };
}

/** The output properties of each entry that others name in their inputs. */
export function outputsWanted(entries: readonly Entry[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const part of entries.flatMap(({ object }) => outputReferences(JSON.stringify(object.spec ?? null)))) {
    if (typeof part !== 'string') wanted.set(part.id, [...(wanted.get(part.id) ?? []), part.property]);
  }
  return wanted;
}

/** The entries so that each comes after those it waits for; otherwise as they stand. */
export function ordered(entries: readonly Entry[]): Entry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const done = new Set<string>();
  const result: Entry[] = [];
  const visit = (entry: Entry, path: readonly string[]): void => {
    if (done.has(entry.id)) return;
    if (path.includes(entry.id)) throw new Error(`these wait for each other: ${[...path.slice(path.indexOf(entry.id)), entry.id].join(' → ')}`);
    for (const id of entry.after) {
      const needed = byId.get(id);
      if (!needed) throw new Error(`${entry.id} waits for ${id}, which is not in the tree`);
      visit(needed, [...path, entry.id]);
    }
    done.add(entry.id);
    result.push(entry);
  };
  for (const entry of entries) visit(entry, []);
  return result;
}
