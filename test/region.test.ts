import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compose } from '../constructs/compose';
import { entriesOf, type Entry } from '../constructs/objects';
import { secretsIn } from '../constructs/secrets';
import { packageOf } from '../constructs/tokens';
import { ensureCrds } from '../embedded/crds';
import { Kube, KubeError, type KubeObject } from '../embedded/kube';
import { runningServers } from '../embedded/processes';
import { sessionOf } from '../embedded/proc';
import { readRegion } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { derive } from '../provision/secrets';
import { eventually } from './embedded/temporary';
import { datalab, filesOf, printed, resultOf, start, temporaryFiles, textsWith } from './region';

/**
 * The platform on the embedded region: real engine, API server, controllers, scheduler, PostgreSQL, Keycloak and MinIO; the
 * other nodes and pods are simulated.
 * Two regions serve all tests of this file, which run in the order they stand in.
 */
const directory = mkdtempSync(join(tmpdir(), 'datalab-region-'));
const state = join(directory, 'state');
const local = ['ssp-cloud.local', 'ls3.local'] as const;
/** Each stack on a real cluster, and the embedded region of the same instance. */
const real = [['ssp-cloud.paris', 'ssp-cloud.local'], ['ls3.insee', 'ls3.local']] as const;

const stacks = new Map([...local, ...real.map(([name]) => name)].map((name) => [name, entriesOf(compose(loadStack(name)))]));
/** Those of a stack's objects that live on the API server. */
const kubernetes = (name: Parameters<typeof stacks.get>[0]) => stacks.get(name)!.filter(({ object }) => !packageOf(object));
/** How many objects Pulumi counts: all but the ways to reach the servers. */
const sizeOf = (entries: readonly Entry[]) => entries.filter(({ object }) => object.kind !== 'Provider').length;
const clients = new Map<string, Kube>();
const kubeOf = (region: string): Kube => {
  const client = clients.get(region) ?? new Kube(readRegion(region, state).file('kubeconfig'));
  clients.set(region, client);
  return client;
};
const closeClients = () => {
  for (const client of clients.values()) client.close();
  clients.clear();
};
const by = { fieldManager: 'test' };
const gpuPools = (name: string) => {
  const { instance, region } = loadStack(name);
  return instance.regions[region]!.nodePools.filter((pool) => pool.gpu).map((pool) => pool.name);
};
const onGpuNode = (region: string, pod: KubeObject) => gpuPools(region).some((pool) => pod.spec.nodeName === `${pool}-0`);
const reasonOf = (pod: KubeObject): string =>
  (pod.status?.conditions ?? []).find(({ type, status }: KubeObject) => type === 'PodScheduled' && status === 'False')?.message ?? '';

jest.setTimeout(900_000);

beforeAll(async () => {
  await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], silent);
  await ensureCrds(silent);
}, 20 * 60_000);

afterAll(async () => {
  closeClients();
  await Promise.all(local.map((name) => start(state, 'down', name, '--delete-data').ended));
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

describe('up', () => {
  test('two regions come up side by side; one of them after its first command was killed while it deployed', async () => {
    const sspCloud = start(state, 'up', 'ssp-cloud.local', '--json');
    const killed = start(state, 'up', 'ls3.local', '--json');
    await eventually('the deployment of ls3.local', () => killed.stderr().includes('… deploy ls3.local'), 400);
    await eventually('some objects', async () => (await kubeOf('ls3.local').list('v1', 'ConfigMap', { labelSelector: 'datalab-stacks/stack=ls3.local' })).length > 0, 60);
    await killed.kill();
    expect(await sspCloud.ended).toMatchObject({ code: 0 });
    const ls3 = await datalab(state, ['up', 'ls3.local', '--json']);
    for (const [name, ran] of [['ssp-cloud.local', await sspCloud.ended], ['ls3.local', ls3]] as const) {
      expect(ran.stdout.trim().split('\n')).toHaveLength(1);
      expect(resultOf(ran)).toEqual({
        stack: name,
        changes: { create: expect.any(Number), update: expect.any(Number), delete: 0, same: expect.any(Number) },
        seconds: expect.any(Number),
      });
    }
    expect(resultOf(await sspCloud.ended).changes).toEqual({ create: sizeOf(stacks.get('ssp-cloud.local')!), update: 0, delete: 0, same: 0 });
    expect(kubeOf('ssp-cloud.local').server).not.toBe(kubeOf('ls3.local').server);
  });

  test.each(local)('%s: again, in less than 30 s, creates, updates and deletes nothing', async (name) => {
    const { changes, seconds } = resultOf(await datalab(state, ['up', name, '--json', '--exit-code']));
    expect(changes).toEqual({ create: 0, update: 0, delete: 0, same: sizeOf(stacks.get(name)!) });
    expect(seconds).toBeLessThan(30);
  });

  test('preview and refresh find no change either', async () => {
    const same = sizeOf(stacks.get('ls3.local')!);
    const { stdout } = await datalab(state, ['preview', 'ls3.local', '--exit-code']);
    expect(stdout).toContain(`ls3.local: would be 0 created, 0 updated, 0 deleted, ${same} unchanged`);
    expect(resultOf(await datalab(state, ['refresh', 'ls3.local', '--exit-code', '--json'])).changes).toEqual({ create: 0, update: 0, delete: 0, same });
  });

  test('fails: another command on the same region meanwhile, which says who works there', async () => {
    const first = start(state, 'preview', 'ssp-cloud.local', '--json');
    await eventually('the first command', () => existsSync(readRegion('ssp-cloud.local', state).file('lock')));
    const { stderr } = await datalab(state, ['up', 'ssp-cloud.local'], 1);
    expect(stderr).toMatch(/Another command works on this region\.\n.*lock\n +got +held by "datalab preview ssp-cloud\.local", process \d+/);
    expect(await first.ended).toMatchObject({ code: 0 });
  });
});

describe('status', () => {
  test.each(local)('%s: every system is there, ready, and told to be real or simulated', async (name) => {
    const status = JSON.parse((await datalab(state, ['status', name, '--json'])).stdout);
    expect(status).toMatchObject({ stack: name, running: true, kubeconfig: readRegion(name, state).file('kubeconfig') });
    expect(status.systems.map(({ name: system, namespace, ready, runs }: Record<string, unknown>) => [system, namespace, ready, runs])).toEqual(
      [...(name.startsWith('ssp-cloud') ? ['fence'] : []), 'gpu', 'gateway', 'postgresql', 'keycloak', 'minio', 'vault', 'onyxia'].map((system) => [system, system, true, ['gpu', 'gateway', 'onyxia'].includes(system) ? 'simulated' : 'real']),
    );
  });

  test('in words it says what is real, within 100 columns where it is a table', async () => {
    const { stdout } = await datalab(state, ['status', 'ls3.local']);
    expect(stdout).toMatch(/^real +API server, etcd, controllers, scheduler, Pulumi engine$/m);
    expect(stdout).toMatch(/^simulated +the other nodes, pods and volumes/m);
    expect(stdout).toMatch(/^ +Keycloak 26/m);
    for (const line of stdout.split('\n\n')[0]!.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('the API server', () => {
  test.each(local)('%s: has every object of the stack, with its labels', async (name) => {
    const kube = kubeOf(name);
    for (const { id, object } of kubernetes(name)) {
      const live = await kube.get(object as KubeObject);
      expect([id, live?.metadata.labels]).toEqual([id, expect.objectContaining(object.metadata.labels!)]);
    }
  });

  test.each([...local.map((name) => [name, name] as const), ...real])('accepts every object of %s with strict field validation', async (name, region) => {
    const kube = kubeOf(region);
    // People of the real region have no namespace in the embedded one.
    const absent = [];
    for (const { object } of kubernetes(name)) if (object.kind === 'Namespace' && !(await kube.get(object as KubeObject))) absent.push(object as KubeObject);
    for (const namespace of absent) await kube.create(namespace, by);
    for (const { id, object } of kubernetes(name)) {
      // Under another name, since some fields of an object that exists are immutable.
      const copy = { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-again` } } as KubeObject;
      const applied = await kube.apply(copy, { ...by, dryRun: true }).catch((error: Error) => error.message);
      expect([id, applied]).toEqual([id, expect.objectContaining({ kind: object.kind })]);
    }
    for (const namespace of absent) await kube.delete(namespace);
  });

  test('fails: a field that does not exist, which shows that the validation is strict', async () => {
    const { object } = stacks.get('ls3.local')!.find(({ id }) => id === 'minio/certificate/tls-minio-ls3-localhost' || id.startsWith('gateway/certificate/'))!;
    const wrong = { ...object, spec: { ...(object.spec as object), secretNam: 'x' } } as unknown as KubeObject;
    await expect(kubeOf('ls3.local').apply(wrong, { ...by, dryRun: true, force: true })).rejects.toThrow('secretNam');
  });
});

describe('the scheduler', () => {
  test.each(local)('%s: placed every pod of the platform, GPU pods on GPU nodes and the others on none', async (name) => {
    const pods = (await kubeOf(name).list('v1', 'Pod')).filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name']);
    const expected = stacks.get(name)!.flatMap(({ object }) => ({ Deployment: object.metadata.name, StatefulSet: object.metadata.name, DaemonSet: object.metadata.name, Job: object.metadata.name })[object.kind] ?? []);
    expect([...new Set(pods.map(({ metadata }) => metadata.labels!['app.kubernetes.io/name']!))].sort()).toEqual(expected.sort());
    for (const pod of pods) {
      expect([pod.metadata.name, pod.spec.nodeName, reasonOf(pod)]).toEqual([pod.metadata.name, expect.any(String), '']);
      expect([pod.metadata.name, onGpuNode(name, pod)]).toEqual([pod.metadata.name, pod.metadata.namespace === 'gpu']);
    }
  });

  /** A pod that passes Pod Security `restricted`. */
  const pod = (name: string, namespace: string, resources: Record<string, string | number>, spec: object = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'work',
          image: 'registry.test/work:1',
          resources: { requests: resources, limits: resources },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
      ...spec,
    },
  });
  const gpu = { 'nvidia.com/gpu': 1, cpu: '100m', memory: '64Mi' };
  const scheduled = (region: string, { metadata }: KubeObject) =>
    eventually(`a verdict on ${metadata.name}`, async () => {
      const live = await kubeOf(region).get({ apiVersion: 'v1', kind: 'Pod', metadata });
      return live && (live.spec.nodeName || reasonOf(live)) ? live : undefined;
    });

  test.each(local)('%s: a pod of a user with the RuntimeClass nvidia lands on a GPU node', async (name) => {
    const wanted = pod('training', 'user-alice', gpu, { runtimeClassName: 'nvidia' });
    const { instance, region } = loadStack(name);
    const { internet } = instance.regions[region]!;
    // Without Internet, images come from the region's registry alone.
    if (internet !== 'direct') wanted.spec.containers[0].image = `${internet.registry}/work:1`;
    await kubeOf(name).create(wanted, by);
    const live = await scheduled(name, wanted);
    expect([onGpuNode(name, live), reasonOf(live)]).toEqual([true, '']);
    await kubeOf(name).delete(wanted, { gracePeriodSeconds: 0 });
  });

  test('fails: a pod that asks for a GPU without it stays pending, with the reason', async () => {
    const wanted = pod('naive', 'user-bob', gpu);
    await kubeOf('ssp-cloud.local').create(wanted, by);
    const live = await scheduled('ssp-cloud.local', wanted);
    expect(live.spec.nodeName).toBeUndefined();
    expect(reasonOf(live)).toMatch(/1 Insufficient nvidia\.com\/gpu, .*node\(s\) had untolerated taint/);
  });

  test.each([
    ['names the RuntimeClass', { runtimeClassName: 'nvidia' }, 'GPU nodes are for pods that ask for a GPU'],
    ['tolerates every taint', { tolerations: [{ operator: 'Exists' }] }, 'A toleration names the key of one taint'],
    ['tolerates the taint of GPU nodes', { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }] }, 'GPU nodes are for pods that ask for a GPU'],
    ['names its node', { nodeName: 'gpu-t4-0' }, 'A pod does not choose its node by name'],
  ])('fails: a pod of a user without a GPU that %s', async (_, spec, reason) => {
    await expect(kubeOf('ssp-cloud.local').create(pod('sly', 'user-alice', { cpu: '100m', memory: '64Mi' }, spec), { ...by, dryRun: true })).rejects.toThrow(reason);
  });

  test('fails: a pending pod of a user that is given the toleration later', async () => {
    const kube = kubeOf('ssp-cloud.local');
    const pending = pod('later', 'user-bob', { cpu: '100m', memory: '64Mi' }, { nodeSelector: { pool: 'gpu-t4' } });
    await kube.create(pending, by);
    const tolerations = [{ key: 'nvidia.com/gpu', operator: 'Exists' }];
    const patch = kube.send('PATCH', '/api/v1/namespaces/user-bob/pods/later', { spec: { tolerations } }, 'application/strategic-merge-patch+json');
    await expect(patch).rejects.toThrow('GPU nodes are for pods that ask for a GPU');
    await kube.delete(pending, { gracePeriodSeconds: 0 });
  });

  test('fails: CPU pods that fit no CPU node wait rather than take a GPU node', async () => {
    // 16 cores on the only CPU node, where the platform is already.
    const pods = ['one', 'two'].map((name) => pod(name, 'default', { cpu: '12', memory: '64Mi' }));
    for (const wanted of pods) await kubeOf('ssp-cloud.local').create(wanted, by);
    const live = await Promise.all(pods.map((wanted) => scheduled('ssp-cloud.local', wanted)));
    expect(live.map(({ spec }) => spec.nodeName).filter(Boolean)).toEqual(['cpu-0']);
    expect(live.map(reasonOf).join()).toMatch(/1 Insufficient cpu, .*node\(s\) had untolerated taint/);
    for (const wanted of pods) await kubeOf('ssp-cloud.local').delete(wanted, { gracePeriodSeconds: 0 });
  });

  test.each([
    ['cores', { cpu: '9', memory: '1Gi' }, {}, /requested: requests\.cpu=9, used: requests\.cpu=\S+, limited: requests\.cpu=8/],
    ['memory', { cpu: '1', memory: '17Gi' }, {}, /requested: requests\.memory=17Gi, used: requests\.memory=\S+, limited: requests\.memory=16Gi/],
    ['GPUs', { ...gpu, 'nvidia.com/gpu': 2 }, { runtimeClassName: 'nvidia' }, /requested: requests\.nvidia\.com\/gpu=2, used: requests\.nvidia\.com\/gpu=\S+, limited: requests\.nvidia\.com\/gpu=1/],
  ])('fails: a user over the quota of %s, with the reason', async (_, resources, spec, reason) => {
    await expect(kubeOf('ssp-cloud.local').create(pod('greedy', 'user-alice', resources, spec), { ...by, dryRun: true })).rejects.toThrow(
      new RegExp(`exceeded quota: onyxia-quota, ${reason.source}`),
    );
  });

  test('fails: a user over the quota of storage, with the reason', async () => {
    const claim: KubeObject = {
      apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'greedy', namespace: 'user-alice' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '101Gi' } } },
    };
    await expect(kubeOf('ssp-cloud.local').create(claim, { ...by, dryRun: true })).rejects.toThrow(
      'exceeded quota: onyxia-quota, requested: requests.storage=101Gi, used: requests.storage=0, limited: requests.storage=100Gi',
    );
  });

  test('fails: 60 CPU pods in the namespace of a user: 50 are placed, on no GPU node, and the rest is refused with the reason', async () => {
    const kube = kubeOf('ssp-cloud.local');
    const labels = { app: 'swarm' };
    const { spec } = pod('x', 'user-alice', { cpu: '10m', memory: '8Mi' });
    await kube.create(
      {
        apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'swarm', namespace: 'user-alice' },
        spec: { replicas: 60, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      },
      by,
    );
    const pods = await eventually('50 pods placed', async () => {
      const found = await kube.list('v1', 'Pod', { namespace: 'user-alice', labelSelector: 'app=swarm' });
      return found.filter((one) => one.spec.nodeName).length === 50 && found;
    }, 60);
    expect(pods).toHaveLength(50);
    expect(pods.filter((one) => onGpuNode('ssp-cloud.local', one))).toEqual([]);
    const reason = await eventually('the reason', async () => {
      const [set] = await kube.list('apps/v1', 'ReplicaSet', { namespace: 'user-alice' });
      return set!.status.conditions?.find(({ type }: KubeObject) => type === 'ReplicaFailure')?.message as string | undefined;
    });
    expect(reason).toContain('exceeded quota: onyxia-quota, requested: count/pods=1, used: count/pods=50, limited: count/pods=50');
    await kube.delete({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'swarm', namespace: 'user-alice' } });
  });
});

describe('Pod Security', () => {
  /** As docs/pod-security.md lists them. */
  const exceptions: Record<string, string[]> = {
    'ssp-cloud.paris': ['gpu/device-plugin-gpu-a2', 'gpu/device-plugin-gpu-t4'],
    'ssp-cloud.local': ['gpu/device-plugin-gpu-a2', 'gpu/device-plugin-gpu-t4'],
    'ls3.insee': ['gpu/device-plugin-gpu'],
    'ls3.local': ['gpu/device-plugin-gpu'],
  };

  const podsOf = (entries: readonly Entry[]) =>
    entries
      .map(({ object }) => ({ name: `${object.metadata.namespace}/${object.metadata.name}`, spec: (object as KubeObject).spec }))
      .filter(({ spec }) => spec?.template?.spec)
      .map(({ name, spec: { template, volumeClaimTemplates = [] } }) => {
        const claims = volumeClaimTemplates.map(({ metadata }: KubeObject) => ({ name: metadata.name, persistentVolumeClaim: { claimName: metadata.name } }));
        const spec = { restartPolicy: 'Always', ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims], serviceAccountName: 'default' };
        const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'pod', namespace: 'restricted' }, spec };
        return { name, pod };
      });

  beforeAll(async () => {
    for (const region of local) {
      const kube = kubeOf(region);
      await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }, by);
      await eventually('its service account', () => kube.get({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'restricted' } }));
    }
  });

  test.each([...local.map((name) => [name, name] as const), ...real])('%s: restricted refuses the pods that are documented, and no other', async (name, region) => {
    const pods = podsOf(stacks.get(name)!);
    expect(pods.length).toBeGreaterThanOrEqual(5);
    const refused: string[] = [];
    for (const { name: own, pod } of pods) {
      await kubeOf(region).create(pod, { ...by, dryRun: true }).catch((error: unknown) => {
        expect([own, (error as KubeError).message]).toEqual([own, expect.stringContaining('violates PodSecurity "restricted:latest"')]);
        refused.push(own);
      });
    }
    expect(refused.sort()).toEqual(exceptions[name]);
    const documented = readFileSync(join(__dirname, '../docs/pod-security.md'), 'utf8');
    for (const own of refused) expect(documented).toMatch(new RegExp(`^\\| \`${own.replace(/^gpu\/device-plugin-.*/, 'device-plugin-<pool>')}\`.*\\| \`gpu\` \\|`, 'm'));
  });

  test.each(local)('%s: namespaces of the platform enforce restricted but for gpu, those of people and projects baseline', async (name) => {
    const namespaces = await kubeOf(name).list('v1', 'Namespace', { labelSelector: `datalab-stacks/stack=${name}` });
    const levels = namespaces.map(({ metadata }) => [metadata.name, metadata.labels!['pod-security.kubernetes.io/enforce']]);
    const expected = (namespace: string) => (namespace === 'gpu' ? 'privileged' : /^(user|projet)-/.test(namespace) ? 'baseline' : 'restricted');
    expect(levels.filter(([, level]) => level === 'baseline').length).toBeGreaterThanOrEqual(3);
    expect(levels).toEqual(levels.map(([namespace]) => [namespace, expected(namespace!)]));
  });
});

describe('what others changed behind our back', () => {
  test('is named by refresh, and mended by the next up', async () => {
    const kube = kubeOf('ssp-cloud.local');
    await kube.delete({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'database-keycloak', namespace: 'postgresql' } });
    const opened = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'minio', namespace: 'minio' }, spec: { podSelector: {}, ingress: [{}] } };
    await kube.apply(opened, { fieldManager: 'somebody', force: true });
    const { stdout } = await datalab(state, ['refresh', 'ssp-cloud.local', '--exit-code'], 4);
    expect(stdout.split('\n').filter((line) => line.startsWith('  ')).sort()).toEqual(['  delete postgresql/configmap/database-keycloak', '  update minio/networkpolicy/minio']);

    const { changes } = resultOf(await datalab(state, ['up', 'ssp-cloud.local', '--json']));
    expect(changes).toMatchObject({ create: 1, update: 1, delete: 0 });
    expect((await kube.get(opened))!.spec.ingress).not.toContainEqual({});
    expect(await kube.get({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'database-keycloak', namespace: 'postgresql' } })).toBeDefined();
  });
});

describe('destroy', () => {
  const entries = stacks.get('ls3.local')!;
  const live = async () => {
    const found: string[] = [];
    for (const entry of kubernetes('ls3.local')) if (await kubeOf('ls3.local').get(entry.object as KubeObject)) found.push(entry.id);
    return found;
  };
  /** What holds data, and all that it waits for. */
  const kept = new Set(entries.filter(({ stateful }) => stateful).map(({ id }) => id));
  for (const id of kept) for (const needed of entries.find((entry) => entry.id === id)!.after) kept.add(needed);
  const onServers = new Set(entries.filter(({ object }) => packageOf(object)).map(({ id }) => id));
  const keptObjects = [...kept].filter((id) => !onServers.has(id));
  const keptSize = sizeOf(entries.filter(({ id }) => kept.has(id)));
  const others: KubeObject[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gpu' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'device-plugin', namespace: 'gpu' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'device-plugin-gpu', namespace: 'gpu' }, data: { of: 'somebody' } },
  ];

  test('leaves what holds data with all that this needs, and deletes the rest', async () => {
    const { stdout } = await datalab(state, ['destroy', 'ls3.local']);
    expect([...kept]).toEqual(expect.arrayContaining(['minio/statefulset/minio', 'minio/secret/root', '_cluster/namespace/user-alice', 'user-alice/networkpolicy/default-deny']));
    expect(stdout).toContain(`ls3.local: 0 created, 0 updated, ${sizeOf(entries) - keptSize} deleted`);
    expect(stdout).toContain('Protected objects hold data and stay.');
    expect((await live()).sort()).toEqual([...keptObjects].sort());
  });

  test('fails: the next up finds objects of others: all are told at once, and nothing is changed', async () => {
    const kube = kubeOf('ls3.local');
    for (const object of others) await kube.create(object, { fieldManager: 'somebody' });
    const { stderr } = await datalab(state, ['up', 'ls3.local'], 1);
    expect(stderr).toContain('Nothing was changed');
    for (const name of ['Namespace gpu', 'ServiceAccount gpu/device-plugin', 'ConfigMap gpu/device-plugin-gpu']) expect(stderr).toMatch(new RegExp(`  ${name}\\n +got +.*exists already[^]*--adopt`));
    expect((await kube.get(others[2]!))!.data).toEqual({ of: 'somebody' });
    expect((await live()).sort()).toEqual([...keptObjects, '_cluster/namespace/gpu', 'gpu/serviceaccount/device-plugin', 'gpu/configmap/device-plugin-gpu'].sort());
  });

  test('with --adopt up takes them, and creates the rest', async () => {
    const { changes } = resultOf(await datalab(state, ['up', 'ls3.local', '--json', '--adopt']));
    expect(changes).toEqual({ create: sizeOf(entries) - keptSize, update: 0, delete: 0, same: keptSize });
    for (const object of others) expect((await kubeOf('ls3.local').get(object))!.metadata.labels).toMatchObject({ 'datalab-stacks/stack': 'ls3.local' });
    expect(Object.keys((await kubeOf('ls3.local').get(others[2]!))!.data)).toContain('config.yaml');
    expect((await live()).sort()).toEqual(kubernetes('ls3.local').map(({ id }) => id).sort());
  });
});

describe('secrets', () => {
  test.each(local)('%s: none stands in the state, in a log, in the output of a command or in a rendered file', async (name) => {
    const region = readRegion(name, state);
    const { pulumi } = await ensureTools(['pulumi'], silent);
    const env = {
      PATH: process.env.PATH, HOME: directory,
      PULUMI_HOME: region.file('pulumi', 'home'),
      PULUMI_BACKEND_URL: `file://${region.file('pulumi', 'backend')}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: region.file('pulumi', 'passphrase'),
    };
    const seed = (await promisify(execFile)(pulumi, ['config', 'get', 'datalab:seed', '--stack', name], { cwd: region.file('pulumi', 'work'), env })).stdout.trim();
    const labels = [...new Set(secretsIn(JSON.stringify(stacks.get(name)!)))].sort();
    const people = Object.keys(loadStack(name).instance.regions.local!.demoUsers).map((user) => `keycloak/demo-${user}@v1`);
    expect(labels).toEqual(['keycloak/bootstrap-admin@v1', 'keycloak/database@v1', ...people, 'minio/root@v1', 'postgresql/superuser@v1']);
    const known = { seed, passphrase: readFileSync(region.file('pulumi', 'passphrase'), 'utf8'), ...Object.fromEntries(labels.map((label) => [label, derive(seed, label)])) };
    const root = await kubeOf(name).get({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'root', namespace: 'minio' } });
    expect(Buffer.from(root!.data.password, 'base64').toString()).toBe(known['minio/root@v1' as keyof typeof known]);

    const out = join(directory, 'rendered', name);
    await promisify(execFile)(join(__dirname, '../datalab'), ['render', name, '--out', out]);
    // The data of etcd too: the API server encrypts Secrets at rest.
    const texts = new Map([
      // What a Secret mounts into a pod is a file of the pod, and what servers keep is theirs.
      ...filesOf(region.dir, (path) => path === region.file('pulumi', 'passphrase') || path.includes('/volumes/')),
      ...filesOf(out),
      ...filesOf(temporaryFiles(state)),
      ...printed.map((text, index): [string, string] => [`output ${index}`, text]),
    ]);
    expect([...texts.keys()]).toEqual(expect.arrayContaining([region.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', `${name}.json`), region.file('logs', 'kube-apiserver.log'), join(out, 'minio', 'secret-root.yaml')]));
    expect(Object.entries(known).flatMap(([label, secret]) => textsWith(secret, texts).map((text) => `${label} in ${text}`))).toEqual([]);

    // The search finds what it looks for, at any offset of base64.
    const json = (before: string) => Buffer.from(`${before}${JSON.stringify({ seed })}`).toString('base64');
    const planted = new Map([['plain', `x${seed}y`], ...['', 'a', 'ab'].map((before): [string, string] => [`base64 after ${before.length}`, json(before)])]);
    expect(textsWith(seed, planted)).toEqual([...planted.keys()]);
  });
});

describe('down', () => {
  const processes = (name: string) => runningServers(readRegion(name, state)).map(({ pid }) => pid);

  test('stops every process and keeps the data', async () => {
    closeClients();
    const pids = processes('ls3.local');
    expect(pids.length).toBeGreaterThanOrEqual(6);
    await datalab(state, ['down', 'ls3.local']);
    expect(pids.flatMap(sessionOf)).toEqual([]);
    expect(processes('ls3.local')).toEqual([]);
    expect((await datalab(state, ['status', 'ls3.local'])).stdout).toBe('ls3.local does not run. Start it: ./datalab up ls3.local\n');
    expect(existsSync(readRegion('ls3.local', state).file('etcd'))).toBe(true);
    expect(processes('ssp-cloud.local').length).toBeGreaterThanOrEqual(6);
  });

  test('the next up continues with the data, and changes nothing', async () => {
    expect(resultOf(await datalab(state, ['up', 'ls3.local', '--json'])).changes).toEqual({ create: 0, update: 0, delete: 0, same: sizeOf(stacks.get('ls3.local')!) });
  });

  test.each(local)('%s --delete-data removes the region, and leaves no process', async (name) => {
    const pids = processes(name);
    await datalab(state, ['down', name, '--delete-data']);
    expect(existsSync(readRegion(name, state).dir)).toBe(false);
    expect(pids.flatMap(sessionOf)).toEqual([]);
  });
});
