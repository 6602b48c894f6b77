import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { entriesOf } from '../constructs/objects';
import type { Platform } from '../constructs/platform';
import { prepareCluster } from '../embedded/cluster';
import { startControlPlane } from '../embedded/control-plane';
import { endpoints } from '../embedded/credentials';
import { ensureCrds } from '../embedded/crds';
import { Kube } from '../embedded/kube';
import { nodesOf } from '../embedded/nodes';
import { runningServers } from '../embedded/processes';
import { operate, shutDown, type OperationResult } from '../embedded/region';
import { openRegion, projectRoot, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent, type Progress } from '../model/progress';
import type { Stack } from '../model/stack';
import { ordered } from '../provision/deploy';
import { withSecrets } from '../provision/secrets';

/** A region whose control plane is ready and has nothing but what a cluster's administrators hand over. */
export interface FreshRegion {
  readonly stack: Stack;
  readonly state: RegionState;
  readonly kubeconfig: string;
  /** From the start of its first server until it is ready. */
  readonly bootSeconds: number;
}

/** Work and where its time went, in seconds. */
export interface Measured {
  readonly seconds: number;
  /** Of the command's own processes: kubectl, or the engine with program and plugins. */
  readonly cpu: number;
  /** Of the API server, etcd and the controllers meanwhile. */
  readonly clusterCpu: number;
}

export interface Deployed extends Measured {
  /** What `up` does before: the preview that finds what would fail. */
  readonly planSeconds: number;
  readonly result: OperationResult;
}

const command = 'npm run bench';

export async function onFreshRegion<T>(stack: Stack, work: (region: FreshRegion) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-bench-'));
  const state = openRegion(stack.name, directory);
  try {
    const tools = await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], silent);
    const definitions = await ensureCrds(silent);
    const region = stack.instance.regions[stack.region]!;
    const started = Date.now();
    const { kubeconfig } = await startControlPlane({ state, tools, progress: silent, issuer: endpoints(stack).issuer });
    const bootSeconds = (Date.now() - started) / 1000;
    const kube = new Kube(kubeconfig);
    try {
      const storageClasses = [...new Set(Object.values(region.storageClasses))];
      await prepareCluster({ kube, definitions, storageClasses, nodes: nodesOf(region.nodePools), progress: silent });
    } finally {
      kube.close();
    }
    return await work({ stack, state, kubeconfig, bootSeconds });
  } finally {
    await shutDown(stack, { progress: silent, command, state: directory, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The engine's first `up` of a platform: from its start to its end. */
export async function up(region: FreshRegion, platform: Platform): Promise<Deployed> {
  const { progress, secondsOf } = stopwatch();
  const { value: result, ...measured } = await measure(region.state, () => operateOn(region, 'up', platform, progress));
  return { ...measured, seconds: secondsOf('deploy'), planSeconds: secondsOf('plan'), result };
}

/** An unchanged preview. */
export async function preview(region: FreshRegion, platform: Platform): Promise<number> {
  const { progress, secondsOf } = stopwatch();
  const { changed } = await operateOn(region, 'preview', platform, progress);
  if (changed.length) throw new Error(`a second preview finds changes: ${changed.join(', ')}`);
  return secondsOf('preview');
}

function operateOn({ stack, state }: FreshRegion, operation: 'up' | 'preview', platform: Platform, progress: Progress): Promise<OperationResult> {
  return operate(stack, operation, { platform, progress, command, state: join(state.dir, '..'), plugins: 'stand-in' });
}

/** The floor: one `kubectl apply --server-side` of the same objects, in the same order, in one file, without waiting. */
export async function kubectlApply({ state, kubeconfig }: FreshRegion, platform: Platform): Promise<Measured> {
  const { kubectl } = await ensureTools(['kubernetes'], silent);
  const file = state.file('floor.json');
  const items = ordered(entriesOf(platform)).map(({ object }) => withSecrets(object, { current: 'a seed of the bench', epoch: 1 }));
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const args = ['apply', '--server-side', '--kubeconfig', kubeconfig, '--cache-dir', state.file('kubectl'), '--filename', file];
  const { value: _, ...measured } = await measure(state, () => promisify(execFile)(kubectl, args, { maxBuffer: 64 * 2 ** 20 }));
  return measured;
}

/** How long one ./datalab takes, as the person who calls it waits. */
export async function datalab(directory: string, ...args: string[]): Promise<number> {
  const started = Date.now();
  await promisify(execFile)(join(projectRoot, 'datalab'), [...args, '--state', directory], { maxBuffer: 64 * 2 ** 20 });
  return (Date.now() - started) / 1000;
}

async function measure<T>(state: RegionState, work: () => Promise<T>): Promise<Measured & { value: T }> {
  const cluster = () => runningServers(state).reduce((sum, { pid }) => sum + cpuSeconds(pid, false), 0);
  const [started, own, others] = [Date.now(), cpuSeconds(process.pid, true), cluster()];
  const value = await work();
  return { seconds: (Date.now() - started) / 1000, cpu: cpuSeconds(process.pid, true) - own, clusterCpu: cluster() - others, value };
}

/** Processor time of a process, and of its children that have ended. */
function cpuSeconds(pid: number, withChildren: boolean): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').map(Number);
  // utime, stime, cutime and cstime in proc(5), which counts from 1 and before the name; 100 ticks a second.
  const [utime, stime, cutime, cstime] = fields.slice(11, 15) as [number, number, number, number];
  return (utime + stime + (withChildren ? cutime + cstime : 0)) / 100;
}

/** A progress that says nothing and remembers how long each step took. */
function stopwatch(): { progress: Progress; secondsOf: (step: string) => number } {
  const took = new Map<string, number>();
  return {
    progress: {
      ...silent,
      async step(title, work) {
        const started = Date.now();
        const result = await work(() => undefined);
        took.set(title.split(' ')[0]!, (Date.now() - started) / 1000);
        return result;
      },
    },
    secondsOf: (step) => took.get(step) ?? 0,
  };
}
