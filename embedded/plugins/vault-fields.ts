import type { Field, Fields } from './provider-fields';
import type { Values } from './provider-values';

/** A set: its order means nothing. */
export const set: Field = { canonical: (values: readonly string[]) => [...new Set(values)].sort() };

/** A number of seconds, which Pulumi may hold as text. */
export const seconds: Field = { canonical: Number };

/** What Vault gets for the inputs: its own names, and nothing for a property that is not set any more. */
export function bodyOf(fields: Fields, inputs: Values, before: Values = {}): Values {
  const given = Object.keys(fields).filter((property) => inputs[property] !== undefined);
  const dropped = Object.keys(fields).filter((property) => inputs[property] === undefined && before[property] !== undefined);
  return Object.fromEntries([...given.map((property) => [vaultName(property), inputs[property]]), ...dropped.map((property) => [vaultName(property), nothing(before[property])])]);
}

/** The properties of an object of Vault, by Pulumi's names. */
export function valuesOf(fields: Fields, object: Values): Values {
  const values = Object.keys(fields).map((property) => [property, object[vaultName(property)]]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined && value !== null));
}

/** `tokenMaxTtl` is `token_max_ttl` in Vault. */
function vaultName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function nothing(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value === 'object') return {};
  return { string: '', number: 0, boolean: false }[typeof value as 'string'];
}
