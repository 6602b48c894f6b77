import type { z } from 'zod';
import { UserError, type Problem } from './errors';

/** A zod error as the problems a person can mend. `input` is what was parsed with `schema`. */
export function fail(title: string, input: unknown, error: z.ZodError, schema: z.ZodType): UserError {
  return new UserError(title, error.issues.flatMap((issue) => problemsOf(issue, input, schema)));
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): Problem[] {
  const value = at(input, issue.path);
  const problem = { path: pathText(issue.path), got: got(value) };
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, issue.path, issue.keys);
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        return {
          path: pathText([...issue.path, key]),
          got: 'an unknown key',
          allowed: known.join(', '),
          fix: near ? `did you mean ${near}?` : 'remove it, or correct its spelling',
        };
      });
    }
    case 'invalid_type':
      return [
        value === undefined
          ? { ...problem, got: 'nothing', allowed: article(issue.expected), fix: 'add it' }
          : { ...problem, allowed: article(issue.expected), fix: quoting(issue.expected, value) ?? `write ${article(issue.expected)} here` },
      ];
    case 'invalid_value': {
      const allowed = issue.values.map((allowedValue) => JSON.stringify(allowedValue)).join(', ');
      return [{ ...problem, allowed: issue.values.length > 1 ? `one of ${allowed}` : allowed, fix: closest(value, issue.values) }];
    }
    case 'too_small':
      return [{ ...problem, allowed: `at least ${issue.minimum}${unit(issue.origin, issue.minimum)}`, fix: value instanceof Array ? 'add what is missing' : 'raise it' }];
    case 'too_big':
      return [{ ...problem, allowed: `at most ${issue.maximum}${unit(issue.origin, issue.maximum)}`, fix: 'lower it' }];
    case 'invalid_union': {
      if (issue.discriminator !== undefined) {
        const options = (issue as { options?: unknown[] }).options ?? [];
        return [
          {
            path: pathText(issue.path),
            got: got(at(input, issue.path)),
            allowed: options.length ? `one of ${options.map((option) => JSON.stringify(option)).join(', ')}` : `a known ${issue.discriminator}`,
            fix: closest(value, options),
          },
        ];
      }
      const branch = issue.errors.find((errors) => typeof value === 'object' && errors.every((nested) => nested.path.length > 0 || nested.code === 'unrecognized_keys'));
      if (branch) return branch.flatMap((nested) => problemsOf({ ...nested, path: [...issue.path, ...nested.path] }, input, schema));
      const literals = issue.errors.flat().flatMap((nested) => (nested.code === 'invalid_value' ? nested.values : []));
      return [
        {
          ...problem,
          got: value === undefined ? 'nothing' : problem.got,
          allowed: `${literals.map((literal) => JSON.stringify(literal)).join(', ')} or an object with ${knownKeys(schema, issue.path, []).join(', ')}`,
          fix: value === undefined ? 'add it' : closest(value, literals),
        },
      ];
    }
    case 'invalid_key':
      return issue.issues.flatMap((nested) =>
        problemsOf({ ...nested, path: issue.path }, input, schema).map((found) => ({ ...found, got: `the key ${JSON.stringify(issue.path.at(-1))}` })),
      );
    case 'custom': {
      const advice = (issue.params ?? {}) as Partial<Problem>;
      return [{ ...problem, got: advice.got ?? problem.got, allowed: advice.allowed ?? issue.message, fix: advice.fix ?? 'correct it' }];
    }
    default:
      return [{ ...problem, allowed: issue.message, fix: 'correct it' }];
  }
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);
}

/** `regions.paris.nodePools[1].gpu`, with quotes where a key needs them. */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((key, index) => {
    if (typeof key === 'number') return `[${key}]`;
    const plain = /^[A-Za-z_][\w-]*$/.test(String(key));
    return plain ? `${index ? '.' : ''}${String(key)}` : `[${JSON.stringify(String(key))}]`;
  });
  return parts.join('') || '(the whole definition)';
}

/** The keys that the schema knows at `path`; of a union, those of the alternatives that do not know the `refused` ones. */
function knownKeys(schema: unknown, path: readonly PropertyKey[], refused: readonly string[]): string[] {
  const { type, shape, element, keyType, valueType, innerType, options } = (schema as { def: Record<string, any> }).def;
  if (type === 'union') {
    const alternatives = (options as unknown[]).map((option) => knownKeys(option, path, refused));
    return [...new Set(alternatives.filter((keys) => !keys.some((key) => refused.includes(key))).flat())];
  }
  if (innerType) return knownKeys(innerType, path, refused);
  if (!path.length) return Object.keys(shape ?? keyType?.def.entries ?? {});
  const inner: unknown = element ?? valueType ?? shape?.[path[0]!];
  return inner ? knownKeys(inner, path.slice(1), refused) : [];
}

/** A value in one short line. Of an object only the keys are told, and what stands before an `@` is left out: it may be a password. */
function got(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length ? `a list of ${value.length}${unit('array', value.length)}` : 'an empty list';
  const line =
    value && typeof value === 'object'
      ? `an object with ${Object.keys(value).join(', ') || 'no key'}`
      : JSON.stringify(typeof value === 'string' ? withoutLogin(value) : value) ?? String(value);
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
}

/** `http://name:password@host` becomes `http://…@host`, with a scheme or without. */
function withoutLogin(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)?.*:.*@/is, '$1…@').replace(/^([a-z+]+:\/\/).*@/is, '$1…@');
}

function article(type: string): string {
  const names: Record<string, string> = {
    string: 'a text', number: 'a number', int: 'a whole number', object: 'an object', record: 'an object', array: 'a list', boolean: 'true or false',
  };
  return names[type] ?? type;
}

/** Numbers need no quotes, quantities do. */
function quoting(expected: string, value: unknown): string | undefined {
  if (['number', 'int'].includes(expected) && typeof value === 'string' && /^\d+$/.test(value)) return `write it without quotes: ${value}`;
  return expected === 'string' && typeof value === 'number' ? `write it in quotes: '${value}'` : undefined;
}

function unit(origin: string, count: number | bigint): string {
  if (origin === 'array') return Number(count) === 1 ? ' entry' : ' entries';
  return origin === 'string' ? ' characters' : '';
}

function closest(value: unknown, options: readonly unknown[]): string {
  const near = nearest(String(value), options.map(String));
  return near ? `did you mean ${JSON.stringify(near)}?` : 'choose one of them';
}

/** The only option that `word` is a part or an abbreviation of, else one that is at most two edits, and less than half the word, away. */
export function nearest(word: string, options: readonly string[]): string | undefined {
  const longer = options.filter((option) => abbreviates(word.toLowerCase(), option.toLowerCase()));
  if (longer.length === 1) return longer[0];
  const ranked = options.map((option) => ({ option, distance: edits(word.toLowerCase(), option.toLowerCase()) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked[0] && ranked[0].distance <= Math.min(2, word.length / 2) ? ranked[0].option : undefined;
}

/** `requests.gpu` abbreviates `requests.nvidia.com/gpu`, and `paris` `ssp-cloud.paris`: something is left out at one place. */
function abbreviates(word: string, option: string): boolean {
  return word.length > 3 && Array.from(word, (_, cut) => cut).some((cut) => option.startsWith(word.slice(0, cut)) && option.endsWith(word.slice(cut)));
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
