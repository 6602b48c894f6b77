import { ApiObject } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { idOf, packageOf, statefulAnnotation, type PlatformObject } from '../model/objects';
import { customKind, requireDefinitions } from './crds';
import type { Platform } from './platform';
import { refuseStraySecrets } from './secrets';
import { outputsIn } from './tokens';

export { idOf, type PlatformObject } from '../model/objects';

/** One object of the tree with what is known of it beside its manifest. */
export interface Entry {
  /** `<namespace or _cluster>/<kind>/<name>`, lower case: unique, and the name in Pulumi. */
  readonly id: string;
  readonly object: PlatformObject;
  /** The part of the platform it belongs to: the id of a child of the root. */
  readonly system: string;
  /** Ids of the objects that must be there, and ready, before. */
  readonly after: readonly string[];
  /** It holds data. */
  readonly stateful: boolean;
}

/**
 * The tree as a list, in tree order: what reviewers read and what is deployed.
 * @throws UserError when a secret stands outside a Secret or a CustomResourceDefinition is missing; Error when two
 * constructs make the same object.
 */
export function entriesOf(platform: Platform): Entry[] {
  const nodes = platform.node.findAll().filter(ApiObject.isApiObject);
  const objects = new Map<IConstruct, PlatformObject>(nodes.map((node) => [node, node.toJson() as PlatformObject]));
  const ids = new Map([...objects].map(([node, object]) => [node, idOf(object)]));
  const namespaces = new Map([...objects].filter(([, object]) => object.kind === 'Namespace').map(([node, object]) => [object.metadata.name, ids.get(node)!]));
  const { region, stack } = platform;
  const definitions = new Map(stack.definitions.map(({ metadata, spec }) => [`${spec.group}/${spec.names.kind}`, `_cluster/customresourcedefinition/${metadata.name}`]));
  if (region.crds === 'install') {
    const kinds = [...objects.values()].flatMap((object) => customKind(object) ?? []);
    requireDefinitions(new Set(kinds), stack.definitions, `stacks/${stack.instance.name}/crds/`);
  }
  const seen = new Set<string>();

  return nodes.map((node) => {
    const object = objects.get(node)!;
    const id = ids.get(node)!;
    if (seen.has(id)) throw new Error(`two constructs make ${id}; the second is ${node.node.path}`);
    seen.add(id);
    refuseStraySecrets(object);
    const after = new Set<string>();
    const namespace = namespaces.get(object.metadata.namespace ?? '');
    if (namespace && !packageOf(object)) after.add(namespace);
    for (const wanted of outputsIn(object.spec)) after.add(wanted);
    const definition = definitions.get(customKind(object) ?? '');
    if (definition) after.add(definition);
    for (const wanted of node.node.dependencies) after.add(ids.get(wanted)!);
    if (workloads.has(object.kind)) {
      for (const [other, { apiVersion, kind, metadata }] of objects) {
        const near = metadata.namespace === undefined ? kind !== 'Namespace' : metadata.namespace === object.metadata.namespace;
        if (near && !late.has(kind) && !packageOf({ apiVersion })) after.add(ids.get(other)!);
      }
    }
    return {
      id,
      object,
      system: node.node.scopes[2]!.node.id,
      after: [...after].sort(),
      stateful: object.metadata.annotations?.[statefulAnnotation] === 'true',
    };
  });
}

const workloads = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

/** Kinds that no workload waits for. What it needs of its namespace and of the cluster is there before its pods are admitted. */
const late = new Set([...workloads, 'CustomResourceDefinition', 'Gateway', 'HTTPRoute', 'Ingress', 'Certificate', 'PodDisruptionBudget']);
