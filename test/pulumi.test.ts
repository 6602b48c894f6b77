import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import { prepareCluster } from '../embedded/cluster';
import { startControlPlane, stopControlPlane, type ControlPlane } from '../embedded/control-plane';
import { ensureCrds } from '../embedded/crds';
import { Kube } from '../embedded/kube';
import { nodesOf } from '../embedded/nodes';
import { startKeycloakPlugin } from '../embedded/plugins/keycloak';
import { startKubernetesPlugin } from '../embedded/plugins/kubernetes';
import { startMinioPlugin } from '../embedded/plugins/minio';
import { startVaultPlugin } from '../embedded/plugins/vault';
import { openRegion, projectRoot, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { derive } from '../provision/secrets';

/** Two pods in a namespace without a fence: one in the network of its node, of the other nobody knows it before it is made. */
const program = `
import * as pulumi from '@pulumi/pulumi';
class Cluster extends pulumi.ProviderResource {}
class Thing extends pulumi.CustomResource {
  declare readonly metadata: pulumi.Output<{ uid: string }>;
}
const provider = new Cluster('kubernetes', 'cluster', { clusterIdentifier: 'broken' }, { version: '4.34.2' });
const namespace = new Thing('kubernetes:core/v1:Namespace', 'team', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }, { provider });
const pod = (name: string, hostNetwork: pulumi.Input<boolean>) =>
  new Thing('kubernetes:core/v1:Pod', name, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'team' }, spec: { hostNetwork, containers: [{ name: 'main', image: 'a.example/b:1' }] } }, { provider, dependsOn: namespace });
pod('known', true);
pod('unknown', namespace.metadata.apply(({ uid }) => uid !== ''));
`;

/**
 * A region on a real cluster is deployed by Pulumi itself. Real here: Pulumi's CLI, engine and program runner, and the API
 * server, and the policy pack. Stand-ins: the language host (test/language-host.ts), the plugins. The region's own servers do not exist, so this is
 * a preview; the deployment of the same program is shown in the embedded regions.
 */
describe('pulumi preview --stack ssp-cloud.paris', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pulumi-'));
  const stack = loadStack('ssp-cloud.paris');
  let state: RegionState;
  let controlPlane: ControlPlane;
  let plugins: [string, { port: number; stop(): Promise<void> }][] = [];
  let kube: Kube;

  const pulumi = (...args: string[]) => pulumiIn(directory, ...args);
  const pulumiIn = async (cwd: string, ...args: string[]) => {
    const env = {
      PATH: process.env.PATH,
      HOME: directory,
      PULUMI_HOME: join(directory, 'home'),
      PULUMI_BACKEND_URL: `file://${join(directory, 'backend')}`,
      PULUMI_CONFIG_PASSPHRASE: 'test',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_SKIP_CHECKPOINTS: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_DEBUG_PROVIDERS: plugins.map(([name, { port }]) => `${name}:${port}`).join(),
    };
    const { stdout, stderr } = await promisify(execFile)(
      join(directory, 'bin', 'pulumi'),
      [...args, '--stack', 'ssp-cloud.paris', '--non-interactive'],
      { cwd, env, maxBuffer: 64 * 2 ** 20 },
    );
    return args.includes('--json') ? stdout : stdout + stderr;
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
    plugins = [
      ['kubernetes', await startKubernetesPlugin({ kubeconfig: controlPlane.kubeconfig, stack: stack.name, adopt: false })],
      ['keycloak', await startKeycloakPlugin()],
      ['minio', await startMinioPlugin()],
      ['vault', await startVaultPlugin({ jwt: () => Promise.reject(new Error('a preview asks no server')) })],
    ];
    // The project as it is, but with its stack configuration outside the checkout.
    const project = readFileSync(join(projectRoot, 'Pulumi.yaml'), 'utf8');
    writeFileSync(join(directory, 'Pulumi.yaml'), project.replace('stackConfigDir: stacks', 'stackConfigDir: config'));
    for (const name of ['index.ts', 'package.json', 'node_modules', 'policies']) symlinkSync(join(projectRoot, name), join(directory, name));
    await pulumi('stack', 'init');
    await pulumi('config', 'set', '--secret', 'datalab:seed', 'a-seed-of-this-test');
  }, 900_000);

  afterAll(async () => {
    for (const [, plugin] of plugins) await plugin.stop();
    kube?.close();
    if (state) await stopControlPlane({ state, progress: silent });
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  test('plans every object of the tree: the API server accepts those of Kubernetes, no server is asked for the others', async () => {
    const planned = JSON.parse(await pulumi('preview', '--json')) as { steps: { op: string; urn: string }[]; changeSummary: Record<string, number> };
    const entries = entriesOf(compose(stack));
    const names = planned.steps.map(({ urn }) => urn.split('::').at(-1)!);
    expect(names).toEqual(expect.arrayContaining(entries.map(({ id }) => id)));
    expect(planned.changeSummary).toEqual({ create: planned.steps.length });
    expect(planned.steps.length).toBeGreaterThan(entries.length);
  });

  test('passes the policy pack of its posture; neither the seed nor a secret made of it is printed', async () => {
    const printed = await pulumi('preview', '--diff', '--policy-pack', 'policies');
    expect(printed).toContain('[advisory]');
    expect(printed).toMatch(/image-digest.*keycloak\/statefulset\/keycloak/);
    expect(printed).not.toContain('[mandatory]');
    // Its text names an accessor that Vault has not given out yet.
    const undecided = [...printed.matchAll(/(\S+)  \(vault:[^)]*: (\S+)\)can't run policy/g)].map(([, rule, object]) => `${rule} ${object}`);
    expect(undecided.sort()).toEqual(['vault-capabilities vault/policy/person', 'vault-person-path vault/policy/person']);
    expect(printed.split("can't run policy").length - 1).toBe(undecided.length);
    const password = derive('a-seed-of-this-test', 'minio/root@v1');
    expect(printed).toContain('minio/secret/root');
    for (const secret of ['a-seed-of-this-test', password, Buffer.from(password).toString('base64')]) expect(printed).not.toContain(secret);
  });

  test('a program that breaks rules fails in the preview, by each rule and object; what is not known yet is said to be so', async () => {
    const broken = join(directory, 'broken');
    mkdirSync(broken);
    for (const name of ['Pulumi.yaml', 'package.json', 'node_modules', 'policies', 'config']) symlinkSync(join(directory, name), join(broken, name));
    writeFileSync(join(broken, 'index.ts'), program);
    const failed = async (...args: string[]) => {
      const ran = (await pulumiIn(broken, ...args, '--policy-pack', 'policies').catch((error: unknown) => error)) as { code: number; stdout: string; stderr: string };
      expect(ran.code).toBeGreaterThan(0);
      return ran.stdout + ran.stderr;
    };
    const printed = await failed('preview');
    expect(printed).toContain('team/pod/known spec.hostNetwork: got true; remove it');
    expect(printed).toContain('_cluster/namespace/team metadata.name: got no default-deny in team');
    expect(printed).toContain("can't run policy 'host-namespaces'");
    expect(printed).toContain('[mandatory]');

    // In a deployment it is known: the pod is refused before it is made.
    writeFileSync(join(broken, 'index.ts'), program.replace("pod('known', true);", ''));
    expect(await failed('up', '--yes', '--skip-preview')).toContain('team/pod/unknown spec.hostNetwork: got true; remove it');
    expect(await kube.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })).toBeDefined();
    expect(await kube.get({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'unknown', namespace: 'team' } })).toBeUndefined();
  });
});
