import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { PlatformObject } from '../constructs/objects';
import { UserError, type Problem } from '../model/errors';

/**
 * Every object of the .yaml, .yml and .json files below a directory, members of a List one by one.
 * @throws UserError with every file that cannot be read, or when there is none.
 */
export function objectsBelow(directory: string): PlatformObject[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError('There is nothing to read:', [{ path: '--from', got: directory, allowed: 'a directory with rendered files', fix: 'write one: datalab render STACK --out DIR' }]);
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
