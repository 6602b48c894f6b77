import { compose } from '../constructs/compose';
import { entriesOf, type PlatformObject } from '../constructs/objects';
import { customKind } from '../constructs/crds';
import type { Stack } from '../model/stack';

/** One thing that a stack needs of its cluster, and whether it is there. */
export interface ClusterCheck {
  readonly what: string;
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
  /** What to do when it is not ok. */
  readonly fix: string;
}

interface Listed {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly taints?: readonly { key: string; value?: string; effect: string }[]; readonly group?: string; readonly names?: { kind: string } };
}

/** How to ask a cluster for all objects of a plural name, `nodes` for example. */
export type ListObjects = (plural: string) => Promise<readonly Listed[]>;

/** What the stack expects of a cluster that its administrators prepared: definitions, storage classes, nodes. */
export async function checkCluster(stack: Stack, list: ListObjects): Promise<ClusterCheck[]> {
  const region = stack.instance.regions[stack.region]!;
  const objects = entriesOf(compose(stack)).map(({ object }) => object);
  const [definitions, storageClasses, nodes] = await Promise.all([list('customresourcedefinitions'), list('storageclasses'), list('nodes')]);
  return [
    ...(region.crds === 'present' ? kinds(objects, definitions) : []),
    ...[...new Set(Object.values(region.storageClasses))].map((name) => named('storage class', name, storageClasses)),
    ...region.nodePools.map((pool) => {
      const found = nodes.filter((node) => Object.entries(pool.labels).every(([key, value]) => node.metadata.labels?.[key] === value));
      const tainted = found.filter((node) =>
        pool.taints.every((taint) => node.spec?.taints?.some(({ key, value, effect }) => key === taint.key && value === taint.value && effect === taint.effect)),
      );
      return {
        what: `node pool ${pool.name}`,
        ok: tainted.length === pool.count,
        found: `${tainted.length} of ${pool.count} nodes with its labels and taints`,
        fix: 'label and taint the nodes, or correct the region',
      };
    }),
  ];
}

function kinds(objects: readonly PlatformObject[], definitions: readonly Listed[]): ClusterCheck[] {
  const wanted = [...new Set(objects.flatMap((object) => customKind(object) ?? []))].sort();
  const there = new Set(definitions.map(({ spec }) => `${spec?.group}/${spec?.names?.kind}`));
  return wanted.map((kind) => ({
    what: `definition of ${kind}`,
    ok: there.has(kind),
    found: there.has(kind) ? 'there' : 'not there',
    fix: "install it with the controller that serves it, or write crds: 'install' and add it to the instance's crds/",
  }));
}

function named(what: string, name: string, listed: readonly Listed[]): ClusterCheck {
  const ok = listed.some((object) => object.metadata.name === name);
  return { what: `${what} ${name}`, ok, found: ok ? 'there' : `there are ${listed.map((object) => object.metadata.name).join(', ') || 'none'}`, fix: 'create it, or correct the region' };
}
