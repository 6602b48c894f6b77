import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import { exitCodes, UserError } from '../model/errors';
import type { Stack } from '../model/stack';

/** What marks a directory as one that render may replace. */
const marker = '.datalab-render';

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
  if (existsSync(target) && !existsSync(join(target, marker)) && readdirSync(target).length > 0) {
    throw new UserError('The files cannot be written there:', [
      { path: '--out', got: `${directory}, which holds other files`, allowed: 'a new or empty directory, or one of an earlier render', fix: 'choose another directory' },
    ]);
  }
  const files = renderFiles(stack);
  try {
    mkdirSync(dirname(target), { recursive: true });
    const fresh = mkdtempSync(`${target}.`);
    writeFileSync(join(fresh, marker), `${stack.name}\n`);
    for (const [path, text] of files) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), text);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(
      'The files cannot be written there:',
      [{ path: '--out', got: `${directory}: ${code ?? message}`, allowed: 'a directory that can be made or replaced', fix: 'choose another directory, or mend its permissions' }],
      exitCodes.failed,
    );
  }
  return files.size;
}
