import { rmSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, Kube, type KubeObject } from '../kube';
import type { RegionState } from '../state';
import { AddressTable, nodeIp } from './addresses';
import { Collection } from './collection';
import { kill, livingContainers, podDirectories } from './container';
import { hostsOf, type NamedPod } from './names';
import { PodRun, type NodeContext } from './pod';
import { leaseHolder, nodeName, processNode } from './this-computer';

/** Milliseconds between two looks at the processes. */
const pulse = 150;
const secondsBetweenHeartbeats = 10;

/**
 * The kubelet of the region's one real node: runs the pods that are bound to it until `signal` aborts. Their processes
 * go on then: the next agent finds them, and `down` stops them.
 */
export async function runProcessNode(options: { state: RegionState; region: string; log: (line: string) => void; signal: AbortSignal }): Promise<void> {
  const { state, region, log, signal } = options;
  const kube = new Kube(state.file('pki', 'node.kubeconfig'));
  let wake = () => {};
  const changed = () => wake();
  const services = new Collection(kube, '/api/v1/services', changed, log);
  const pods = new Collection(kube, `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`, changed, log);
  const following = [services.follow(signal), pods.follow(signal)];
  const node = new ProcessNode({ state, kube, log, changed, claims: new Map() }, new AddressTable(state, region), region);
  let beat = 0;
  while (!signal.aborted) {
    if (pods.complete && services.complete) {
      try {
        await node.step([...pods.objects.values()], [...services.objects.values()]);
        if (Date.now() - beat > secondsBetweenHeartbeats * 1000) {
          await heartbeat(kube);
          beat = Date.now();
        }
      } catch (error) {
        log(error instanceof KubeError ? error.message : String((error as Error).stack));
        await sleep(500);
      }
    }
    const woken = new Promise<void>((resolve) => (wake = resolve));
    await Promise.race([woken, sleep(pulse)]);
  }
  await Promise.all(following);
  kube.close();
}

class ProcessNode {
  private readonly runs = new Map<string, PodRun>();
  private readonly busy = new Set<string>();
  private tidied = false;

  constructor(
    private readonly context: NodeContext,
    private readonly addresses: AddressTable,
    private readonly region: string,
  ) {}

  async step(pods: readonly KubeObject[], services: readonly KubeObject[]): Promise<void> {
    const uids = new Set(pods.map(({ metadata }) => metadata.uid!));
    if (!this.tidied) this.tidy(uids);
    for (const object of pods) {
      const uid = object.metadata.uid!;
      const known = this.runs.get(uid);
      if (known) known.object = object;
      else this.runs.set(uid, new PodRun(this.context, object, this.addresses.take(uid)));
    }
    this.writeNames(services);
    const first = [...this.runs].map(([uid, run]) => this.advance(uid, run, uids.has(uid)));
    if (!this.tidied) await Promise.all(first); // the first heartbeat says that all statuses are true
    this.tidied = true;
  }

  /** One step of a pod, while the others go on. */
  private async advance(uid: string, run: PodRun, exists: boolean): Promise<void> {
    if (this.busy.has(uid)) return;
    this.busy.add(uid);
    try {
      await (exists && !run.gone ? run.step() : run.end(0));
      if (run.gone && !exists) {
        this.runs.delete(uid);
        this.addresses.release(uid);
      }
    } catch (error) {
      const { namespace, name } = run.object.metadata;
      this.context.log(`${namespace}/${name}: ${error instanceof KubeError ? error.message : (error as Error).stack}`);
      await sleep(300);
    } finally {
      this.busy.delete(uid);
    }
  }

  private writeNames(services: readonly KubeObject[]): void {
    const named = [...this.runs.values()].map((run): NamedPod => ({ object: run.object, loopback: run.address.loopback, ready: run.ready }));
    [...this.runs.values()].forEach((run, index) => {
      if (!run.gone) run.setHosts(hostsOf(named[index]!, services, named, this.region));
    });
  }

  /** What pods left that were deleted while no agent ran. */
  private tidy(uids: ReadonlySet<string>): void {
    const { state, log } = this.context;
    const left = new Set(podDirectories(state).filter((uid) => !uids.has(uid)));
    for (const { uid, record } of livingContainers(state)) {
      if (!left.has(uid)) continue;
      log(`${record.namespace}/${record.pod}: deleted while no agent ran`);
      kill(record);
    }
    for (const uid of left) rmSync(state.file('node', 'pods', uid), { recursive: true, force: true });
    this.addresses.keep(uids);
  }
}

/**
 * Registers the node where it is missing, and keeps it Ready. The lease names the process: whoever starts an agent
 * sees by it that this one has looked at every pod.
 */
async function heartbeat(kube: Kube): Promise<void> {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: nodeName, namespace: 'kube-node-lease' } };
  const now = new Date().toISOString();
  if (!(await kube.get({ apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } }))) {
    await kube.create(nodeObject, { fieldManager: 'process-node' }).catch(ignoreExisting);
  }
  const condition = (type: string, status: string, reason: string) => ({ type, status, reason, lastHeartbeatTime: now, message: reason });
  await kube.send('PATCH', `/api/v1/nodes/${nodeName}/status`, {
    status: {
      capacity, allocatable: capacity,
      addresses: [{ type: 'InternalIP', address: nodeIp }, { type: 'Hostname', address: nodeName }],
      conditions: [condition('Ready', 'True', 'AgentReady'), ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => condition(type, 'False', 'NotMeasured'))],
    },
  }, 'application/strategic-merge-patch+json');
  const spec = { holderIdentity: leaseHolder(process.pid), leaseDurationSeconds: 40, renewTime: now.replace('Z', '000Z') };
  await kube.apply({ ...lease, spec } as KubeObject, { fieldManager: 'process-node', force: true });
}

/** Nothing is reserved on this computer, so requests never keep a pod from it. */
const capacity = { cpu: String(Math.max(64, cpus().length)), memory: `${Math.max(256, Math.round(totalmem() / 2 ** 30))}Gi`, 'ephemeral-storage': '1Ti', pods: '200' };

const nodeObject: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: nodeName, labels: { [processNode]: 'true', 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' } },
  spec: { taints: [{ key: processNode, value: 'present', effect: 'NoSchedule' }] },
};

function ignoreExisting(error: Error): void {
  if (!(error instanceof KubeError && error.reason === 'AlreadyExists')) throw error;
}
