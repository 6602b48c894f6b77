import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../model/errors';
import { runningServers } from './processes';
import { readRegion } from './state';

/** How far each log was read, in bytes, by its path. */
export type Ends = Map<string, number>;

/** Prints the logs of all containers that a namespace has had, under a line that names each. @throws UserError when there are none */
export function logsOf(stack: string, namespace: string, print: (text: string) => void, stateDirectory?: string): Ends {
  const files = logFiles(stack, namespace, stateDirectory);
  if (!files.length) {
    throw new UserError('There is no log.', [{
      path: `${stack}: ${namespace}`,
      got: 'no server of that system has run here',
      allowed: [...systems(stack, stateDirectory)].join(', ') || `a system of a region that was started: datalab up ${stack}`,
      fix: 'name a system whose state is `real` in datalab status',
    }], exitCodes.wrongInput);
  }
  const ends: Ends = new Map();
  for (const { path, title } of files) {
    print(`── ${title}\n`);
    ends.set(path, printFrom(path, 0, print));
  }
  return ends;
}

/** Prints what is added to the logs, new ones included, until the region is down. */
export async function followLogs(stack: string, namespace: string, print: (text: string) => void, ends: Ends, stateDirectory?: string): Promise<void> {
  let shown = [...ends.keys()].at(-1);
  for (let runs = true; runs; ) {
    // Asked first: the last lines are those of servers that stop.
    runs = runningServers(readRegion(stack, stateDirectory)).length > 0;
    for (const { path, title } of logFiles(stack, namespace, stateDirectory)) {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      const known = ends.get(path) ?? 0;
      if (size === known) continue;
      if (shown !== path) print(`── ${title}\n`);
      shown = path;
      ends.set(path, printFrom(path, size < known ? 0 : known, print));
    }
    if (runs) await sleep(300);
  }
}

function logFiles(stack: string, namespace: string, stateDirectory?: string): { path: string; title: string }[] {
  const region = readRegion(stack, stateDirectory);
  return names(region.file('logs', 'pods'))
    .filter((name) => name.startsWith(`${namespace}_`))
    .sort()
    .map((name) => ({ path: region.file('logs', 'pods', name), title: name.slice(namespace.length + 1, -'.log'.length).replace('_', '/') }));
}

function systems(stack: string, stateDirectory?: string): Set<string> {
  return new Set(names(readRegion(stack, stateDirectory).file('logs', 'pods')).map((name) => name.split('_')[0]!));
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.log'));
  } catch {
    return [];
  }
}

/** Prints the file from a position on, and returns its end. */
function printFrom(path: string, start: number, print: (text: string) => void): number {
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(64 * 1024);
  let at = start;
  try {
    for (let read = readSync(file, chunk, 0, chunk.length, at); read > 0; read = readSync(file, chunk, 0, chunk.length, at)) {
      print(chunk.toString('utf8', 0, read));
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return at;
}
