import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../kube';

/** Undefined: it answers well. Otherwise why not. */
type Answer = string | undefined;

export interface ProbeTarget {
  readonly container: KubeObject['spec'];
  readonly address: string;
  /** Runs a command in the container: its exit code, undefined when it took longer. */
  readonly exec: (argv: readonly string[], seconds: number) => Promise<number | undefined>;
}

export interface Health {
  /** The startup probe has succeeded, or there is none. */
  started: boolean;
  /** The readiness probe has succeeded last, or there is none. */
  ready: boolean;
}

/**
 * Runs the manifest's probes of one start of a container until `signal` aborts, and keeps `health` up to date.
 * Returns why the container must be restarted when a startup or liveness probe has failed too often.
 */
export async function watchHealth(target: ProbeTarget, health: Health, signal: AbortSignal, tell: (message: string) => void): Promise<string | undefined> {
  const { startupProbe, livenessProbe, readinessProbe } = target.container;
  const run = (kind: string, probe: KubeObject['spec'], then: Outcome, until = signal) => follow({ target, probe, kind, tell, signal: until }, then);
  if (startupProbe && !health.started) {
    const failure = await run('startup', startupProbe, { succeeded: () => 'end' });
    if (failure || signal.aborted) return failure;
  }
  health.started = true;
  if (!readinessProbe) health.ready = true;
  const over = new AbortController();
  const end = () => over.abort();
  signal.addEventListener('abort', end, { once: true });
  const set = (ready: boolean) => () => {
    health.ready = ready;
    return 'go on' as const;
  };
  const readiness = readinessProbe && run('readiness', readinessProbe, { succeeded: set(true), failed: set(false) }, over.signal);
  const failure = livenessProbe && (await run('liveness', livenessProbe, { succeeded: () => 'go on' }, over.signal));
  if (failure) end();
  await readiness;
  return failure;
}

/** What follows when a threshold is reached. */
interface Outcome {
  readonly succeeded: () => 'end' | 'go on';
  /** @default the probe ends with the reason */
  readonly failed?: () => 'go on';
}

interface Following {
  readonly target: ProbeTarget;
  readonly probe: KubeObject['spec'];
  readonly kind: string;
  readonly tell: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Asks again and again; returns the reason when it ends with a failure. */
async function follow({ target, probe, kind, tell, signal }: Following, { succeeded, failed }: Outcome): Promise<string | undefined> {
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1, successThreshold = 1, failureThreshold = 3 } = probe;
  const wait = (seconds: number) => sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
  let [successes, failures] = [0, 0];
  await wait(initialDelaySeconds);
  while (!signal.aborted) {
    const problem = await ask(target, probe, timeoutSeconds);
    if (signal.aborted) break;
    successes = problem === undefined ? successes + 1 : 0;
    failures = problem === undefined ? 0 : failures + 1;
    if (problem !== undefined) tell(`${kind} probe failed: ${problem}`);
    if (successes >= successThreshold && succeeded() === 'end') break;
    if (failures >= failureThreshold && !failed) return `${kind} probe failed ${failures} times: ${problem}`;
    if (failures >= failureThreshold) failed!();
    await wait(periodSeconds);
  }
  return undefined;
}

async function ask(target: ProbeTarget, probe: KubeObject['spec'], seconds: number): Promise<Answer> {
  const { httpGet, tcpSocket, exec } = probe;
  if (exec) {
    const code = await target.exec(exec.command, seconds);
    if (code === 0) return undefined;
    return code === undefined ? `no answer within ${seconds} s` : `the command ended with exit code ${code}`;
  }
  const port = portOf(target.container, (httpGet ?? tcpSocket).port);
  if (port === undefined) return `the container has no port "${(httpGet ?? tcpSocket).port}"`;
  return httpGet ? get(target.address, port, httpGet, seconds) : reach(target.address, port, seconds);
}

function portOf(container: KubeObject['spec'], port: string | number): number | undefined {
  if (typeof port === 'number') return port;
  return container.ports?.find((each: { name?: string }) => each.name === port)?.containerPort;
}

function get(host: string, port: number, { path = '/', scheme = 'HTTP', httpHeaders = [] }: KubeObject['spec'], seconds: number): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = Object.fromEntries(httpHeaders.map(({ name, value }: { name: string; value: string }) => [name, value]));
    const options = { host, port, path, headers: { 'user-agent': 'kube-probe/datalab-stacks', accept: '*/*', ...headers }, agent: false as const };
    const call = scheme === 'HTTPS' ? https({ ...options, rejectUnauthorized: false }) : http(options);
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${seconds} s`)), seconds * 1000);
    call.once('response', (answer) => {
      clearTimeout(timer);
      answer.resume();
      const { statusCode = 0 } = answer;
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `HTTP status ${statusCode}`);
    });
    call.once('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    call.end();
  });
}

function reach(host: string, port: number, seconds: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: seconds * 1000 });
    const done = (answer: Answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(undefined));
    socket.once('timeout', () => done(`no answer within ${seconds} s`));
    socket.once('error', (error) => done(error.message));
  });
}
