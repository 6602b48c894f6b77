import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import { isMap, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { UserError } from './errors';
import { fail } from './problems';

const count = z.int().min(1);
const schema = z.strictObject({ epoch: count.default(1), versions: z.record(z.string(), count).default({}) });

/**
 * Which value each derived secret of a stack has. It is no secret: it stands in the stack's Pulumi configuration as
 * `datalab:secrets: { epoch: 1, versions: { "minio/root": 2 } }`, and `datalab rotate` raises it.
 */
export interface SecretVersions {
  /** Raised, all secrets have new values. */
  readonly epoch: number;
  /** By name; one that is not named here has version 1. Versions are never lowered: an old value could come back. */
  readonly versions: Readonly<Record<string, number>>;
}

export const firstVersions: SecretVersions = { epoch: 1, versions: {} };

/** `minio/root@v2`; from the second epoch on `minio/root@e2v2`. It names a value and tells nothing of it. */
export function labelOf({ epoch, versions }: SecretVersions, name: string): string {
  return label(name, epoch, versions[name] ?? 1);
}

/** Labels of the values that the secret may have had before, the latest first: lower versions, and those of the epoch before. */
export function earlierLabels({ epoch, versions }: SecretVersions, name: string): string[] {
  const version = versions[name] ?? 1;
  const down = (from: number) => Array.from({ length: from }, (_, index) => from - index);
  return [...down(version - 1).map((each) => label(name, epoch, each)), ...(epoch > 1 ? down(version).map((each) => label(name, epoch - 1, each)) : [])];
}

function label(name: string, epoch: number, version: number): string {
  return `${name}@${epoch > 1 ? `e${epoch}` : ''}v${version}`;
}

/** The epoch of a label. */
export function epochOf(label: string): number {
  return Number(/@e(\d+)v\d+$/.exec(label)?.[1] ?? 1);
}

/** The next version of each of the secrets. */
export function raised({ epoch, versions }: SecretVersions, names: readonly string[]): SecretVersions {
  return { epoch, versions: { ...versions, ...Object.fromEntries(names.map((name) => [name, (versions[name] ?? 1) + 1])) } };
}

/** What a stack's Pulumi configuration says; without the file, or without the key: every secret's first version. @throws UserError */
export function readVersions(file: string): SecretVersions {
  const found: unknown = documentOf(file)?.toJS()?.config?.[key];
  const result = schema.safeParse(found ?? {});
  if (!result.success) throw fail(`${basename(file)}: config["${key}"] is not valid:`, found, result.error, schema);
  return result.data;
}

/** Writes them into a stack's Pulumi configuration, whole or not at all, and changes nothing else in it. @throws UserError */
export function writeVersions(file: string, { epoch, versions }: SecretVersions): void {
  const document = documentOf(file) ?? parseDocument('config: {}\n');
  const config: unknown = document.get('config');
  if (isMap(config)) config.flow = false;
  const sorted = Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
  document.setIn(['config', key], document.createNode({ epoch, versions: Object.fromEntries(sorted) }));
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, document.toString({ lineWidth: 0 }));
  renameSync(draft, file);
}

const key = 'datalab:secrets';

function documentOf(file: string): Document | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (!problem) return document;
  throw new UserError('A file cannot be read:', [{ path: basename(file), got: problem.message.split('\n')[0]!.replace(/:$/, ''), allowed: 'YAML', fix: 'mend the file' }]);
}
