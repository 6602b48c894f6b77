import { randomUUID } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { exitCodes, UserError } from '../model/errors';
import { isAlive, startTimeOf, type ProcessId } from './proc';

export const projectRoot = dirname(__dirname);

/**
 * The files of one embedded region. No file holds an absolute path, and servers run with `dir` as their working
 * directory, so the state directory can be moved while the region is down.
 */
export interface RegionState {
  readonly stack: string;
  readonly dir: string;
  file(...parts: string[]): string;
}

/** `--state`, else DATALAB_STATE, else `.datalab` in the checkout. */
export function stateDirectory(given?: string): string {
  return resolve(given ?? (process.env.DATALAB_STATE || join(projectRoot, '.datalab')));
}

/** The region's directory as it may or may not be there. */
export function readRegion(stack: string, given?: string): RegionState {
  const dir = join(stateDirectory(given), stack);
  return { stack, dir, file: (...parts) => join(dir, ...parts) };
}

/** Opens, and where needed makes, the region's directory: `<state directory>/<instance>.<region>`. */
export function openRegion(stack: string, given?: string): RegionState {
  const state = readRegion(stack, given);
  const { dir } = state;
  try {
    for (const part of ['', 'pki', 'logs', 'pulumi']) {
      mkdirSync(join(dir, part), { recursive: true, mode: 0o700 });
      chmodSync(join(dir, part), 0o700);
    }
  } catch (error) {
    throw new UserError('The state directory cannot be used.', [{
      path: dir,
      got: (error as Error).message,
      allowed: 'a directory that belongs to you, on a disk with space',
      fix: 'name another one with --state DIR or DATALAB_STATE',
    }], exitCodes.failed);
  }
  return state;
}

/** Where a claim's data is when a pod of the process node uses it. It outlives pods, the agent and the region's servers. */
export function claimDirectory(state: RegionState, namespace: string, claim: string): string {
  return state.file('volumes', namespace, claim);
}

/** The file holds the old content or the new one, never a part. */
export function writeAtomic(path: string, content: string, mode = 0o600): void {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, path);
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

interface LockHolder extends ProcessId {
  readonly command: string;
  readonly since: string;
}

/**
 * Takes the region for one command, so that two never interleave; returns how to give it back. The lock of a dead
 * process is taken over. A process that ends without giving it back leaves the lock of a dead process.
 */
export function lockRegion(state: RegionState, command: string): () => void {
  const path = state.file('lock');
  const mine = JSON.stringify({
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    command,
    since: new Date().toISOString(),
  });
  while (!createExclusively(path, mine)) {
    const held = readText(path);
    if (held === undefined) continue;
    const holder = parseHolder(held);
    if (holder && isAlive(holder)) throw lockedBy(holder, path);
    removeDeadLock(path, held);
  }
  const release = () => {
    if (readText(path) === mine) rmSync(path, { force: true });
  };
  process.once('exit', release);
  return () => {
    process.removeListener('exit', release);
    release();
  };
}

export async function withRegionLock<T>(state: RegionState, command: string, work: () => Promise<T>): Promise<T> {
  const release = lockRegion(state, command);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Makes the file unless the name is taken; a hard link appears with its whole content. */
export function createExclusively(path: string, content: string): boolean {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves the lock aside first: when another command was faster and took it over, its lock is put back. */
function removeDeadLock(path: string, dead: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readText(aside) !== dead) renameSync(aside, path);
  rmSync(aside, { force: true });
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return undefined;
  }
}

function lockedBy(holder: LockHolder, path: string): UserError {
  return new UserError('Another command works on this region.', [{
    path,
    got: `held by "${holder.command}", process ${holder.pid}, since ${holder.since}`,
    allowed: 'one command at a time',
    fix: `wait until it ends, or end it: kill ${holder.pid}`,
  }], exitCodes.failed);
}
