import { createHash } from 'node:crypto';

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  return written(value, (members) => members);
}

/** The same, with sorted lists: where order says nothing. */
export function unordered(value: unknown): string {
  return written(value, (members) => members.sort());
}

function written(value: unknown, listed: (members: string[]) => string[]): string {
  if (Array.isArray(value)) return `[${listed(value.map((member) => written(member, listed))).join()}]`;
  if (isMap(value)) return `{${Object.keys(value).filter((key) => value[key] !== undefined).sort().map((key) => `${JSON.stringify(key)}:${written(value[key], listed)}`).join()}}`;
  return JSON.stringify(value) ?? 'null';
}

/** Whether two values are the same, whatever the order of keys. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, index) => equal(each, b[index]));
  if (!isMap(a) || !isMap(b)) return false;
  const present = (map: Record<string, unknown>) => Object.keys(map).filter((key) => map[key] !== undefined);
  const keys = present(a);
  return keys.length === present(b).length && keys.every((key) => equal(a[key], b[key]));
}

/** A text that is JSON as what it says; anything else as it is. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** A text without the lines that are comments, blank lines, and spaces around lines. */
export function withoutComments(text: string): string {
  return text.split('\n').map((line) => line.trim()).filter((line) => line && !/^(#(?!!)|\/\/|--\s)/.test(line)).join('\n');
}

/** The first hexadecimal digits of a SHA-256. */
export function digestOf(text: string, digits = 8): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** A value in a line of a report; what is left out is in the digest. */
export function shown(value: string, most = 160): string {
  const line = value.replaceAll(/\s+/g, ' ');
  return line.length <= most ? line : `${line.slice(0, most - 30)}… (sha256 ${digestOf(value)})`;
}

const byKey = ['name', 'id', 'containerPort', 'mountPath', 'key', 'devicePath', 'ip', 'topologyKey', 'type', 'host', 'path'];

/** What names each member of some lists that belong together: a field that all have and that differs; undefined when there is none. */
export function keyOf(...lists: readonly (readonly unknown[])[]): ((member: any) => string) | undefined {
  const every = (condition: (member: any) => unknown) => lists.every((members) => members.every((member) => isMap(member) && condition(member)));
  const distinct = (name: (member: any) => string) => lists.every((members) => new Set(members.map(name)).size === members.length);
  const object = (member: any) => [member.kind, member.metadata.name].filter(Boolean).join(' ');
  if (lists.some((members) => members.length) && every(({ metadata }) => isMap(metadata) && metadata.name) && distinct(object)) return object;
  const name = (key: string) => (member: any) => `${String(member[key])}${member.protocol ? `/${String(member.protocol)}` : ''}`;
  const key = byKey.find((each) => every((member) => member[each] !== undefined && !isMap(member[each])) && distinct(name(each)));
  return key === undefined ? undefined : name(key);
}

/**
 * The leaves of a value, as path and text. Members of lists are named by what names them, else a list is one leaf, in which order says
 * nothing; texts that are JSON are read. What `skipped` matches is left out.
 */
export function leavesOf(value: unknown, path = '', skipped?: (path: string, parent: unknown) => boolean): [string, string][] {
  const read = parsed(value);
  if (isMap(read)) {
    return Object.keys(read).sort().flatMap((key) => {
      const inner = path ? `${path}.${key}` : key;
      return skipped?.(inner, read) || read[key] === undefined ? [] : leavesOf(read[key], inner, skipped);
    });
  }
  if (Array.isArray(read)) {
    const name = read.length ? keyOf(read) : undefined;
    if (name) return read.flatMap((member) => leavesOf(member, `${path}[${name(member)}]`, skipped));
    return [[path, unordered(read)]];
  }
  return [[path, typeof read === 'string' ? read : canonical(read)]];
}
