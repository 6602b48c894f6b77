import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../model/errors';
import { requireFreePort } from './address';
import { isAlive, sessionOf, startTimeOf, type ProcessId } from './proc';
import { readText, writeAtomic, type RegionState } from './state';

/** One server of a region. Arguments name files relative to the region's directory, its working directory. */
export interface Server {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beyond PATH; nothing else of the caller's environment reaches the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens: `127.42.1.1:26443`. */
  readonly ports?: readonly string[];
  /** Files in the region's directory, or absolute, that it reads only when it starts: a change restarts it. */
  readonly files?: readonly string[];
  /** Whether it serves. One without ports must also have run for half a second. @default it does */
  readonly ready?: () => Promise<boolean>;
  /** @default 60 */
  readonly secondsToReady?: number;
  /** Between SIGTERM and SIGKILL. @default 20 */
  readonly secondsToStop?: number;
}

/** What processes.json remembers of a started server. */
export interface ServerProcess extends ProcessId {
  readonly name: string;
  readonly ports: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly secondsToStop: number;
  /** Digest of command, arguments, environment and files: tells a server that runs from one that should run. */
  readonly setup: string;
}

const largestLog = 10 * 1024 * 1024;

/** The living servers of the region, in the order in which they were first started. */
export function runningServers(state: RegionState): ServerProcess[] {
  return recorded(state).filter(isAlive);
}

/** Whether the server runs just as described. */
export function isRunning(state: RegionState, server: Server): boolean {
  const found = recorded(state).find((entry) => entry.name === server.name);
  return found !== undefined && isAlive(found) && found.setup === setupOf(state, server);
}

/** Starts the server unless it runs just as described, and waits until it is ready. */
export async function ensureServer(state: RegionState, server: Server): Promise<void> {
  if (!isRunning(state, server)) {
    await stopServer(state, server.name);
    for (const port of server.ports ?? []) await requireFreePort(port);
    await start(state, server);
  }
  const deadline = Date.now() + (server.secondsToReady ?? 60) * 1000;
  const { startedAt } = recorded(state).find(({ name }) => name === server.name)!;
  const settled = () => server.ports !== undefined || Date.now() - startedAt > 500;
  const ready = server.ready ?? (() => Promise.resolve(true));
  while (!settled() || !(await ready().catch(() => false))) {
    requireRunning(state, server.name);
    if (Date.now() > deadline) throw failedToStart(state, server.name, 'runs but is not ready');
    await sleep(50);
  }
}

/** An error with the end of its log when the server has ended. */
export function requireRunning(state: RegionState, name: string): void {
  const found = recorded(state).find((entry) => entry.name === name);
  if (!found || !isAlive(found)) throw failedToStart(state, name, 'ended while it started');
}

/** Stops one server and every process of its session; one that does not run is fine. */
export async function stopServer(state: RegionState, name: string): Promise<void> {
  const found = recorded(state).find((entry) => entry.name === name);
  if (found) await end(found);
}

/** Stops every server in reverse order of their start. Leaves no process behind. */
export async function stopServers(state: RegionState, tell: (name: string) => void = () => undefined): Promise<void> {
  const entries = recorded(state);
  for (const entry of entries.toReversed()) {
    tell(entry.name);
    await end(entry);
  }
  if (entries.length) write(state, []);
}

async function start(state: RegionState, server: Server): Promise<void> {
  const log = openLog(state, server.name);
  const child = spawn(server.command, server.args, {
    cwd: state.dir,
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: process.env.PATH, ...server.env },
  });
  closeSync(log);
  child.unref();
  if (!child.pid) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw failedToStart(state, server.name, `could not be started: ${error.message}`);
  }
  const startTime = startTimeOf(child.pid);
  if (!startTime) throw failedToStart(state, server.name, 'ended while it started');
  const entry: ServerProcess = {
    name: server.name,
    pid: child.pid,
    startTime,
    startedAt: Date.now(),
    secondsToStop: server.secondsToStop ?? 20,
    ports: server.ports ?? [],
    setup: setupOf(state, server),
  };
  const entries = recorded(state);
  const at = entries.findIndex(({ name }) => name === server.name);
  write(state, at < 0 ? [...entries, entry] : entries.with(at, entry));
}

async function end(entry: ServerProcess): Promise<void> {
  if (isAlive(entry)) {
    signal(entry, entry.pid, 'SIGTERM');
    await waitUntil(() => !isAlive(entry), entry.secondsToStop);
  }
  // A pid stays reserved while its session has members, so these are ours unless a new process has the pid.
  const isOurs = () => isAlive(entry) || startTimeOf(entry.pid) === undefined;
  for (const pid of isOurs() ? sessionOf(entry.pid) : []) signal(entry, pid, 'SIGKILL');
  await waitUntil(() => !isOurs() || sessionOf(entry.pid).length === 0, 5);
}

function signal(entry: ServerProcess, pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    throw new UserError(`${entry.name} cannot be stopped.`, [{
      path: `process ${pid}`,
      got: code === 'EPERM' ? 'it belongs to another user' : (error as Error).message,
      allowed: 'a process of yours',
      fix: 'run the command as the user who started the region',
    }], exitCodes.failed);
  }
}

async function waitUntil(isTrue: () => boolean, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!isTrue() && Date.now() < deadline) await sleep(20);
}

function recorded(state: RegionState): ServerProcess[] {
  return JSON.parse(readText(state.file('processes.json')) ?? '[]') as ServerProcess[];
}

function write(state: RegionState, entries: readonly ServerProcess[]): void {
  writeAtomic(state.file('processes.json'), `${JSON.stringify(entries, null, 2)}\n`);
}

function setupOf(state: RegionState, server: Server): string {
  const files = (server.files ?? []).map((file) => readText(file.startsWith('/') ? file : state.file(file)));
  const setup = [server.command, server.args, server.env, server.ports, files];
  return createHash('sha256').update(JSON.stringify(setup)).digest('hex');
}

function openLog(state: RegionState, name: string): number {
  const path = logPath(state, name);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

export function logPath(state: RegionState, name: string): string {
  return state.file('logs', `${name}.log`);
}

function failedToStart(state: RegionState, name: string, why: string): UserError {
  return new UserError(`${name} ${why}.`, [{
    path: logPath(state, name),
    got: `the last lines of the log:\n${lastLines(logPath(state, name), 10)}`,
    allowed: `${name} that runs and is ready`,
    fix: 'correct what the log names, then run the command again',
  }], exitCodes.failed);
}

function lastLines(path: string, count: number): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const tail = Buffer.alloc(Math.min(size, 16 * 1024));
  if (size) {
    const file = openSync(path, 'r');
    readSync(file, tail, 0, tail.length, size - tail.length);
    closeSync(file);
  }
  return tail.toString('utf8').trimEnd().split('\n').slice(-count).map((line) => `      ${line.slice(0, 300)}`).join('\n');
}
