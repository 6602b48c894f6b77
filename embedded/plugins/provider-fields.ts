import type { Change } from './provider-server';
import { hasUnknown, isObject, mapValues, sameValue, type Path, type Properties, type Values } from './provider-values';

/** What is known of one input property of a resource. */
export interface Field {
  readonly required?: true;
  /** A change is only possible by replacing the resource. */
  readonly replace?: true;
  readonly allowed?: readonly string[];
  /** The server does not tell it, so what the inputs say is taken for what is there. */
  readonly untold?: true;
  /** Used at creation alone: a later change is none. */
  readonly once?: true;
  /** A map that is ours as a whole. Of all other objects only the keys that the inputs name are looked at. */
  readonly exact?: true;
  /** One spelling for all that mean the same: the order of a set, '30m' and '1800s'. @throws Error for what it cannot read */
  readonly canonical?: (value: any) => unknown;
  /** What is known of the properties of an object. */
  readonly fields?: Fields;
}

export type Fields = Readonly<Record<string, Field>>;

/** What is wrong with the inputs: what, got, allowed, fix. */
export function fieldProblems(fields: Fields, { values, secrets }: Properties): string[] {
  const isSecret = (property: string) => secrets.some(([first]) => first === property);
  const problems: string[] = [];
  for (const property of Object.keys(values)) {
    if (!fields[property]) {
      problems.push(`${property}: the embedded region's stand-in does not know this property. Fix: leave it out, or use the official plugin (--plugins official)`);
    }
  }
  for (const [property, field] of Object.entries(fields)) {
    const value = values[property];
    if (isAbsent(value) || value === '') {
      if (field.required) problems.push(`${property}: got nothing; allowed: a value. Fix: set it`);
    } else if (field.allowed && !hasUnknown(value) && !field.allowed.includes(value)) {
      const got = isSecret(property) ? 'a secret' : JSON.stringify(value);
      problems.push(`${property}: got ${got}; allowed: ${field.allowed.join(', ')}. Fix: set one of these`);
    } else {
      const why = misspelt(field, value);
      if (why) problems.push(`${property}: ${why}`);
    }
  }
  return problems;
}

/** The changes between two sets of inputs, down to single values, but never below a secret. */
export function fieldChanges(fields: Fields, before: Properties, after: Properties): Change[] {
  const secrets = [...before.secrets, ...after.secrets].map((path) => JSON.stringify(path));
  const changes: Change[] = [];

  const compare = (old: any, now: any, path: Path, replace: boolean): void => {
    if (sameValue(old, now)) return;
    const steps = secrets.includes(JSON.stringify(path)) ? [] : commonSteps(old, now);
    if (steps.length) {
      for (const step of steps) compare(old?.[step], now?.[step], [...path, step], replace);
      return;
    }
    changes.push({ path, kind: isAbsent(old) ? 'add' : isAbsent(now) ? 'delete' : 'update', replace });
  };

  for (const property of [...new Set([...Object.keys(before.values), ...Object.keys(after.values)])].sort()) {
    const field = fields[property] ?? {};
    if (field.once) continue;
    compare(canonical(field, before.values[property]), canonical(field, after.values[property]), [property], field.replace ?? false);
  }
  return changes;
}

/** The inputs as they would have to read to give what is on the server; what they do not name is not looked at. */
export function asFound(fields: Fields, inputs: Values, live: Values): Values {
  const found: Values = {};
  for (const [property, value] of Object.entries(inputs)) {
    const field = fields[property] ?? {};
    const there = field.untold ? value : foundValue(field, value, live[property]);
    if (there !== undefined) found[property] = there;
  }
  return found;
}

function foundValue(field: Field, input: any, live: any): any {
  if (matches(canonical(field, input), canonical(field, live), field.exact)) return input;
  if (!field.exact && isObject(input) && isObject(live)) {
    const entries = Object.entries(input).map(([key, value]) => [key, foundValue(field.fields?.[key] ?? {}, value, live[key])]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (areObjectLists(input, live)) return input.map((item: Values, index: number) => foundValue({}, item, live[index]));
  return live;
}

/** Whether the server has what the inputs say. It does not tell the empty from the absent. */
function matches(input: any, live: any, exact = false): boolean {
  if (isEmpty(input) && isEmpty(live)) return true;
  if (exact) return sameValue(input, live);
  if (isObject(input) && isObject(live)) return Object.keys(input).every((key) => matches(input[key], live[key]));
  if (Array.isArray(input) && Array.isArray(live)) {
    return input.length === live.length && input.every((item, index) => matches(item, live[index]));
  }
  return sameValue(input, live);
}

/** What to descend into: the keys of objects, the places of lists of objects; nothing for other values. */
function commonSteps(old: any, now: any): (string | number)[] {
  if (areObjectLists(old, now)) return [...old.keys()];
  const objects = [old, now].filter((value) => !isAbsent(value));
  return objects.every(isObject) ? [...new Set(objects.flatMap((object) => Object.keys(object)))].sort() : [];
}

function areObjectLists(a: any, b: any): boolean {
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && [...a, ...b].every(isObject);
}

function misspelt(field: Field, value: any): string | undefined {
  try {
    canonical(field, value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function canonical(field: Field, value: any): any {
  if (isAbsent(value) || hasUnknown(value)) return value;
  if (field.fields && isObject(value)) return mapValues(value, (item, key) => canonical(field.fields![key] ?? {}, item));
  return field.canonical ? field.canonical(value) : value;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return isAbsent(value) || value === '' || value === false;
}
