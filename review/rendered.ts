import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { PlatformObject } from '../constructs/objects';
import { UserError, type Problem } from '../model/errors';
import type { Posture } from '../model/instance';
import { fail } from '../model/problems';
import type { Rendered } from './diff';

/** In a directory that `datalab render` wrote: JSON with what the stack says beside its objects. render may replace such a directory. */
export const marker = '.datalab-render';

const words = z.string();
const said = z.object({
  name: words,
  posture: z.enum(['open', 'confidential']),
  waivers: z.array(z.object({ rules: z.array(words), objects: words, reason: words, owner: words, until: words })),
  approvals: z.array(z.object({ id: words, reason: words, owner: words })),
  choices: z.record(words, words),
});
const object = z.looseObject({ apiVersion: words, kind: words, metadata: z.looseObject({ name: words, namespace: words.optional() }) });
const stacks = z.array(said.extend({ objects: z.array(object) }));

/** Stacks as another process wrote them. @throws UserError when it is anything else; `label` says whose. */
export function renditions(data: unknown, label: string): Rendered[] {
  const result = stacks.safeParse(data);
  if (result.success) return result.data as Rendered[];
  throw fail(`What ${label} rendered is not what a stack renders to:`, data, result.error, stacks);
}

/**
 * The stacks of a file that `datalab render --all` wrote, or the one of a directory that `datalab render` wrote. Of files without its marker
 * `posture` must be known; they have no waiver, no approval and no immutable choice. @throws UserError with everything that cannot be read.
 */
export function stacksAt(directory: string, flag: string, posture?: Posture): Rendered[] {
  if (statSync(directory, { throwIfNoEntry: false })?.isFile()) return renditions((jsonOf(directory) as { rendered?: unknown } | undefined)?.rendered, directory);
  const objects = objectsBelow(directory) as Rendered['objects'];
  const data = jsonOf(join(directory, marker));
  if (data !== undefined) {
    const result = said.safeParse(data);
    if (!result.success) throw fail(`${join(directory, marker)} is not what \`datalab render\` writes:`, data, result.error, said);
    return [{ ...result.data, objects }];
  }
  if (!posture) {
    throw new UserError('The posture of some files is not known:', [
      { path: '--posture', got: `nothing, and ${flag} ${directory} was not written by this version of datalab render`, allowed: 'open, confidential', fix: 'say which rules are mandatory there' },
    ]);
  }
  return [{ name: 'files', posture, objects, waivers: [], approvals: [], choices: {} }];
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Every object of the .yaml, .yml and .json files below a directory, members of a List one by one.
 * @throws UserError with every file that cannot be read, or when there is none.
 */
export function objectsBelow(directory: string): PlatformObject[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError('There is nothing to read:', [{ path: directory, got: 'no directory', allowed: 'a directory with rendered files', fix: 'write one: datalab render STACK --out DIR' }]);
  }
  const problems: Problem[] = [];
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const objects = files.flatMap((file) => {
    const documents = [...parseAllDocuments(readFileSync(file, 'utf8'))];
    const error = documents.flatMap(({ errors }) => errors)[0];
    if (error) problems.push({ path: file, got: error.message.split('\n')[0]!, allowed: 'YAML', fix: 'mend the file' });
    return error ? [] : documents.flatMap((document) => membersOf(document.toJS(), file, problems));
  });
  if (!files.length) problems.push({ path: directory, got: 'no .yaml, .yml or .json file', allowed: 'rendered files', fix: 'write some: datalab render STACK --out DIR' });
  if (problems.length) throw new UserError('Some files cannot be read:', problems);
  return objects;
}

function membersOf(document: unknown, file: string, problems: Problem[]): PlatformObject[] {
  if (document === null || document === undefined) return [];
  const { kind, apiVersion, items, metadata } = document as { kind?: unknown; apiVersion?: unknown; items?: unknown; metadata?: { name?: unknown } };
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item) => membersOf(item, file, problems));
  if (typeof kind === 'string' && typeof apiVersion === 'string' && typeof metadata?.name === 'string') return [document as PlatformObject];
  problems.push({ path: file, got: 'a document without apiVersion, kind or metadata.name', allowed: 'Kubernetes objects', fix: 'leave other files out of the directory' });
  return [];
}
