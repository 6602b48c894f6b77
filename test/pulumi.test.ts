import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { prepareCluster } from '../embedded/cluster';
import { startControlPlane, stopControlPlane, type ControlPlane } from '../embedded/control-plane';
import { ensureCrds } from '../embedded/crds';
import { Kube } from '../embedded/kube';
import { nodesOf } from '../embedded/nodes';
import { startKubernetesPlugin, type RunningKubernetesPlugin } from '../embedded/plugins/kubernetes';
import { openRegion, projectRoot, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { derive } from '../provision/secrets';

/**
 * A region on a real cluster is deployed by Pulumi itself. Real here: Pulumi's CLI, engine and program runner, the API
 * server and scheduler. Stand-ins: the language host (test/language-host.ts), the kubernetes plugin, the nodes.
 */
describe('pulumi up --stack ssp-cloud.paris', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pulumi-'));
  const stack = loadStack('ssp-cloud.paris');
  let state: RegionState;
  let controlPlane: ControlPlane;
  let plugin: RunningKubernetesPlugin;
  let kube: Kube;

  const pulumi = async (...args: string[]) => {
    const env = {
      PATH: process.env.PATH,
      HOME: directory,
      PULUMI_HOME: join(directory, 'home'),
      PULUMI_BACKEND_URL: `file://${join(directory, 'backend')}`,
      PULUMI_CONFIG_PASSPHRASE: 'test',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_SKIP_CHECKPOINTS: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_DEBUG_PROVIDERS: `kubernetes:${plugin.port}`,
    };
    const { stdout, stderr } = await promisify(execFile)(
      join(directory, 'bin', 'pulumi'),
      [...args, '--stack', 'ssp-cloud.paris', '--non-interactive'],
      { cwd: directory, env, maxBuffer: 64 * 2 ** 20 },
    );
    return stdout + stderr;
  };

  beforeAll(async () => {
    const tools = await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], silent);
    for (const part of ['bin', 'backend']) mkdirSync(join(directory, part));
    copyFileSync(tools.pulumi, join(directory, 'bin', 'pulumi'));
    writeFileSync(
      join(directory, 'bin', 'pulumi-language-nodejs'),
      `#!/bin/sh\ncd '${projectRoot}' && exec '${process.execPath}' --import tsx test/language-host.ts "$@"\n`,
      { mode: 0o755 },
    );
    state = openRegion(stack.name, join(directory, 'state'));
    controlPlane = await startControlPlane({ state, tools, progress: silent });
    kube = new Kube(controlPlane.kubeconfig);
    const region = stack.instance.regions[stack.region]!;
    await prepareCluster({
      kube,
      definitions: await ensureCrds(silent),
      storageClasses: Object.values(region.storageClasses),
      nodes: nodesOf(region.nodePools),
      progress: silent,
    });
    plugin = await startKubernetesPlugin({ kubeconfig: controlPlane.kubeconfig, stack: stack.name, adopt: false });
    // The project as it is, but with its stack configuration outside the checkout.
    const project = readFileSync(join(projectRoot, 'Pulumi.yaml'), 'utf8');
    writeFileSync(join(directory, 'Pulumi.yaml'), project.replace('stackConfigDir: stacks', 'stackConfigDir: config'));
    for (const name of ['index.ts', 'package.json', 'node_modules']) symlinkSync(join(projectRoot, name), join(directory, name));
    await pulumi('stack', 'init');
    await pulumi('config', 'set', '--secret', 'datalab:seed', 'a-seed-of-this-test');
  }, 900_000);

  afterAll(async () => {
    await plugin?.stop();
    kube?.close();
    if (state) await stopControlPlane({ state, progress: silent });
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  test('creates the whole platform, and a second preview has nothing to do', async () => {
    const first = await pulumi('up', '--yes', '--skip-preview');
    expect(first).toMatch(/\+ 7\d created/);
    const second = await pulumi('preview', '--expect-no-changes');
    expect(second).toMatch(/7\d unchanged/);
  });

  test('the scheduler places every pod on the 20 nodes, CPU pods on none with GPUs', async () => {
    const pods = await kube.list('v1', 'Pod');
    expect(pods.length).toBeGreaterThan(15);
    for (const pod of pods) {
      expect([pod.metadata.name, pod.spec.nodeName]).toEqual([pod.metadata.name, expect.any(String)]);
      expect(pod.spec.nodeName.startsWith('gpu')).toBe(pod.metadata.namespace === 'gpu');
    }
  });

  test('neither the seed nor a secret made of it stands in the state', async () => {
    const password = derive('a-seed-of-this-test', 'minio/root@v1');
    const live = await kube.get({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'root', namespace: 'minio' } });
    expect(Buffer.from(live!.data.password, 'base64').toString()).toBe(password);
    const exported = await pulumi('stack', 'export');
    for (const secret of ['a-seed-of-this-test', password, Buffer.from(password).toString('base64')]) expect(exported).not.toContain(secret);
  });
});
