import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { prepareCluster } from '../../embedded/cluster';
import { startControlPlane, stopControlPlane } from '../../embedded/control-plane';
import { Kube, type KubeObject } from '../../embedded/kube';
import { loopbackOf } from '../../embedded/node/addresses';
import { livingContainers } from '../../embedded/node/container';
import { requireSandbox } from '../../embedded/node/requirements';
import { sessionOf } from '../../embedded/proc';
import { openRegion } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { loadStack } from '../../model/stack';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

// A program: whoever starts it runs PostgreSQL with a database's Job, and MinIO, from their rendered manifests in the state
// directory that its argument names. It prints what it saw, as JSON.

const stack = loadStack('ssp-cloud.local');
const state = openRegion(stack.name, process.argv[2]);

async function main(): Promise<void> {
  await requireSandbox();
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  const { kubeconfig, address } = await startControlPlane({ state, tools, progress: silent });
  const kube = new Kube(kubeconfig);
  const { region } = compose(stack);
  await prepareCluster({ kube, definitions: [], storageClasses: [...new Set(Object.values(region.storageClasses))], nodes: [], progress: silent });
  const wanted = ['PriorityClass', 'Namespace', 'Secret', 'ConfigMap', 'ServiceAccount', 'Service', 'StatefulSet', 'Job'];
  for (const { object } of entriesOf(compose(stack))) {
    const { namespace = object.kind === 'PriorityClass' ? 'minio' : object.metadata.name } = object.metadata;
    if (wanted.includes(object.kind) && ['postgresql', 'minio'].includes(namespace)) await kube.apply(object as unknown as KubeObject, { fieldManager: 'test' });
  }
  const pod = (namespace: string) => eventually(`a pod in ${namespace}`, async () => (await kube.list('v1', 'Pod', { namespace })).find(({ metadata }) => metadata.name === `${namespace}-0`));
  const ready = async () => (await pod('postgresql')).status.containerStatuses?.[0].ready === true;
  await eventually('PostgreSQL ready', ready);
  await eventually("the database's Job", async () => (await kube.list('batch/v1', 'Job', { namespace: 'postgresql' })).every(({ status }) => status?.succeeded === 1));
  // Ready it is only with its identity issuer, which is not there.
  const minio = await pod('minio');
  await eventually('MinIO', async () => (await fetch(`http://${loopbackOf(minio.status.podIP, address)}:9000/minio/health/live`)).ok);
  const owners = livingContainers(state).flatMap(({ record }) => sessionOf(record.pid)).map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'));
  process.stdout.write(`${JSON.stringify({ person: process.getuid!(), owners: [...new Set(owners.map((text) => Number(/^Uid:\t(\d+)/m.exec(text)![1])))] })}\n`);
  kube.close();
}

async function eventually<T>(what: string, check: () => Promise<T | false | undefined>): Promise<T> {
  for (const deadline = Date.now() + 120_000; ; await sleep(300)) {
    const answer = await check().catch(() => undefined);
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not in 120 s: ${what}`);
  }
}

main()
  .catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  })
  .finally(() => stopControlPlane({ state, progress: silent }));
