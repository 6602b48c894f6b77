import { mkdirSync, rmSync } from 'node:fs';
import type { Kube, KubeObject } from '../kube';
import { writeAtomic, type RegionState } from '../state';
import type { PodAddress } from './addresses';
import { ContainerRun } from './container-run';
import { References } from './environment';
import type { Identity } from './identity';
import { claimsOf, provideVolumes } from './mounts';
import { computerResolver, writeHosts } from './names';
import type { PodContext } from './plan';
import { podStatus } from './pod-status';
import { unsupportedFields } from './supported';

export interface NodeContext {
  readonly state: RegionState;
  readonly kube: Kube;
  readonly log: (line: string) => void;
  /** Something may have to be done now. */
  readonly changed: () => void;
  /** The pod that has a claim's directory, by `<namespace>/<claim>`. */
  readonly claims: Map<string, string>;
}

const secondsBetweenRefreshes = 60;

/** One pod of the process node, from its binding to its end. Whatever it does, it can do again after a restart of the agent. */
export class PodRun {
  private readonly init: readonly ContainerRun[];
  private readonly main: readonly ContainerRun[];
  private readonly context: PodContext;
  private readonly problems: readonly string[];
  private refreshedAt = 0;
  private published = '';
  private lastEvent = '';
  /** All is over: processes, directory, object. */
  gone = false;

  constructor(
    private readonly node: NodeContext,
    public object: KubeObject,
    readonly address: PodAddress,
  ) {
    const { metadata, spec, status } = object;
    this.problems = unsupportedFields(object);
    const references = new References(node.kube, metadata.namespace!);
    this.context = {
      state: node.state,
      pod: object,
      address: address.loopback,
      references,
      provide: (owner) => this.provide(references, owner),
      event: (type, reason, message) => this.event(type, reason, message),
      changed: node.changed,
    };
    mkdirSync(this.file('etc'), { recursive: true, mode: 0o700 });
    writeAtomic(this.file('etc', 'resolv.conf'), computerResolver(), 0o644);
    writeAtomic(this.file('etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n', 0o644);
    const adopted = (list: KubeObject['status'], name: string) => list?.find((each: { name: string }) => each.name === name);
    this.init = (spec.initContainers ?? []).map((each: KubeObject['spec']) => new ContainerRun(this.context, each, adopted(status?.initContainerStatuses, each.name)));
    this.main = spec.containers.map((each: KubeObject['spec']) => new ContainerRun(this.context, each, adopted(status?.containerStatuses, each.name)));
    if (this.isOccupied()) this.takeClaims();
  }

  get ready(): boolean {
    return this.main.every(({ health }) => health.ready) && !this.object.metadata.deletionTimestamp;
  }

  /** Its own names and those of all Services, in the file that its containers have as /etc/hosts. */
  setHosts(content: string): void {
    writeHosts(this.file('etc', 'hosts'), content);
  }

  /** Does what is to be done now, and tells the API server what has changed. */
  async step(): Promise<void> {
    const { metadata, status } = this.object;
    for (const container of [...this.init, ...this.main]) container.observe();
    if (metadata.deletionTimestamp) return this.remove(metadata.deletionGracePeriodSeconds as number | undefined);
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return this.stopAll(0);
    if (this.problems.length) return this.refuse();
    if (this.takeClaims()) await this.advance();
    await this.publish();
  }

  /** Stops its processes within `seconds`; then its directory goes, and `gone` is set. */
  async end(seconds: number): Promise<void> {
    for (const container of [...this.init, ...this.main]) container.observe();
    this.stopAll(seconds);
    if (this.isOccupied()) return;
    this.releaseClaims();
    rmSync(this.file(), { recursive: true, force: true });
    this.gone = true;
  }

  private async advance(): Promise<void> {
    const { restartPolicy } = this.object.spec;
    const restarts = (container: ContainerRun) => restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && container.exitCode !== 0);
    const next = this.init.find((container) => container.state !== 'ended' || container.exitCode !== 0);
    if (next) {
      if (next.state === 'waiting' || (next.state === 'ended' && restartPolicy !== 'Never')) await next.start();
      return;
    }
    for (const container of this.main) {
      if (container.state === 'waiting' || (container.state === 'ended' && restarts(container))) await container.start();
    }
    const user = this.main.find(({ state }) => state === 'running');
    if (user && Date.now() - this.refreshedAt > secondsBetweenRefreshes * 1000) {
      this.refreshedAt = Date.now();
      await user.refresh().catch((error: Error) => this.event('Warning', 'FailedMount', error.message));
    }
  }

  private async provide(references: References, owner: Identity): Promise<void> {
    const { state, kube } = this.node;
    await provideVolumes({ state, kube, references, pod: this.object, address: this.address.loopback }, owner);
    this.refreshedAt = Date.now();
  }

  private async remove(graceSeconds: number | undefined): Promise<void> {
    this.stopAll(graceSeconds ?? 30);
    if (this.isOccupied()) return this.publish();
    await this.publish();
    await this.node.kube.delete(this.object, { gracePeriodSeconds: 0, uid: this.object.metadata.uid }).catch(ignoreConflict);
    await this.end(0);
  }

  private async refuse(): Promise<void> {
    const message = `The process node does not implement ${this.problems.join(', ')}.`;
    this.event('Warning', 'Unsupported', message);
    await this.send({ phase: 'Failed', reason: 'Unsupported', message });
  }

  private stopAll(seconds: number): void {
    for (const container of [...this.main, ...this.init]) container.stop(seconds);
    if (!this.isOccupied()) this.releaseClaims();
  }

  private isOccupied(): boolean {
    return [...this.init, ...this.main].some(({ state }) => state === 'running');
  }

  /** A volume has one pod at a time: a successor waits until the processes of its predecessor are gone. */
  private takeClaims(): boolean {
    const { claims } = this.node;
    const { uid } = this.object.metadata;
    const wanted = claimsOf(this.object).map((claim) => `${this.object.metadata.namespace}/${claim}`);
    const held = wanted.find((claim) => (claims.get(claim) ?? uid) !== uid);
    if (held) {
      this.event('Warning', 'FailedMount', `another pod still uses the volume of the claim ${held}`);
      return false;
    }
    for (const claim of wanted) claims.set(claim, uid!);
    return true;
  }

  private releaseClaims(): void {
    const { claims } = this.node;
    for (const [claim, uid] of claims) if (uid === this.object.metadata.uid) claims.delete(claim);
  }

  private publish(): Promise<void> {
    return this.send(podStatus(this.object, this.address, this.init, this.main));
  }

  private async send(status: object): Promise<void> {
    const text = JSON.stringify(status);
    if (text === this.published) return;
    const { namespace, name, uid } = this.object.metadata;
    const body = { metadata: { uid }, status };
    await this.node.kube.send('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, body, 'application/strategic-merge-patch+json').catch(ignoreConflict);
    this.published = text;
  }

  /** Tells the log and, unless it was the last one too, the API server. */
  private event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (this.lastEvent === `${reason}${message}`) return;
    this.lastEvent = `${reason}${message}`;
    const { namespace, name, uid } = this.object.metadata;
    this.node.log(`${namespace}/${name}: ${reason}: ${message}`);
    const now = new Date().toISOString();
    this.node.kube
      .send('POST', `/api/v1/namespaces/${namespace}/events`, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${name}.`, namespace },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
        type, reason, message: message.slice(0, 1000),
        source: { component: 'process-node' },
        firstTimestamp: now, lastTimestamp: now, count: 1,
      })
      .catch((error: Error) => this.node.log(`${namespace}/${name}: no event: ${error.message}`));
  }

  private file(...parts: string[]): string {
    return this.node.state.file('node', 'pods', this.object.metadata.uid!, ...parts);
  }
}

/** The pod is gone, or another one has its name. */
function ignoreConflict(error: { status?: number }): void {
  if (error.status !== 404 && error.status !== 409) throw error;
}
