import type { Field } from './provider-fields';
import { isObject, mapValues, valueAt, type Path, type Values } from './provider-values';

/** An input property, and where it stands in Keycloak's own representation of the object. */
export interface KeycloakField extends Field {
  /** What a new object gets when the inputs do not say. @default Keycloak decides */
  readonly initial?: unknown;
  /** What an object gets when the inputs no longer say. @default `initial` */
  readonly unset?: unknown;
  /** The part of the representation that says `value`; null for a key that has to go. */
  write(value: any, context: { before: any; live: Values }): Values;
  /** `input` is what the inputs say, for properties that show no more than that. */
  read(representation: Values, input?: any): any;
}

export type KeycloakFields = Readonly<Record<string, KeycloakField>>;

type Options = Omit<Partial<KeycloakField>, 'write' | 'read'>;

/** Separates the values of one attribute where Pulumi's type is a map of strings. */
const separator = '##';

function plain(at: string | Path, options: Options): KeycloakField {
  const path = typeof at === 'string' ? [at] : at;
  return { ...options, write: (value) => nested(path, value), read: (representation) => valueAt(representation, path) };
}

export const text = (at: string | Path, options: Options = {}) => plain(at, { unset: '', ...options });
export const flag = (at: string | Path, options: Options = {}) => plain(at, { initial: false, ...options });
export const number = (at: string | Path, options: Options = {}) => plain(at, options);

/** Not in the representation: it says where the object is. */
export const place = (options: Options = {}): KeycloakField => ({ replace: true, untold: true, ...options, write: () => ({}), read: () => undefined });

/** A flag that Keycloak keeps as text. */
export function textFlag(at: string | Path, options: Options = {}): KeycloakField {
  const kept = flag(at, options);
  return { ...kept, write: (value, context) => kept.write(String(value), context), read: (representation) => kept.read(representation) === 'true' };
}

/** A set: its order means nothing. */
export function texts(at: string | Path, options: Options = {}): KeycloakField {
  const kept = plain(at, { initial: [], canonical: sorted, ...options });
  return { ...kept, read: (representation) => sorted(kept.read(representation) ?? []) };
}

/** A set that Keycloak keeps as one text. */
export function joinedTexts(at: string | Path): KeycloakField {
  const kept = texts(at, { initial: undefined, unset: [] });
  return {
    ...kept,
    write: (value, context) => kept.write(value.join(separator), context),
    read: (representation) => sorted((valueAt(representation, typeof at === 'string' ? [at] : at) || undefined)?.split(separator) ?? []),
  };
}

/** A duration such as `30m`, which Keycloak keeps in seconds. */
export function duration(at: string): KeycloakField {
  return {
    canonical: (value) => durationText(secondsOf(value)),
    write: (value) => ({ [at]: secondsOf(value) }),
    read: (representation) => (typeof representation[at] === 'number' ? durationText(representation[at]) : undefined),
  };
}

/** All attributes of an object; the values of one are joined by `##`. */
export function attributes(): KeycloakField {
  return {
    exact: true,
    initial: {},
    canonical: (value: Values) => mapValues(value, (joined) => sorted(String(joined).split(separator)).join(separator)),
    write: (value: Values, { live }) => ({
      attributes: { ...mapValues(live.attributes ?? {}, () => null), ...mapValues(value, (joined) => String(joined).split(separator)) },
    }),
    read: (representation) => mapValues(representation.attributes ?? {}, (values: string[]) => values.join(separator)),
  };
}

/** Some attributes beside those that Keycloak keeps for itself; `gone` is what takes one away. */
export function someAttributes(gone: null | '' = null): KeycloakField {
  return {
    unset: {},
    write: (value: Values, { before }) => ({ attributes: { ...mapValues(before ?? {}, () => gone), ...value } }),
    read: (representation, input: Values = {}) => {
      const named = Object.entries(representation.attributes ?? {}).filter(([key]) => key in input);
      return Object.fromEntries(named);
    },
  };
}

/** Several properties under one name; `present` is the flag of the representation that says they are in force. */
export function block(fields: KeycloakFields, present?: string): KeycloakField {
  return {
    fields,
    ...(present ? { unset: {} } : {}),
    write(value: Values, { before, live }) {
      const parts = representationOf(fields, value, before ?? {}, live);
      return present ? { ...parts, [present]: Object.keys(value).length > 0 } : parts;
    },
    read: (representation) => (present && !representation[present] ? undefined : readFields(fields, representation)),
  };
}

/** What Keycloak gets for the inputs: `before` and `live` are empty for a new object. */
export function representationOf(fields: KeycloakFields, inputs: Values, before: Values = {}, live?: Values): Values {
  let representation: Values = {};
  for (const [property, field] of Object.entries(fields)) {
    if (live && field.once) continue;
    const dropped = before[property] !== undefined ? (field.unset ?? field.initial) : undefined;
    const value = inputs[property] ?? (live ? dropped : field.initial);
    if (value === undefined) continue;
    representation = merged(representation, field.write(value, { before: before[property], live: live ?? {} }));
  }
  return representation;
}

export function readFields(fields: KeycloakFields, representation: Values, inputs: Values = {}): Values {
  const values = Object.entries(fields).map(([property, field]) => [property, field.read(representation, inputs[property])]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

export function merged(base: Values, part: Values): Values {
  const all = { ...base };
  for (const [key, value] of Object.entries(part)) all[key] = isObject(value) ? merged(isObject(all[key]) ? all[key] : {}, value) : value;
  return all;
}

export function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

function nested(path: Path, value: unknown): Values {
  const [first, ...rest] = path;
  return { [String(first)]: rest.length ? nested(rest, value) : value };
}

const unitSeconds: Record<string, number> = { h: 3600, m: 60, s: 1 };

/** @throws Error for what is not a duration such as `1h30m`. */
export function secondsOf(value: string): number {
  if (!/^(\d+[hms])+$/.test(value)) throw new Error(`got '${value}'; allowed: a duration of hours, minutes and seconds. Fix: write it as '30m' or '1h30m'`);
  return [...value.matchAll(/(\d+)([hms])/g)].reduce((total, [, count, unit]) => total + Number(count) * unitSeconds[unit!]!, 0);
}

/** As Go writes it: `30m0s`. */
function durationText(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}h${m}m${s}s` : m ? `${m}m${s}s` : `${s}s`;
}
