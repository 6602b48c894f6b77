import { UserError } from '../../model/errors';
import { KubeError, type KubeObject } from '../kube';
import { launcherFor } from '../launchers/all';
import { Container, kill, terminate, type ContainerRecord, type Ended } from './container';
import { ConfigError } from './environment';
import { planOf, type Plan, type PodContext } from './plan';
import { watchHealth, type Health } from './probes';

const longestPause = 60;
const steadySeconds = 300;

/** One container of a pod over its restarts. */
export class ContainerRun {
  readonly health: Health = { started: false, ready: false };
  /** Why it does not run yet. */
  private waiting = { reason: 'ContainerCreating', message: '' };
  private readonly container: Container;
  private record: ContainerRecord | undefined;
  private end: Ended | undefined;
  /** Status of the start before the latest. */
  private previous: object | undefined;
  private probing: AbortController | undefined;
  private retryAt = 0;
  private killAt: number | undefined;

  /** `adopted` is its status as the API server has it: a container that an earlier agent started goes on. */
  constructor(
    private readonly context: PodContext,
    readonly spec: KubeObject['spec'],
    adopted: KubeObject['status'],
  ) {
    this.container = new Container(context.state, context.pod.metadata.uid!, spec.name);
    this.record = this.container.record();
    this.previous = adopted?.lastState?.terminated;
    if (!this.record) return;
    this.end = this.container.ended(this.record);
    if (this.end) return;
    Object.assign(this.health, { started: adopted?.started ?? false, ready: adopted?.ready ?? false });
    this.probe();
  }

  get state(): 'waiting' | 'running' | 'ended' {
    return !this.record ? 'waiting' : this.end ? 'ended' : 'running';
  }

  get exitCode(): number | undefined {
    return this.end?.exitCode;
  }

  /** Sees whether it has ended, and kills it when its grace period is over. */
  observe(): void {
    if (this.state !== 'running') return;
    this.end = this.container.ended(this.record!);
    if (this.end) {
      this.probing?.abort();
      this.killAt = undefined;
      Object.assign(this.health, { started: false, ready: false });
      const { exitCode, problem } = this.end;
      this.context.event(exitCode ? 'Warning' : 'Normal', 'Ended', `container ${this.spec.name} ended with exit code ${exitCode}${problem ? `: ${problem}` : ''}`);
    } else if (this.killAt !== undefined && Date.now() > this.killAt) kill(this.record!);
  }

  stop(seconds: number): void {
    if (this.state !== 'running') return;
    if (this.killAt === undefined) terminate(this.record!);
    this.probing?.abort();
    this.health.ready = false;
    this.killAt = Math.min(this.killAt ?? Infinity, Date.now() + seconds * 1000);
  }

  /** Starts it, unless a pause since its last end or failure is not over. */
  async start(): Promise<void> {
    const now = Date.now();
    if (now < Math.max(this.retryAt, this.pausedUntil())) return;
    try {
      const plan = await planOf(this.context, this.spec);
      await this.context.provide(plan.layout.identity);
      if (this.record && this.end) this.previous = this.terminated();
      const { pod } = this.context;
      this.record = this.container.start(plan.layout, plan.argv, plan.env, {
        namespace: pod.metadata.namespace!,
        pod: pod.metadata.name,
        attempt: this.record ? this.record.attempt + 1 : 0,
        graceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
        stopsLast: plan.stopsLast,
      });
      this.end = undefined;
      this.context.event('Normal', 'Started', `container ${this.spec.name} started`);
      this.probe(plan);
    } catch (error) {
      this.waiting = reasonOf(error as Error);
      this.retryAt = now + (error instanceof KubeError ? 500 : 2000);
      this.context.event('Warning', this.waiting.reason, this.waiting.message);
    }
  }

  /** Brings the pod's volumes up to date while it runs. */
  async refresh(): Promise<void> {
    await this.context.provide((await planOf(this.context, this.spec)).layout.identity);
  }

  /** Its status as the API server keeps it. */
  status(): object {
    const { name, image } = this.spec;
    const paused = this.state === 'ended' && this.pausedUntil() > Date.now() && this.willRestart();
    const state =
      this.state === 'waiting' ? { waiting: this.waiting }
      : this.state === 'running' ? { running: { startedAt: time(this.record!.startedAt) } }
      : paused ? { waiting: { reason: 'CrashLoopBackOff', message: `pauses for ${this.pause()} s before the next start` } }
      : { terminated: this.terminated() };
    const last = paused ? this.terminated() : this.previous;
    return {
      name, image,
      imageID: this.record ? `local://${launcherFor(image)?.name ?? 'unknown'}` : '',
      ...(this.record ? { containerID: `process://${this.record.pid}` } : {}),
      state,
      lastState: last ? { terminated: last } : {},
      ready: this.health.ready,
      started: this.health.started,
      restartCount: this.record?.attempt ?? 0,
    };
  }

  private willRestart(): boolean {
    const { restartPolicy } = this.context.pod.spec;
    return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && this.exitCode !== 0);
  }

  private terminated(): object {
    const { exitCode, finishedAt, problem } = this.end!;
    return {
      exitCode,
      reason: problem ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error',
      ...(problem ? { message: problem } : {}),
      startedAt: time(this.record!.startedAt),
      finishedAt: time(finishedAt),
      containerID: `process://${this.record!.pid}`,
    };
  }

  /** The first restart is immediate; then 2, 4, 8 … 60 seconds, until a start has lasted five minutes. */
  private pause(): number {
    const { attempt, startedAt } = this.record!;
    const steady = this.end!.finishedAt - startedAt > steadySeconds * 1000;
    return attempt === 0 || steady ? 0 : Math.min(longestPause, 2 ** Math.min(attempt, 10));
  }

  private pausedUntil(): number {
    return this.record && this.end ? this.end.finishedAt + this.pause() * 1000 : 0;
  }

  private probe(plan?: Plan): void {
    const stop = new AbortController();
    this.probing = stop;
    const record = this.record!;
    const { address, changed, event } = this.context;
    let planned = plan;
    const target = {
      container: this.spec,
      address,
      exec: async (argv: readonly string[], seconds: number) => {
        planned ??= await planOf(this.context, this.spec);
        return this.container.exec(record, planned.layout.identity, argv, planned.env, seconds);
      },
    };
    watchHealth(target, this.health, stop.signal, (message) => {
      event('Warning', 'Unhealthy', `container ${this.spec.name}: ${message}`);
      changed();
    }).then(
      (failure) => {
        if (!failure || stop.signal.aborted) return;
        event('Warning', 'Killing', `container ${this.spec.name} is restarted: ${failure}`);
        this.stop(this.context.pod.spec.terminationGracePeriodSeconds ?? 30);
      },
      (error: Error) => event('Warning', 'ProbeError', error.message),
    );
  }
}

function reasonOf(error: Error): { reason: string; message: string } {
  if (error instanceof ConfigError) return { reason: 'CreateContainerConfigError', message: error.message };
  if (error instanceof UserError) return { reason: 'ErrImageNeverPull', message: error.message };
  return { reason: 'ContainerCreating', message: error.message };
}

function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
