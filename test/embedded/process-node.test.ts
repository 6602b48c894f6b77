import './test-launcher';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareCluster } from '../../embedded/cluster';
import { startControlPlane, stopControlPlane } from '../../embedded/control-plane';
import { ensureCrds } from '../../embedded/crds';
import { Kube, type KubeObject } from '../../embedded/kube';
import { livingContainers, logFile } from '../../embedded/node/container';
import { References } from '../../embedded/node/environment';
import { provideVolumes } from '../../embedded/node/mounts';
import { freshToken } from '../../embedded/node/tokens';
import { runningServers } from '../../embedded/processes';
import { sessionOf, startTimeOf } from '../../embedded/proc';
import { openRegion } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { eventually, temporaryDirectory } from './temporary';

jest.setTimeout(60_000);

afterAll(async () => {
  kube?.close();
  for (const each of [state, second]) await stopControlPlane({ state: each, progress: silent });
});

const directory = temporaryDirectory();
const state = openRegion('ssp-cloud.local', join(directory, 'state'));
const second = openRegion('ls3.local', join(directory, 'state'));
const options = { fieldManager: 'test' };
let kube: Kube;

async function start(): Promise<void> {
  const region = await startControlPlane({ state, progress: silent, tools: await ensureTools(['etcd', 'kubernetes', 'kwok'], silent) });
  kube?.close();
  kube = new Kube(region.kubeconfig);
}

beforeAll(async () => {
  await start();
  await prepareCluster({ kube, definitions: await ensureCrds(silent), storageClasses: ['simulated'], nodes: [], progress: silent });
}, 20 * 60_000);

type Spec = Record<string, any>;
const spec = (script: string, container: Spec = {}, pod: Spec = {}): Spec => ({
  terminationGracePeriodSeconds: 5,
  ...pod,
  containers: [{ name: 'main', image: 'example.org/datalab-test/shell:1', args: [script], ...container }],
});
const pod = (name: string, podSpec: Spec, labels = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: podSpec });
const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, metadata: { name, namespace: 'default' } });
const run = (name: string, podSpec: Spec, labels = {}) => kube.create(pod(name, podSpec, labels), options);
const main = (object?: KubeObject) => object?.status?.containerStatuses?.[0];
const log = (name: string) => readFileSync(logFile(state, 'default', name, 'main'), 'utf8');
const isReady = (object?: KubeObject) => main(object)?.ready === true;
const phase = (name: string, wanted: string) => eventually(`${name} ${wanted}`, async () => {
  const object = await kube.get(ref('Pod', name));
  return object?.status?.phase === wanted && object;
});
const ready = (name: string, restarts = 0) => eventually(`${name} ready`, async () => {
  const object = await kube.get(ref('Pod', name));
  return isReady(object) && main(object).restartCount === restarts && object;
});
const remove = async (name: string) => {
  await kube.delete(ref('Pod', name));
  await eventually(`${name} gone`, async () => !(await kube.get(ref('Pod', name))));
};
const pidOf = (name: string) => livingContainers(state).find(({ record }) => record.pod === name)?.record.pid;

test('the node is ready, and only pods whose image has a launcher go there', async () => {
  const node = await eventually('the node', async () => kube.get({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'this-computer' } }));
  expect(node.metadata.labels).toMatchObject({ 'datalab-stacks/process-node': 'true' });
  expect(node.spec.taints).toContainEqual(expect.objectContaining({ key: 'datalab-stacks/process-node', effect: 'NoSchedule' }));
  const bound = await run('bound', spec('true', {}, { nodeSelector: { mine: 'kept' } }));
  const other = await kube.create(pod('other', { containers: [{ name: 'main', image: 'example.org/other:1' }] }), options);
  expect(bound.spec.nodeSelector).toEqual({ mine: 'kept', 'datalab-stacks/process-node': 'true' });
  expect(other.spec.nodeSelector).toBeUndefined();
  await remove('bound');
  await remove('other');
});

test('a container gets its environment, volumes, user, names and exit code from its manifest', async () => {
  await kube.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'default' }, stringData: { key: 'hidden-value' } }, options);
  await kube.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { COLOUR: 'blue', text: 'from a file' } }, options);
  const script = `
    echo "env $PLAIN $COMBINED $COLOUR $NAME $LABEL \${#KEY}"
    echo "id $(id -u) $(id -g) $(id -G) $(id -un)"
    echo "modes $(stat -c '%a %u:%g' /keys/key) $(stat -Lc '%a' /tokens/token)"
    echo "file $(cat /settings/text) $(cat /scratch/from-init) $(cat /pod/name)"
    echo "root $(touch /x 2>/dev/null && echo writable || echo read-only) $(ls / | tr '\\n' ' ')"
    echo "host $(cat /proc/sys/kernel/hostname) $(getent hosts localhost | cut -d' ' -f1) $ADDRESS"
    echo "caps $(grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | tr -s '\\t\\n' ' ')"
    echo "token $(cut -d. -f2 /tokens/token)"
    exit 3`;
  await run('everything', spec(script, {
    env: [
      { name: 'PLAIN', value: 'plain' }, { name: 'COMBINED', value: '$(PLAIN)-$$(PLAIN)' },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
    ],
    envFrom: [{ configMapRef: { name: 'settings' } }],
    securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'keys', mountPath: '/keys' }, { name: 'settings', mountPath: '/settings' }, { name: 'tokens', mountPath: '/tokens' },
      { name: 'scratch', mountPath: '/scratch' }, { name: 'pod', mountPath: '/pod' },
    ],
  }, {
    restartPolicy: 'Never',
    securityContext: { runAsUser: 4321, runAsGroup: 4321, fsGroup: 777, runAsNonRoot: true },
    initContainers: [{ name: 'init', image: 'datalab-test/shell', args: ['echo prepared > /scratch/from-init'], volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }],
    volumes: [
      { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o440 } },
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'tokens', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'minio', expirationSeconds: 600 } }] } },
      { name: 'scratch', emptyDir: {} },
      { name: 'pod', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ],
  }), { app: 'test' });
  const object = await phase('everything', 'Failed');
  expect(main(object).state.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  const lines = Object.fromEntries(log('everything').trim().split('\n').map((line) => [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)]));
  expect(lines.env).toBe('plain plain-$(PLAIN) blue everything test 12');
  if (process.getuid!() === 0) {
    expect(lines.id).toBe('4321 4321 4321 777 shell');
    expect(lines.modes).toBe('440 0:777 640');
  }
  expect(lines.file).toBe('from a file prepared everything');
  expect(lines.root).toMatch(/^read-only /);
  expect(lines.root).not.toMatch(/\b(root|home|work)\b/);
  const [hostname, localhost, address] = lines.host!.split(' ');
  expect([hostname, localhost]).toEqual(['everything', address]);
  expect(address).toMatch(/^127\.42\.\d+\.\d+$/);
  expect(lines.caps).toMatch(/CapEff: 0+ CapBnd: 0+ NoNewPrivs: 1/);
  expect(JSON.parse(Buffer.from(lines.token!, 'base64url').toString())).toMatchObject({ aud: ['minio'], sub: 'system:serviceaccount:default:default' });
  expect(statSync(logFile(state, 'default', 'everything', 'main')).mode & 0o777).toBe(0o600);
});

test('a missing Secret holds the container back, with the reason, until it is there', async () => {
  await run('early', spec('echo "$LATE"', { env: [{ name: 'LATE', valueFrom: { secretKeyRef: { name: 'late', key: 'key' } } }] }, { restartPolicy: 'Never' }));
  await eventually('the reason', async () => main(await kube.get(ref('Pod', 'early')))?.state.waiting?.message === 'Secret "late" is not there');
  await kube.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late', namespace: 'default' }, stringData: { key: 'now' } }, options);
  await phase('early', 'Succeeded');
  expect(log('early')).toBe('now\n');
});

test('a field that is not implemented fails the pod, which names the field', async () => {
  await run('hooked', spec('sleep 100', { lifecycle: { preStop: { exec: { command: ['true'] } } } }, { hostNetwork: true }));
  const object = await phase('hooked', 'Failed');
  expect(object.status).toMatchObject({ reason: 'Unsupported', message: 'The process node does not implement spec.containers[0].lifecycle, spec.hostNetwork.' });
});

test('probes decide: an HTTP server is ready when it says so, restarted when it hangs, and found by its Service', async () => {
  const program = `node -e "
    let ok = true;
    require('http').createServer((request, answer) => {
      if (request.url === '/break') ok = false;
      answer.writeHead(ok ? 200 : 500).end('hello from ' + process.env.HOSTNAME);
    }).listen(8080, process.env.ADDRESS)"`;
  await kube.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] } }, options);
  await run('web', spec(`exec ${program}`, {
    ports: [{ name: 'http', containerPort: 8080 }],
    startupProbe: { exec: { command: ['sh', '-c', 'test "$ADDRESS" && test -e /proc/1/exe'] }, periodSeconds: 1 },
    readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 2 },
  }), { app: 'web' });
  const object = await ready('web');
  expect(object.status.podIP).toMatch(/^10\.245\.0\.\d+$/);
  const slices = await eventually('the endpoints', async () => {
    const found = await kube.list('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' });
    return found[0]?.endpoints?.[0]?.conditions.ready && found;
  });
  expect(slices[0]!.endpoints[0].addresses).toEqual([object.status.podIP]);

  const call = (path: string) => `node -e "fetch('http://web.default.svc.cluster.local:8080${path}').then((a) => a.text()).then(console.log)"`;
  await run('client', spec(call('/break'), {}, { restartPolicy: 'Never' }));
  await phase('client', 'Succeeded');
  expect(log('client')).toBe('hello from web\n');
  await ready('web', 1);
  await remove('web');
});

test('a Job is tried again until it succeeds', async () => {
  const script = 'n=$(cat /d/n 2>/dev/null || echo 0); echo $((n + 1)) > /d/n; exit $((n < 2 ? 7 : 0))';
  const template = { spec: { ...spec(script, { volumeMounts: [{ name: 'd', mountPath: '/d' }] }), restartPolicy: 'OnFailure', volumes: [{ name: 'd', emptyDir: {} }] } };
  await kube.create({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'tries', namespace: 'default' }, spec: { template } }, options);
  await eventually('the job', async () => (await kube.get(ref('Job', 'tries', 'batch/v1')))?.status.succeeded === 1);
  const [object] = await kube.list('v1', 'Pod', { namespace: 'default', labelSelector: 'job-name=tries' });
  expect(main(object)).toMatchObject({ restartCount: 2, lastState: { terminated: { exitCode: 7 } }, state: { terminated: { exitCode: 0, reason: 'Completed' } } });
});

test('a volume keeps its data over pods, and a successor waits until its predecessor is gone', async () => {
  await kube.create({
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }, options);
  const volume = { securityContext: { fsGroup: 1000 }, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
  const mount = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
  await run('first', spec('echo kept > /data/file; trap "" TERM; while :; do sleep 0.1; done', mount, { ...volume, terminationGracePeriodSeconds: 2 }));
  await ready('first');
  await run('second', spec('cat /data/file', mount, { ...volume, restartPolicy: 'Never' }));
  await eventually('the reason', async () => (await kube.list('v1', 'Event', { namespace: 'default' })).some(({ message }) => message === 'another pod still uses the volume of the claim default/data'));
  expect(main(await kube.get(ref('Pod', 'second')))?.state.running).toBeUndefined();
  await remove('first');
  await phase('second', 'Succeeded');
  expect(log('second')).toBe('kept\n');
  expect(readFileSync(state.file('volumes', 'default', 'data', 'file'), 'utf8')).toBe('kept\n');
  await remove('second');
  await kube.delete(ref('PersistentVolumeClaim', 'data'));
  await eventually('the data gone', () => statSync(state.file('volumes', 'default', 'data'), { throwIfNoEntry: false }) === undefined);
});

test('a killed agent leaves its servers running, and the next one finds them', async () => {
  await run('steady', spec('exec sleep 1000', { readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }));
  await ready('steady');
  const [pid, agent] = [pidOf('steady'), runningServers(state).find(({ name }) => name === 'agent')!.pid];
  process.kill(agent, 'SIGKILL');
  await eventually('its end', () => startTimeOf(agent) === undefined);
  await start();
  expect(pidOf('steady')).toBe(pid);
  expect(main(await kube.get(ref('Pod', 'steady')))).toMatchObject({ ready: true, restartCount: 0 });
  for (const each of sessionOf(pid!)) if (each !== pid) process.kill(each, 'SIGKILL');
  expect(main(await ready('steady', 1)).lastState.terminated.exitCode).toBe(137);
});

test('tokens are kept while they live, and renewed before they end', async () => {
  const file = join(directory, 'token');
  const token = (age: number, life: number) => {
    const now = Date.now() / 1000;
    return `a.${Buffer.from(JSON.stringify({ iat: now - age, exp: now - age + life })).toString('base64url')}.c`;
  };
  const object = await kube.get(ref('Pod', 'steady'));
  const young = token(60, 600);
  writeFileSync(file, young);
  expect(await freshToken(kube, object!, {}, file)).toBe(young);
  writeFileSync(file, token(500, 600));
  expect(await freshToken(kube, object!, { audience: 'minio', expirationSeconds: 600 }, file)).toMatch(/^ey/);
  writeFileSync(file, token(25 * 3600, 30 * 24 * 3600));
  expect(await freshToken(kube, object!, { audience: 'minio', expirationSeconds: 600 }, file)).toMatch(/^ey/);
});

test('a mounted token is replaced before it ends, and the process sees the new one', async () => {
  const script = 'last=; while :; do now=$(cat /tokens/token); [ "$now" = "$last" ] || echo "$now"; last=$now; sleep 0.1; done';
  const volume = { name: 'tokens', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'minio', expirationSeconds: 600 } }] } };
  const holder = await run('holder', spec(script, { volumeMounts: [{ name: 'tokens', mountPath: '/tokens' }] }, { volumes: [volume] }));
  await ready('holder');
  const seen = () => log('holder').trim().split('\n').filter(Boolean);
  await eventually('the first token', () => seen().length === 1);
  const file = state.file('node', 'pods', holder.metadata.uid!, 'volumes', 'tokens', 'token');
  const before = statSync(file).ino;
  const node = new Kube(state.file('pki', 'node.kubeconfig'));
  const references = new References(node, 'default');
  /** What the node does once a minute, as if so many seconds had gone by; the API server's clock is the true one. */
  const refreshAfter = async (seconds: number) => {
    const shifted = Date.now() + seconds * 1000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(shifted);
    await provideVolumes({ state, kube: node, references, pod: holder, address: '127.0.0.1' }, { uid: 1000, gid: 1000, groups: [] }).finally(() => clock.mockRestore());
  };
  await refreshAfter(450);
  expect(statSync(file).ino).toBe(before);
  await refreshAfter(500);
  node.close();
  expect(statSync(file).ino).not.toBe(before);
  await eventually('the second token in the container', () => seen().length === 2);
  const tokens = seen();
  expect(tokens[1]).toBe(readFileSync(file, 'utf8'));
  for (const token of tokens) {
    const review = await kube.send<{ status: object }>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: ['minio'] } });
    expect(review.status).toMatchObject({ authenticated: true, audiences: ['minio'] });
  }
  await remove('holder');
});

test('no value of a Secret is in a log, a process title or what the API server tells of pods', async () => {
  const shown = JSON.stringify([await kube.list('v1', 'Pod'), await kube.list('v1', 'Event')]);
  expect(shown).not.toContain('hidden-value');
  expect(readFileSync(state.file('logs', 'agent.log'), 'utf8')).not.toContain('hidden-value');
});

test('another region beside it runs its pods at addresses of its own', async () => {
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  const region = await startControlPlane({ state: second, progress: silent, tools });
  const other = new Kube(region.kubeconfig);
  await prepareCluster({ kube: other, definitions: [], storageClasses: [], nodes: [], progress: silent });
  await other.create(pod('beside', spec('echo "$ADDRESS"', {}, { restartPolicy: 'Never' })), options);
  await eventually('its pod', async () => (await other.get(ref('Pod', 'beside')))?.status.phase === 'Succeeded');
  other.close();
  const address = readFileSync(logFile(second, 'default', 'beside', 'main'), 'utf8').trim();
  expect(address).toBe(region.address.replace(/\d+$/, '10'));
  await stopControlPlane({ state: second, progress: silent });
  expect(pidOf('steady')).toBeDefined();
});

test('down ends every server, and the next start runs them again', async () => {
  const left = sessionOf(pidOf('steady')!);
  kube.close();
  await stopControlPlane({ state, progress: silent });
  expect(left.filter((pid) => startTimeOf(pid) !== undefined)).toEqual([]);
  await start();
  await ready('steady', 2);
});
