import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { parsed } from '../canonical';

/** Objects that a file of a ConfigMap lists for namespaces that do not exist yet, and where they come from. */
export interface Kept {
  /** With a namespace of their own that stands for all of them. */
  readonly objects: readonly Manifest[];
  /** That namespace, and the ConfigMap. */
  readonly from: ReadonlyMap<string, string>;
}

/** What keepers such as the fence write into namespaces later: a `List` in a ConfigMap. */
export function keptBy(objects: readonly Manifest[]): Kept {
  const from = new Map<string, string>();
  const kept = objects.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.namespace).flatMap((map) => Object.entries((map.data ?? {}) as Record<string, string>).flatMap(([file, text]): Manifest[] => {
    const items = itemsOf(text);
    if (!items) return [];
    const namespace = `namespaces by ${map.metadata.name}.${file} of ${map.metadata.namespace}`;
    from.set(namespace, idOf(map));
    return [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }, ...items.map((item) => ({ ...item, metadata: { ...item.metadata, namespace } }))];
  }));
  return { objects: kept, from };
}

/** The members of a `List` of objects; undefined for any other text. */
export function itemsOf(text: string): Manifest[] | undefined {
  const document = parsed(text) as { kind?: string; items?: Manifest[] };
  return document?.kind === 'List' && Array.isArray(document.items) && document.items.every(({ kind, metadata }) => kind && metadata?.name) ? document.items : undefined;
}
