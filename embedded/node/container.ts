import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, sessionOf, startTimeOf, type ProcessId } from '../proc';
import { readText, writeAtomic, type RegionState } from '../state';
import { isRoot, type Identity } from './identity';
import { dropPrivileges, sandboxScript, unshareFlags, type Layout } from './sandbox';

/** What `process.json` remembers of a container's latest start. */
export interface ContainerRecord extends ProcessId {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Restarts before this start. */
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Between SIGTERM and SIGKILL, in seconds. */
  readonly graceSeconds: number;
  readonly stopsLast: boolean;
}

export interface Ended {
  /** As a shell tells it: 128 + signal for a killed process; 137 also when nobody saw how it ended. */
  readonly exitCode: number;
  readonly finishedAt: number;
  /** Why its program was never started. */
  readonly problem?: string;
}

const largestLog = 10 * 1024 * 1024;

/**
 * Runs as the leader of the container's session, outlives the agent, and leaves the exit code in a file. It starts
 * nothing before the agent has recorded it: an agent killed in between closes the pipe.
 */
const supervisor = `IFS= read -r go || exit 1
dir=$1
shift
"$@" </dev/null 4>"$dir/problem"
echo $? > "$dir/exit.new"
mv "$dir/exit.new" "$dir/exit"`;

/** One container of a pod on the process node: its directory, and the processes in it. */
export class Container {
  private readonly relative: string;

  constructor(
    private readonly state: RegionState,
    uid: string,
    readonly name: string,
  ) {
    this.relative = join('node', 'pods', uid, 'containers', name);
  }

  /** Starts it; the caller knows that it does not run. The environment goes to the program alone, never into a file or an argument. */
  start(
    layout: Layout,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    record: Omit<ContainerRecord, keyof ProcessId | 'startedAt' | 'container'>,
  ): ContainerRecord {
    const dir = this.relative;
    mkdirSync(this.path('root'), { recursive: true, mode: 0o700 });
    rmSync(this.path('exit'), { force: true });
    writeAtomic(this.path('setup.sh'), sandboxScript(layout, this.state.dir));
    const log = openLog(logFile(this.state, record.namespace, record.pod, this.name));
    const command = ['unshare', ...unshareFlags(layout.identity), '/bin/sh', join(dir, 'setup.sh'), join(dir, 'root'), ...argv];
    const child = spawn('/bin/sh', ['-c', supervisor, 'container', dir, ...command], {
      cwd: this.state.dir,
      detached: true,
      stdio: ['pipe', log, log],
      env,
    });
    closeSync(log);
    child.on('error', () => undefined);
    child.stdin!.on('error', () => undefined);
    const startTime = child.pid && startTimeOf(child.pid);
    if (!child.pid || !startTime) throw new Error('/bin/sh could not be started');
    const started: ContainerRecord = { ...record, container: this.name, pid: child.pid, startTime, startedAt: Date.now() };
    writeAtomic(this.path('process.json'), `${JSON.stringify(started, null, 2)}\n`);
    child.stdin!.end('go\n');
    child.unref();
    return started;
  }

  /** Its latest start; undefined when it was never started. */
  record(): ContainerRecord | undefined {
    const text = readText(this.path('process.json'));
    return text === undefined ? undefined : (JSON.parse(text) as ContainerRecord);
  }

  /** How the latest start ended; undefined while it runs. */
  ended(record: ContainerRecord): Ended | undefined {
    if (isAlive(record)) return undefined;
    const code = readText(this.path('exit'));
    if (code === undefined && processesOf(record).length) return undefined; // someone killed its supervisor
    const finishedAt = statSync(this.path('exit'), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    const problem = code?.trim() === '0' ? undefined : readText(this.path('problem'))?.trim();
    return { exitCode: code === undefined ? 137 : Number(code), finishedAt, ...(problem ? { problem } : {}) };
  }

  /**
   * Runs a command in the container with its user and environment; the exit code, or undefined when it took longer.
   * Its output is dropped.
   */
  async exec(record: ContainerRecord, identity: Identity, argv: readonly string[], env: Readonly<Record<string, string>>, seconds: number): Promise<number | undefined> {
    const init = initOf(record);
    if (!init) return 137;
    const enter = ['--target', String(init), ...(isRoot ? [] : ['--user', '--preserve-credentials']), '--mount', '--pid', '--uts', '--root', '--wd'];
    const child = spawn('nsenter', [...enter, 'env', `PATH=${env.PATH ?? ''}`, ...dropPrivileges(identity), ...argv], {
      detached: true,
      stdio: 'ignore',
      env: { ...env, PATH: process.env.PATH },
    });
    const exit = new Promise<number>((resolve) => {
      child.once('error', () => resolve(126));
      child.once('exit', (code, signal) => resolve(code ?? (signal ? 137 : 1)));
    });
    const timer = new AbortController();
    const code = await Promise.race([exit, sleep(seconds * 1000, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    if (code === undefined && child.pid) for (const pid of sessionOf(child.pid)) send(pid, 'SIGKILL');
    return code;
  }

  private path(...parts: string[]): string {
    return this.state.file(this.relative, ...parts);
  }
}

/** Every container of the region that has living processes, whoever started it, with the uid of its pod. */
export function livingContainers(state: RegionState): { uid: string; record: ContainerRecord }[] {
  return podDirectories(state).flatMap((uid) =>
    entries(state.file('node', 'pods', uid, 'containers')).flatMap((name) => {
      const record = new Container(state, uid, name).record();
      return record && processesOf(record).length ? [{ uid, record }] : [];
    }),
  );
}

/** Uids of the pods that have a directory. */
export function podDirectories(state: RegionState): string[] {
  return entries(state.file('node', 'pods'));
}

/** Asks the container's first process to end. */
export function terminate(record: ContainerRecord): void {
  const init = initOf(record);
  if (init) send(init, 'SIGTERM');
}

/** Ends every process of the container at once. */
export function kill(record: ContainerRecord): void {
  // The supervisor goes on: it notes the exit code.
  for (const pid of processesOf(record)) if (pid !== record.pid) send(pid, 'SIGKILL');
}

/**
 * Stops every container of the region with its grace period, those that keep data for others last. Leaves no process.
 * No agent may run meanwhile: it would start them again.
 */
export async function stopContainers(state: RegionState, tell: (name: string) => void = () => undefined): Promise<void> {
  const living = livingContainers(state).map(({ record }) => record);
  for (const wave of [living.filter(({ stopsLast }) => !stopsLast), living.filter(({ stopsLast }) => stopsLast)]) {
    await Promise.all(wave.map(async (record) => {
      tell(`${record.namespace}/${record.pod}`);
      terminate(record);
      const gone = () => processesOf(record).length === 0;
      await until(gone, record.graceSeconds);
      kill(record);
      await until(gone, 5);
      for (const pid of processesOf(record)) send(pid, 'SIGKILL');
    }));
  }
}

/** The log of a container, over its restarts. */
export function logFile(state: RegionState, namespace: string, pod: string, container: string): string {
  return state.file('logs', 'pods', `${namespace}_${pod}_${container}.log`);
}

/** Living processes of the container's session, its supervisor included. The program's children may have sessions of their own, but die with its first process. */
function processesOf(record: ContainerRecord): number[] {
  // A pid stays reserved while its session has members, so these are ours unless a new process has the pid.
  const ours = isAlive(record) || startTimeOf(record.pid) === undefined;
  return ours ? sessionOf(record.pid) : [];
}

/** The container's first process, number 1 of its own process namespace. */
function initOf(record: ContainerRecord): number | undefined {
  return processesOf(record).find((pid) => {
    const line = /^NSpid:\s+(.*)$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]?.split(/\s+/) ?? [];
    return line.length > 1 && line.at(-1) === '1';
  });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function until(isTrue: () => boolean, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!isTrue() && Date.now() < deadline) await sleep(30);
}

function openLog(path: string): number {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLog) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
