import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { prepareCluster } from '../../embedded/cluster';
import { startControlPlane, stopControlPlane, type ControlPlane } from '../../embedded/control-plane';
import { ensureCrds } from '../../embedded/crds';
import { serviceAccountIssuer } from '../../embedded/servers';
import { Kube, type KubeObject } from '../../embedded/kube';
import { runningServers } from '../../embedded/processes';
import { holderOf, listeners, sessionOf, startTimeOf } from '../../embedded/proc';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools, type Tools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { eventually, temporaryDirectory } from './temporary';

jest.setTimeout(60_000);

// Before the directory's own clean-up: hooks run in this order.
afterAll(async () => {
  kube?.close();
  await stop(state);
  await stop(second);
});

const directory = temporaryDirectory();
let state = openRegion('ssp-cloud.local', join(directory, 'state'));
let second = openRegion('ls3.local', join(directory, 'state'));
let tools: Tools;
let region: ControlPlane;
let kube: Kube;

const names = ['etcd', 'kube-apiserver', 'kwok', 'kube-controller-manager', 'kube-scheduler', 'agent'];
const start = (which: RegionState) => startControlPlane({ state: which, tools, progress: silent });
const stop = (which: RegionState) => stopControlPlane({ state: which, progress: silent });
const pids = (which: RegionState) => Object.fromEntries(runningServers(which).map(({ name, pid }) => [name, pid]));
const processesOf = (which: RegionState) => Object.values(pids(which)).flatMap(sessionOf);

async function open(): Promise<void> {
  region = await start(state);
  kube?.close();
  kube = new Kube(region.kubeconfig);
}

function node(name: string): KubeObject {
  const resources = { cpu: '4', memory: '8Gi', pods: '110', 'nvidia.com/gpu': '1' };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { capacity: resources, allocatable: resources } };
}

async function prepare(nodes: KubeObject[]): Promise<void> {
  await prepareCluster({ kube, definitions: await ensureCrds(silent), storageClasses: ['standard'], nodes, progress: silent });
}

const get = (kind: string, name: string, apiVersion = 'v1', namespace?: string) => kube.get({ apiVersion, kind, metadata: { name, namespace } });
const isReady = (object?: KubeObject) => object?.status.conditions?.some(({ type, status }: KubeObject) => type === 'Ready' && status === 'True');

beforeAll(async () => {
  tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  await ensureCrds(silent);
}, 20 * 60_000);

test('a region boots and its API server is ready', async () => {
  await open();
  expect(Object.keys(pids(state))).toEqual(names);
  expect(region.address).toMatch(/^127\.42\.\d+\.1$/);
  expect(await kube.send('GET', '/readyz')).toEqual({ message: 'ok' });
  expect((await kube.send<{ gitVersion: string }>('GET', '/version')).gitVersion).toBe('v1.37.2');
});

test('starting again leaves a healthy region as it is, at once', async () => {
  const before = pids(state);
  const started = Date.now();
  await start(state);
  expect(Date.now() - started).toBeLessThan(1000);
  expect(pids(state)).toEqual(before);
});

test('administrators hand the cluster over with CRDs, a default storage class and the nodes of the region', async () => {
  await prepare([node('cpu-0'), node('gpu-0')]);
  await eventually('both nodes Ready, and the process node', async () => (await kube.list('v1', 'Node')).filter(isReady).length === 3);
  expect((await get('Node', 'gpu-0'))!.status.allocatable['nvidia.com/gpu']).toBe('1');
  expect(await kube.resource('gateway.networking.k8s.io/v1', 'HTTPRoute')).toBeDefined();
  expect(await kube.resource('cert-manager.io/v1', 'Certificate')).toBeDefined();
  expect((await get('StorageClass', 'standard', 'storage.k8s.io/v1'))!.metadata.annotations).toMatchObject({
    'storageclass.kubernetes.io/is-default-class': 'true',
  });
});

test('nodes that are no longer wanted go, changed ones change, others are left alone', async () => {
  await kube.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'real' } }, { fieldManager: 'test' });
  const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }];
  await prepare([{ ...node('cpu-0'), spec: { taints } }]);
  expect((await kube.list('v1', 'Node')).map(({ metadata }) => metadata.name).sort()).toEqual(['cpu-0', 'real', 'this-computer']);
  expect((await get('Node', 'cpu-0'))!.spec.taints).toEqual(taints);
  await prepare([node('cpu-0')]);
  expect((await get('Node', 'cpu-0'))!.spec.taints).toBeUndefined();
  await kube.delete({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'real' } });
});

test('a pod is scheduled, gets its volume and runs; the volume grows, and goes with its claim', async () => {
  const metadata = { name: 'data', namespace: 'default' };
  const claim = (storage: string): KubeObject => ({
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const options = { fieldManager: 'test' };
  await kube.apply(claim('1Gi'), options);
  await kube.create({
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app', namespace: 'default' },
    spec: {
      containers: [{ name: 'app', image: 'app', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  }, options);
  const bound = await eventually('the claim bound', async () => {
    const object = await get('PersistentVolumeClaim', 'data', 'v1', 'default');
    return object?.status.phase === 'Bound' && object;
  });
  const pod = await eventually('the pod running', async () => {
    const object = await get('Pod', 'app', 'v1', 'default');
    return object?.status.phase === 'Running' && isReady(object) && object;
  });
  expect(pod.status.podIP).toMatch(/^10\.244\./);
  const volume = (await get('PersistentVolume', bound.spec.volumeName))!;
  expect(volume.spec).toMatchObject({ hostPath: { path: '/simulated/default/data' }, persistentVolumeReclaimPolicy: 'Delete' });

  await kube.apply(claim('2Gi'), options);
  await eventually('the volume enlarged', async () => (await get('PersistentVolumeClaim', 'data', 'v1', 'default'))!.status.capacity.storage === '2Gi');
  await kube.delete({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app', namespace: 'default' } });
  await kube.delete({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata });
  await eventually('the volume gone', async () => (await get('PersistentVolume', bound.spec.volumeName)) === undefined);
});

test('without a login only health and, once RBAC says so, the discovery of the token issuer answer', async () => {
  const anonymous = (path: string) => new Promise<{ status?: number; body: string }>((resolve, reject) => {
    request(`${region.server}${path}`, { ca: readFileSync(region.ca) }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => { body += chunk; }).on('end', () => resolve({ status: answer.statusCode, body }));
    }).on('error', reject).end();
  });
  const discovery = '/.well-known/openid-configuration';
  expect((await anonymous('/readyz')).status).toBe(200);
  expect((await anonymous('/api/v1/namespaces')).status).toBe(401);
  expect((await anonymous('/version')).status).toBe(401);
  expect((await anonymous(discovery)).status).toBe(403);
  const rbac = 'rbac.authorization.k8s.io';
  await kube.create({
    apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'discovery' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:service-account-issuer-discovery' },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: 'system:unauthenticated' }],
  }, { fieldManager: 'test' });
  const { body } = await eventually('the discovery', async () => {
    const answer = await anonymous(discovery);
    return answer.status === 200 && answer;
  });
  expect(JSON.parse(body)).toMatchObject({ issuer: serviceAccountIssuer, jwks_uri: `${serviceAccountIssuer}/openid/v1/jwks` });
});

test('etcd refuses whoever has no certificate of its own authority, and keeps Secrets encrypted', async () => {
  const etcd = region.server.replace(/:\d+$/, ':22379');
  const call = (identity: object) => new Promise<string>((resolve, reject) => {
    request(`${etcd}/health`, { ca: readFileSync(state.file('pki/etcd-ca.crt')), ...identity }, (answer) => resolve(String(answer.statusCode)))
      .on('error', reject).end();
  });
  const pair = (name: string) => ({ cert: readFileSync(state.file(`pki/${name}.crt`)), key: readFileSync(state.file(`pki/${name}.key`)) });
  await expect(call(pair('etcd-client'))).resolves.toBe('200');
  await expect(call({})).rejects.toThrow(/certificate required|ECONNRESET/);
  await expect(call(pair('admin'))).rejects.toThrow(/unknown ca|bad certificate|ECONNRESET/i);

  const text = 'a-value-nobody-may-read-on-disk';
  await kube.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' }, stringData: { text } }, { fieldManager: 'test' });
  expect(() => execFileSync('grep', ['-rqa', text, state.file('etcd')])).toThrow();
});

test('all servers listen on loopback only', () => {
  const own = processesOf(state);
  const found = listeners().filter((listener) => own.includes(holderOf(listener) ?? 0));
  expect(found.map(({ address, port }) => `${address}:${port}`).sort()).toEqual(
    [22379, 22380, 26443].map((port) => `${region.address}:${port}`),
  );
});

test('two regions run side by side at addresses of their own', async () => {
  const other = await start(second);
  expect(other.address).not.toBe(region.address);
  const otherKube = new Kube(other.kubeconfig);
  expect(await otherKube.list('v1', 'Node')).toHaveLength(1);
  otherKube.close();
  expect(await kube.list('v1', 'Node')).toHaveLength(2);
  await stop(second);
  expect(await kube.send('GET', '/readyz')).toEqual({ message: 'ok' });
});

test.each(names)('%s killed with no warning is started again, and the others stay', async (name) => {
  const before = pids(state);
  process.kill(before[name]!, 'SIGKILL');
  await eventually('its end', () => startTimeOf(before[name]!) === undefined);
  await open();
  const after = pids(state);
  expect(Object.keys(after)).toEqual(names);
  for (const other of names) expect(after[other] === before[other]).toBe(other !== name);
});

test('everything works after that: a new node gets a pod with a volume that is bound at once', async () => {
  await prepare([node('cpu-0'), node('cpu-1')]);
  await kube.apply({ ...(await get('StorageClass', 'standard', 'storage.k8s.io/v1'))!, metadata: { name: 'immediate' }, volumeBindingMode: 'Immediate' }, { fieldManager: 'test' });
  await kube.create({
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'kept', namespace: 'default' },
    spec: { storageClassName: 'immediate', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }, { fieldManager: 'test' });
  await kube.create({
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2, selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } },
    },
  }, { fieldManager: 'test' });
  await eventually('the deployment', async () => (await get('Deployment', 'web', 'apps/v1', 'default'))!.status.readyReplicas === 2);
  await eventually('the claim', async () => (await get('PersistentVolumeClaim', 'kept', 'v1', 'default'))!.status.phase === 'Bound');
});

test('stop leaves no process; data is there after the next start, also in a directory that was moved', async () => {
  const own = processesOf(state);
  kube.close();
  await stop(state);
  expect(own.filter((pid) => startTimeOf(pid) !== undefined)).toEqual([]);
  renameSync(join(directory, 'state'), join(directory, 'moved'));
  [state, second] = [state, second].map(({ stack }) => openRegion(stack, join(directory, 'moved'))) as [RegionState, RegionState];
  await open();
  expect((await get('Secret', 's', 'v1', 'default'))!.data.text).toBe(Buffer.from('a-value-nobody-may-read-on-disk').toString('base64'));
  expect((await get('Deployment', 'web', 'apps/v1', 'default'))!.spec.replicas).toBe(2);
  await eventually('nodes Ready', async () => (await kube.list('v1', 'Node')).filter(isReady).length === 3);
});

test('no file holds the path of the directory, and keys are for their owner only', () => {
  const files = readdirSync(state.dir, { recursive: true, encoding: 'utf8' }).map((file) => join(state.dir, file)).filter((file) => statSync(file).isFile());
  for (const file of files) {
    const content = readFileSync(file);
    expect([file, content.includes(directory)]).toEqual([file, false]);
    if (content.includes('PRIVATE KEY') || /key|kubeconfig/.test(file)) expect([file, statSync(file).mode & 0o077]).toEqual([file, 0]);
  }
});
