import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { silent } from '../../model/progress';
import { startControlPlane, stopControlPlane } from '../../embedded/control-plane';
import { Kube, type KubeObject } from '../../embedded/kube';
import { startKubernetesPlugin, type RunningKubernetesPlugin } from '../../embedded/plugins/kubernetes';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { register, startEngine, useProvider, type Engine } from './engine-harness';

const stack = 'test.local';
const labels = { 'datalab-stacks/stack': stack };
const planted = 'hunter2-"planted"-secret';
const plantedForms = [planted, 'planted', Buffer.from(planted).toString('base64'), Buffer.from('key-file').toString('base64')];

let state: RegionState;
let kube: Kube;
let engine: Engine;
let plugin: RunningKubernetesPlugin;
const running: RunningKubernetesPlugin[] = [];

const plug = async (options: { adopt?: boolean; kubeconfig?: string } = {}) => {
  plugin = await startKubernetesPlugin({ kubeconfig: state.file('kubeconfig'), stack, adopt: false, ...options });
  running.push(plugin);
};

const namespace = (name = 'lab') => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
const configMap = (name: string, data: Record<string, any>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'lab', labels },
  data,
});
const deployment = (name: string, pod: Record<string, unknown> = {}, annotations = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'lab', labels, annotations },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: 'main', image: 'registry.test/main:1', resources: { requests: { cpu: '1000m', memory: '1024Mi' } } },
        ],
        ...pod,
      },
    },
  },
});
const binding = (role: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'readers', namespace: 'lab', labels },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'readers' }],
});
const secret = (name: string, stringData: Record<string, any>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'lab', labels },
  stringData,
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'boxes.lab.test', labels },
  spec: {
    group: 'lab.test',
    scope: 'Namespaced',
    names: { kind: 'Box', listKind: 'BoxList', plural: 'boxes', singular: 'box' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const box = { apiVersion: 'lab.test/v1', kind: 'Box', metadata: { name: 'box', namespace: 'lab', labels }, spec: { size: 1 } };

/** A program that registers the objects, after the namespace `lab`. */
const lab =
  (...objects: KubeObject[]) =>
  async () => {
    useProvider();
    const parent = register(namespace());
    objects.forEach((object) => register(object, { dependsOn: parent }));
    return { uid: parent.metadata.apply((metadata) => metadata.uid) };
  };
const live = (kind: string, name: string, apiVersion = 'v1') =>
  kube.get({ apiVersion, kind, metadata: { name, namespace: 'lab' } });

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-plugin-'));
  state = openRegion(stack, directory);
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], silent);
  await startControlPlane({ state, tools, progress: silent });
  kube = new Kube(state.file('kubeconfig'));
  await kube.create(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node-0', annotations: { 'kwok.x-k8s.io/node': 'fake' } },
      status: { capacity: { cpu: '8', memory: '32Gi', pods: '50' }, allocatable: { cpu: '8', memory: '32Gi', pods: '50' } },
    },
    { fieldManager: 'test' },
  );
  await plug();
  engine = await startEngine(tools.pulumi, () => ({ kubernetes: plugin.port }));
}, 60_000);

afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  engine?.close();
  kube?.close();
  if (!state) return;
  await stopControlPlane({ state, progress: silent });
  rmSync(join(state.dir, '..'), { recursive: true, force: true });
}, 30_000);

jest.setTimeout(30_000);

describe('the life of objects', () => {
  const first = async () => {
    await lab(configMap('settings', { colour: 'blue', old: 'yes' }), binding('view'), deployment('web'))();
    const kind = register(definition);
    const one = register(box, { dependsOn: kind });
    register(configMap('points', { at: one.metadata.apply(({ uid }) => `uid ${uid}`) }));
  };

  test('a preview before there is a namespace creates nothing', async () => {
    const preview = await engine.run('preview', first);
    expect(preview.error).toBeUndefined();
    expect(preview.steps).toEqual({
      create: [
        'customresourcedefinition/boxes.lab.test',
        'lab/box/box',
        'lab/configmap/points',
        'lab/configmap/settings',
        'lab/deployment/web',
        'lab/rolebinding/readers',
        'namespace/lab',
      ],
    });
    expect(await kube.get(namespace())).toBeUndefined();
  });

  test('up creates, waits until the Deployment runs, and is all the same when run again', async () => {
    const up = await engine.run('up', first);
    expect(up.error).toBeUndefined();
    expect((await live('Deployment', 'web', 'apps/v1'))!.status.availableReplicas).toBe(1);
    expect((await live('ConfigMap', 'points'))!.data.at).toBe(`uid ${(await kube.get(box))!.metadata.uid}`);
    const again = await engine.run('up', first);
    expect(Object.keys(again.steps)).toEqual(['same']);
  });

  test('up updates fields and takes away those that are no longer named, replaces what is immutable, and deletes', async () => {
    const second = lab(configMap('settings', { colour: 'green' }), binding('edit'), deployment('web'));
    const { uid } = (await live('Deployment', 'web', 'apps/v1'))!.metadata;
    const preview = await engine.run('preview', second);
    expect(preview.error).toBeUndefined();
    const up = await engine.run('up');
    expect(up.error).toBeUndefined();
    expect(up.steps).toMatchObject({
      update: ['lab/configmap/settings'],
      replace: ['lab/rolebinding/readers'],
      delete: ['customresourcedefinition/boxes.lab.test', 'lab/box/box', 'lab/configmap/points'],
    });
    expect(up.outputs.uid!.value).toBe((await kube.get(namespace()))!.metadata.uid);
    expect(up.changed['lab/configmap/settings']).toEqual(['data.colour', 'data.old']);
    expect((await live('ConfigMap', 'settings'))!.data).toEqual({ colour: 'green' });
    expect((await live('RoleBinding', 'readers', 'rbac.authorization.k8s.io/v1'))!.roleRef.name).toBe('edit');
    expect((await live('Deployment', 'web', 'apps/v1'))!.metadata.uid).toBe(uid);
    expect(await live('ConfigMap', 'points')).toBeUndefined();
  });

  test('an object that is registered under another name without an alias survives', async () => {
    const { uid } = (await live('Deployment', 'web', 'apps/v1'))!.metadata;
    const up = await engine.run('up', async () => {
      await lab(configMap('settings', { colour: 'green' }), binding('edit'))();
      register(deployment('web'), {}, 'renamed');
    });
    expect(up.diagnostics.join()).toContain('lab/web stays: the resource renamed has taken it over');
    expect((await live('Deployment', 'web', 'apps/v1'))!.metadata).toMatchObject({ uid });
    expect((await live('Deployment', 'web', 'apps/v1'))!.metadata.deletionTimestamp).toBeUndefined();
  });

  test('what the server refuses fails the preview with its reason', async () => {
    const preview = await engine.run(
      'preview',
      lab(deployment('web'), { ...configMap('settings', {}), dataa: {} } as KubeObject),
    );
    expect(preview.error).toContain('ConfigMap lab/settings');
    expect(preview.error).toContain('.dataa: field not declared in schema');
  });
});

describe('drift', () => {
  const program = lab(
    configMap('settings', { colour: 'green' }),
    configMap('lost', { a: '1' }),
    secret('login', { user: 'me', password: pulumi.secret(planted) }),
    deployment('web'),
  );

  test('is named by a refresh, and restored by the next up', async () => {
    expect((await engine.run('up', program)).error).toBeUndefined();
    expect((await engine.run('preview-refresh')).steps).toEqual({
      same: ['lab/configmap/lost', 'lab/configmap/settings', 'lab/deployment/web', 'lab/secret/login', 'namespace/lab'],
    });

    const others = { fieldManager: 'somebody', force: true };
    await kube.apply({ ...configMap('settings', { colour: 'red' }), metadata: { name: 'settings', namespace: 'lab' } }, others);
    await kube.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'login', namespace: 'lab' },
        data: { password: Buffer.from('guess').toString('base64') },
      },
      others,
    );
    await kube.apply(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'lab' },
        spec: { replicas: 2 },
      } as KubeObject,
      others,
    );
    await kube.delete(configMap('lost', {}));

    const seen = await engine.run('preview-refresh');
    const expected = {
      update: ['lab/configmap/settings', 'lab/deployment/web', 'lab/secret/login'],
      delete: ['lab/configmap/lost'],
    };
    expect(seen.steps).toMatchObject(expected);
    expect(seen.changed).toMatchObject({
      'lab/configmap/settings': ['data.colour'],
      'lab/deployment/web': ['spec.replicas'],
      'lab/secret/login': ['stringData'],
    });
    expect((await engine.run('refresh')).steps).toMatchObject(expected);

    const up = await engine.run('up');
    expect(up.steps).toMatchObject({ update: expected.update, create: expected.delete });
    expect((await live('ConfigMap', 'settings'))!.data).toEqual({ colour: 'green' });
    expect((await live('Deployment', 'web', 'apps/v1'))!.spec.replicas).toBe(1);
    expect(Buffer.from((await live('Secret', 'login'))!.data.password, 'base64').toString()).toBe(planted);
  });

  test('a refresh without an answer from the API server fails, and nothing is dropped', async () => {
    const nobody = state.file('nobody.kubeconfig');
    writeFileSync(nobody, readFileSync(state.file('kubeconfig'), 'utf8').replace(/:26443/, ':26441'));
    await plug({ kubeconfig: nobody });
    const refresh = await engine.run('refresh');
    expect(refresh.error).toContain('no answer from https://');
    await plug();
    expect(Object.keys((await engine.run('up')).steps)).toEqual(['same']);
  });
});

describe('objects of others', () => {
  const wanted = ['one', 'two', 'three'].map((name) => configMap(name, { from: 'us' }));
  const program = lab(configMap('mine', {}), ...wanted);

  test('are all listed by a preview, and not touched by up', async () => {
    for (const object of wanted.slice(0, 2)) {
      await kube.create(
        { ...object, metadata: { name: object.metadata.name, namespace: 'lab' }, data: { from: 'them' } },
        { fieldManager: 'somebody' },
      );
    }
    const preview = await engine.run('preview', program);
    expect(preview.diagnostics.join()).toContain('ConfigMap lab/one exists already');
    expect(preview.diagnostics.join()).toContain('ConfigMap lab/two exists already');
    expect(preview.diagnostics.join()).not.toContain('lab/three');
    expect(
      plugin
        .strangers()
        .map((one) => one.path.split(' ')[1])
        .sort(),
    ).toEqual(['lab/one', 'lab/two']);
    expect((await engine.run('up')).error).toContain('run with --adopt to take it over, or delete it: kubectl delete configmap');
    expect((await live('ConfigMap', 'one'))!.data).toEqual({ from: 'them' });
  });

  test('are taken over with --adopt', async () => {
    await plug({ adopt: true });
    const up = await engine.run('up');
    expect(up.error).toBeUndefined();
    expect((await live('ConfigMap', 'one'))!).toMatchObject({ data: { from: 'us' }, metadata: { labels } });
    await plug();
  });
});

describe('what does not come up', () => {
  const timeout = (seconds: number) => ({ 'pulumi.com/timeoutSeconds': String(seconds) });
  const nowhere = { nodeSelector: { pool: 'new' } };
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once', namespace: 'lab', labels },
    spec: {
      activeDeadlineSeconds: 2,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.test/main:1' }], ...nowhere } },
    },
  };
  const strict = (level: string) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': level } },
  });
  const forbidden = deployment('forbidden', {}, timeout(2));

  test('is recorded when the user cancels', async () => {
    const cancel = new AbortController();
    const up = engine.run('up', lab(deployment('stuck', nowhere)), cancel.signal);
    while (!(await live('Deployment', 'stuck', 'apps/v1'))) await new Promise((soon) => setTimeout(soon, 50));
    cancel.abort();
    expect((await up).error).toContain('Deployment lab/stuck: interrupted while waiting');
  });

  test('is recorded with the reason, and the next up continues', async () => {
    const program = async () => {
      await lab(deployment('stuck', nowhere, timeout(2)), job)();
      register({ ...forbidden, metadata: { ...forbidden.metadata, namespace: 'strict' } });
    };
    await kube.apply(strict('restricted'), { fieldManager: 'test' });
    const up = await engine.run('up', program);
    expect(up.error).toContain('Deployment lab/stuck: not ready after 2 s');
    expect(up.error).toContain("didn't match Pod's node affinity/selector");
    expect(up.error).toContain('Job lab/once: the job failed: Job was active longer than specified deadline');
    expect(up.error).toContain('violates PodSecurity "restricted:latest"');

    await kube.apply(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-0', labels: { pool: 'new' } } },
      { fieldManager: 'test' },
    );
    await kube.apply(strict('privileged'), { fieldManager: 'test' });
    const again = await engine.run('up');
    expect(again.error).toBeUndefined();
    expect(again.steps.update).toEqual(['lab/deployment/stuck', 'lab/job/once', 'strict/deployment/forbidden']);
  });

  test('a deletion that is held up says by what', async () => {
    const held = {
      ...configMap('held', {}),
      metadata: { name: 'held', namespace: 'lab', labels, finalizers: ['lab.test/hold'] },
    };
    expect(
      (
        await engine.run('up', async () => {
          useProvider();
          register(namespace());
          register(held, { customTimeouts: { delete: '1s' } });
        })
      ).error,
    ).toBeUndefined();
    expect((await engine.run('up', lab())).error).toContain(
      'ConfigMap lab/held is still there 1 s after it was deleted: held by the finalizer(s) lab.test/hold',
    );
    await kube.send('PATCH', await kube.path(held), { metadata: { finalizers: null } }, 'application/merge-patch+json');
  });
});

describe('secrets', () => {
  test('are in no file, no message and no event', async () => {
    const program = lab(
      secret('login', { password: planted }),
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'files', namespace: 'lab', labels },
        data: { key: Buffer.from('key-file').toString('base64') },
      },
      configMap('marked', { value: pulumi.secret(planted) }),
    );
    const preview = await engine.run('preview', program);
    const up = await engine.run('up');
    expect(up.error).toBeUndefined();
    expect(Buffer.from((await live('Secret', 'login'))!.data.password, 'base64').toString()).toBe(planted);
    const wrong = await engine.run(
      'up',
      lab(secret('login', { password: `${planted} of tomorrow` }), {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'elsewhere', namespace: 'lab', labels },
        spec: { type: 'ExternalName', externalName: pulumi.secret(planted) },
      }),
    );
    expect(wrong.error).toContain('[secret]');
    const refresh = await engine.run('refresh');
    const everything = [preview, up, wrong, refresh].map((run) => run.shown).join() + engine.stateFiles();
    for (const form of plantedForms) expect(everything).not.toContain(form);
    expect(everything).toContain('lab/secret/login');
  });
});

test('destroy removes everything', async () => {
  const destroy = await engine.run('destroy');
  expect(destroy.error).toBeUndefined();
  expect(await kube.get(namespace())).toBeUndefined();
});
