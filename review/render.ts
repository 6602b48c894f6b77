import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import { exitCodes, UserError } from '../model/errors';
import { choicesOf } from '../model/immutable';
import { loadStack, stackNames, type Stack } from '../model/stack';
import type { Manifest } from '../policies/rule';
import type { Rendered } from './diff';
import { marker } from './rendered';

/** A stack as reviewers compare it: its objects, and what its instance says of them. */
export function renditionOf(stack: Stack): Rendered {
  return { ...saidBy(stack), objects: entriesOf(compose(stack)).map(({ object }) => object as Manifest) };
}

function saidBy(stack: Stack): Omit<Rendered, 'objects'> {
  const { posture, waivers, approvals } = stack.instance;
  return { name: stack.name, posture, waivers, approvals, choices: choicesOf(stack.instance, stack.region) };
}

/** The stack's objects as files, path to text: `<namespace or _cluster>/<kind>-<name>.yaml`. Equal input, equal bytes. */
export function renderFiles(stack: Stack): Map<string, string> {
  const files = entriesOf(compose(stack)).map(({ object }): [string, string] => [
    `${object.metadata.namespace ?? '_cluster'}/${object.kind.toLowerCase()}-${object.metadata.name}.yaml`,
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
  ]);
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Writes the files of a stack below `directory`, which is new, empty or an earlier render; it is replaced as a whole,
 * so that nothing stale stays. Returns the number of files.
 * @throws UserError when the directory holds anything else.
 */
export function renderTo(stack: Stack, directory: string): number {
  const target = resolve(directory);
  refuseOthers(target, directory);
  const files = renderFiles(stack);
  let fresh: string | undefined;
  try {
    mkdirSync(dirname(target), { recursive: true });
    fresh = mkdtempSync(`${target}.`);
    chmodSync(fresh, 0o777 & ~process.umask());
    writeFileSync(join(fresh, marker), `${JSON.stringify(saidBy(stack), null, 2)}\n`);
    for (const [path, text] of files) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), text);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } catch (error) {
    if (fresh) rmSync(fresh, { recursive: true, force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(
      'The files cannot be written there:',
      [{ path: '--out', got: `${directory}: ${code ?? message}`, allowed: 'a directory that can be made or replaced', fix: 'choose another directory, or mend its permissions' }],
      exitCodes.failed,
    );
  }
  return files.size;
}

/** Writes all stacks into one JSON file, as `datalab diff` reads it. Returns their names. @throws UserError when it cannot be written. */
export function renderAllTo(file: string): string[] {
  const rendered = stackNames().map((name) => renditionOf(loadStack(name)));
  const draft = `${file}.${process.pid}`;
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new Error('is a directory');
    mkdirSync(dirname(resolve(file)), { recursive: true });
    writeFileSync(draft, `${JSON.stringify({ rendered })}\n`);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError('The file cannot be written there:', [{ path: '--out', got: `${file}: ${code ?? message}`, allowed: 'with --all, a file that can be made or replaced', fix: 'choose another one' }], exitCodes.failed);
  }
  return rendered.map(({ name }) => name);
}

function refuseOthers(target: string, directory: string): void {
  if (!existsSync(target)) return;
  const found = statSync(target);
  if (found.isDirectory() && (existsSync(join(target, marker)) || readdirSync(target).length === 0)) return;
  throw new UserError('The files cannot be written there:', [
    {
      path: '--out',
      got: `${directory}, which ${found.isDirectory() ? 'holds other files' : 'is a file'}`,
      allowed: 'a new or empty directory, or one of an earlier render',
      fix: 'choose another directory',
    },
  ]);
}
