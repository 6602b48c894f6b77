import { idOf } from '../constructs/objects';
import type { Manifest } from '../policies/rule';
import { list } from './facts/fact';

/** Choices that stand in objects, as path and value: names and classes with which a server makes things once. */
export function choicesIn(objects: readonly Manifest[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const object of objects) {
    const add = (path: string, value: unknown) => void (value === undefined || (found[`${idOf(object)} ${path}`] = String(value)));
    const { kind, spec = {} } = object;
    if (kind === 'S3Bucket') add('spec.bucket', spec.bucket);
    if (kind === 'Realm') add('spec.realm', spec.realm);
    if (kind === 'Mount') add('spec.path', spec.path);
    if (kind === 'PersistentVolumeClaim') add('spec.storageClassName', spec.storageClassName);
    if (kind === 'StatefulSet') for (const { metadata, spec: claim } of list(spec.volumeClaimTemplates)) add(`volumeClaimTemplates[${metadata?.name}].storageClassName`, claim?.storageClassName);
  }
  return found;
}
