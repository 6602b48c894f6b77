import { idOf } from '../constructs/objects';
import type { Manifest } from '../policies/rule';
import { canonical, equal, isMap, keyOf, parsed, unordered, withoutComments } from './canonical';

/** One field of one object that differs. */
export interface FieldChange {
  /** `spec.template.spec.containers[keycloak].image`. */
  readonly path: string;
  /** JSON text; undefined when it was not there. */
  readonly before?: string;
  readonly after?: string;
}

/** One object that differs. */
export interface ObjectChange {
  /** `<namespace or _cluster>/<kind>/<name>`, lower case. */
  readonly id: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before?: Manifest;
  readonly after?: Manifest;
  /** What differs inside a changed object; nothing when only comments or the order of a list do. */
  readonly fields: readonly FieldChange[];
}

/** Objects matched by identity, members of lists by what names them; order says nothing, except in commands and init containers. */
export function compareObjects(before: readonly Manifest[], after: readonly Manifest[]): ObjectChange[] {
  const [left, right] = [byId(before), byId(after)];
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((id): ObjectChange[] => {
    const [old, fresh] = [left.get(id), right.get(id)];
    if (!old) return [{ id, change: 'added', after: fresh!, fields: [] }];
    if (!fresh) return [{ id, change: 'removed', before: old, fields: [] }];
    return equal(old, fresh) ? [] : [{ id, change: 'changed', before: old, after: fresh, fields: compare(old, fresh, '') }];
  });
}

function byId(objects: readonly Manifest[]): Map<string, Manifest> {
  return new Map(objects.map((object) => [idOf(object), object]));
}

function compare(before: unknown, after: unknown, path: string): FieldChange[] {
  const [left, right] = [parsed(before), parsed(after)];
  if (Array.isArray(left) && Array.isArray(right)) return compareLists(left, right, path);
  if (isMap(left) && isMap(right)) {
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort().flatMap((key) => compare(left[key], right[key], path ? `${path}.${key}` : key));
  }
  if (same(left, right)) return [];
  return [{ path, ...(left === undefined ? {} : { before: canonical(left) }), ...(right === undefined ? {} : { after: canonical(right) }) }];
}

/** Lists whose order says something. */
const ordered = /\.(command|args|initContainers)$/;

function compareLists(before: readonly unknown[], after: readonly unknown[], path: string): FieldChange[] {
  const name = keyOf(before, after);
  const order = (list: readonly unknown[]) => canonical(list.map((member) => (name ? name(member) : member)));
  if (ordered.test(path) && order(before) !== order(after)) return [{ path, before: canonical(before), after: canonical(after) }];
  const [left, right] = [before, after].map((list) => new Map(list.map((member) => [name ? name(member) : unordered(member), member]))) as [Map<string, unknown>, Map<string, unknown>];
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((key) => compare(left.get(key), right.get(key), `${path}[${name ? key : ''}]`));
}

function same(before: unknown, after: unknown): boolean {
  if (typeof before === 'string' && typeof after === 'string' && before.includes('\n')) return withoutComments(before) === withoutComments(after);
  return canonical(before) === canonical(after);
}
