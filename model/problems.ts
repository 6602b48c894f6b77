import type { z } from 'zod';
import { UserError, type Problem } from './errors';

/** A zod error as the problems a person can mend. `input` is what was parsed. */
export function fail(title: string, input: unknown, error: z.ZodError): UserError {
  return new UserError(title, error.issues.flatMap((issue) => problemsOf(issue, input)));
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const value = at(input, issue.path);
  const problem = { path: pathText(issue.path), got: got(value) };
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: pathText([...issue.path, key]),
        got: 'an unknown key',
        allowed: 'a key that the model knows; none is dropped silently',
        fix: 'remove it, or correct its spelling (the editor lists the keys)',
      }));
    case 'invalid_type':
      return [
        value === undefined
          ? { ...problem, got: 'nothing', allowed: article(issue.expected), fix: 'add it' }
          : { ...problem, allowed: article(issue.expected), fix: `write ${article(issue.expected)} here` },
      ];
    case 'invalid_value': {
      const allowed = issue.values.map((allowedValue) => JSON.stringify(allowedValue)).join(', ');
      return [{ ...problem, allowed: issue.values.length > 1 ? `one of ${allowed}` : allowed, fix: closest(value, issue.values) }];
    }
    case 'too_small':
      return [{ ...problem, allowed: `at least ${issue.minimum}${unit(issue.origin)}`, fix: value instanceof Array ? 'add what is missing' : 'raise it' }];
    case 'too_big':
      return [{ ...problem, allowed: `at most ${issue.maximum}${unit(issue.origin)}`, fix: 'lower it' }];
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
      if (branch) return branch.flatMap((nested) => problemsOf({ ...nested, path: [...issue.path, ...nested.path] }, input));
      const literals = issue.errors.flat().flatMap((nested) => (nested.code === 'invalid_value' ? nested.values : []));
      return [
        {
          ...problem,
          got: value === undefined ? 'nothing' : problem.got,
          allowed: `${literals.map((literal) => JSON.stringify(literal)).join(', ')} or an object`,
          fix: value === undefined ? 'add it' : closest(value, literals),
        },
      ];
    }
    case 'invalid_key':
      return issue.issues.flatMap((nested) =>
        problemsOf({ ...nested, path: issue.path }, input).map((found) => ({ ...found, got: `the key ${JSON.stringify(issue.path.at(-1))}` })),
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

/** A value in one short line; a password in a URL is left out. */
function got(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  const line = JSON.stringify(value)?.replace(/:\/\/[^/@"]*@/g, '://…@') ?? String(value);
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
}

function article(type: string): string {
  const names: Record<string, string> = {
    string: 'a text', number: 'a number', int: 'a whole number', object: 'an object', record: 'an object', array: 'a list', boolean: 'true or false',
  };
  return names[type] ?? type;
}

function unit(origin: string): string {
  if (origin === 'array') return ' entries';
  return origin === 'string' ? ' characters' : '';
}

function closest(value: unknown, options: readonly unknown[]): string {
  const near = nearest(String(value), options.map(String));
  return near ? `did you mean ${JSON.stringify(near)}?` : 'choose one of them';
}

/** The option that is at most two edits away from `word`. */
export function nearest(word: string, options: readonly string[]): string | undefined {
  const ranked = options.map((option) => ({ option, distance: edits(word.toLowerCase(), option.toLowerCase()) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked[0] && ranked[0].distance <= 2 ? ranked[0].option : undefined;
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
