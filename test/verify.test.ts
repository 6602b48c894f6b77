import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { clusterAccess, embeddedAccess } from '../cli/region-access';
import { compose } from '../constructs/compose';
import { bucketStatements, minioPolicy } from '../constructs/s3-policy';
import { pulumiRole } from '../constructs/vault';
import { peopleSecrets, vaultAudience, workloadsMount } from '../constructs/vault-access';
import { authorityOf, endpoints, seedOf } from '../embedded/credentials';
import { callGateway } from '../embedded/https';
import { Kube } from '../embedded/kube';
import { MinioServer } from '../embedded/plugins/minio-server';
import { agentsOf } from '../embedded/plugins/provider-http';
import { readRegion } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { derive } from '../provision/secrets';
import { place, type Caller } from '../review/matrix/callers';
import { askKubernetes } from '../review/matrix/kubernetes';
import { verify, type Verified } from '../review/matrix/run';
import { askS3 } from '../review/matrix/s3';
import { askVault } from '../review/matrix/vault';
import { datalab } from './region';

/** `datalab verify` and `datalab login` on the real servers of ls3.local. */
describe('who may do what, asked of a running region', () => {
  const directory = mkdtempSync(join(tmpdir(), 'verify-'));
  const stack = loadStack('ls3.local');
  const state = readRegion(stack.name, join(directory, 'state'));
  const run = (args: string[], code = 0) => datalab(dirname(state.dir), args, code);
  let kube: Kube;
  let kubectl: string;
  let pulumi: string;

  beforeAll(async () => {
    ({ kubectl, pulumi } = await ensureTools(['kubernetes', 'pulumi'], silent));
    await run(['up', stack.name]);
    kube = new Kube(state.file('kubeconfig'));
  }, 600_000);

  afterAll(async () => {
    kube?.close();
    await run(['down', stack.name, '--delete-data']);
    rmSync(directory, { recursive: true, force: true });
  }, 300_000);

  async function verified(code: number): Promise<Verified> {
    return JSON.parse((await run(['verify', stack.name, '--json'], code)).stdout) as Verified;
  }
  const wrong = ({ cells }: Verified) => cells.filter(({ ok }) => !ok).map(({ who, what, observed }) => `${who}: ${what} ${observed}`);

  async function logIn(user: string): Promise<Record<string, string>> {
    return JSON.parse((await run(['login', user, stack.name, '--json'])).stdout) as Record<string, string>;
  }

  /** kubectl with the kubeconfig of a person: what it prints, or its error. */
  async function kubectlAs(kubeconfig: string, ...args: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    return promisify(execFile)(kubectl, args, { env }).then(({ stdout }) => stdout, (error: { stderr: string }) => error.stderr);
  }

  test('every cell is as written; what cannot be asked is counted with its reason; nothing made for it is left', async () => {
    const { stdout } = await run(['verify', stack.name]);
    expect(stdout).toMatch(/^\d+ cells, 0 wrong, \d+ skipped$/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const left = (await kube.list('v1', 'Namespace', { labelSelector: 'datalab-stacks/verify' })).filter(({ metadata }) => !metadata.deletionTimestamp);
    expect(left).toEqual([]);
  }, 300_000);

  test('no token and no key stands in what verify prints', async () => {
    const { stdout, stderr } = await run(['verify', stack.name, '--json']);
    expect(stdout + stderr).not.toMatch(/eyJ[\w-]{10}|hvs\.|SECRET/);
  }, 300_000);

  test('a region that is reached by a context of the kubeconfig: nobody logs in, the rest is asked and the rest counted', async () => {
    process.env.KUBECONFIG = state.file('kubeconfig');
    const local = stack.instance.regions[stack.region]!;
    const regions = { ...stack.instance.regions, local: { ...local, cluster: { ...local.cluster, access: { context: stack.name } }, demoUsers: {} } };
    const region = await clusterAccess(compose({ ...stack, instance: { ...stack.instance, regions } }), stack.name, kubectl);
    const hosts = Object.values(endpoints(stack)).map((url) => [new URL(url).hostname, '127.0.0.1']);
    const result = await verify({ ...region, authorities: [...region.authorities, authorityOf(state)], addresses: Object.fromEntries(hosts) }, silent);
    delete process.env.KUBECONFIG;
    expect(wrong(result)).toEqual([]);
    expect([...new Set(result.cells.map(({ who }) => who))]).toEqual(['anonymous', 'another audience', 'a forged signature', 'another workload']);
    expect(new Set(result.skipped.map(({ why }) => why))).toContain('nobody logs in without a browser');
  }, 300_000);

  test('a kubeconfig from login: the person, their namespace and no other; no token in the file', async () => {
    const { KUBECONFIG } = await logIn('alice');
    expect(statSync(KUBECONFIG!).mode & 0o777).toBe(0o600);
    expect(readFileSync(KUBECONFIG!, 'utf8')).not.toMatch(/token|eyJ/);
    expect(JSON.parse(await kubectlAs(KUBECONFIG!, 'auth', 'whoami', '-o', 'json')).status.userInfo).toMatchObject({
      username: 'oidc-alice', groups: expect.arrayContaining(['system:authenticated']),
    });
    expect(await kubectlAs(KUBECONFIG!, 'get', 'pods')).not.toMatch(/Forbidden|Unauthorized/);
    expect(await kubectlAs(KUBECONFIG!, '-n', 'user-bob', 'get', 'pods')).toContain('User "oidc-alice" cannot list resource "pods" in API group "" in the namespace "user-bob"');
  }, 300_000);

  test('one thing widened on each server makes exactly the predicted cells wrong, and up restores them', async () => {
    const people = ['a person', 'another person', 'a member of the project', 'an administrator', "a person's pod, injected"];
    await minio().admin('PUT', 'add-canned-policy', { name: 'person' }, minioPolicy([...bucketStatements('user-*', 'read-write')]));
    await widenPersonInVault();
    const binding = '/apis/rbac.authorization.k8s.io/v1/namespaces/user-bob/rolebindings/owner';
    await kube.send('PATCH', binding, [{ op: 'add', path: '/subjects/-', value: { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'oidc-alice' } }], 'application/json-patch+json');
    const expected = [
      ...people.map((who) => `${who}: S3 another rw`),
      ...people.map((who) => `${who}: Vault another r`),
      'a person: Kubernetes another rw',
      "a person's pod, injected: Kubernetes another rw",
    ];
    expect(wrong(await verified(1)).sort()).toEqual(expected.sort());
    await run(['refresh', stack.name]);
    await run(['up', stack.name]);
    expect(wrong(await verified(0))).toEqual([]);
  }, 900_000);

  test('while Keycloak is down, credentials go on working until they end, and a new login says why it fails', async () => {
    const region = await embeddedAccess(compose(stack), state, pulumi);
    const { people } = region;
    const audiences = ['minio', 'kubernetes', 'vault'] as const;
    const tokens: Record<string, string> = {};
    // Keycloak refuses logins of one person at the same time.
    for (const audience of audiences) tokens[audience] = await people!.token('alice', audience);
    const injected: Record<string, string> = { ...(await logIn('alice')), KUBERNETES_TOKEN: tokens.kubernetes! };
    const expired = await people!.expiredToken('alice');
    const shown: Record<string, Pick<Caller, 'token' | 'injected'>> = {
      'what was injected': { injected },
      'a token': { token: async (audience) => tokens[audience]! },
      'an expired token': { token: async () => expired },
    };
    await scale(0);
    await until('Keycloak is gone', async () => (await kube.list('v1', 'Pod', { namespace: 'keycloak' })).length === 0);
    const observed: Record<string, string[]> = {};
    for (const [what, credentials] of Object.entries(shown)) {
      const alice = { who: 'alice', own: place('user-alice'), another: place('user-bob'), buckets: [], issuer: 'realm' as const, ...credentials };
      const asked = await Promise.all([askS3, askKubernetes, askVault].map((ask) => ask(region, alice)));
      observed[what] = await Promise.all(asked.map(({ own }) => own!()));
    }
    region.close();
    expect(observed).toEqual({ 'what was injected': ['rw', 'rw', 'rw'], 'a token': ['rw', 'rw', 'rw'], 'an expired token': ['no', 'no', 'no'] });
    const refused = /alice cannot log in:[\s\S]*no pod of keycloak\/keycloak is ready[\s\S]*datalab status/;
    expect((await run(['login', 'alice', stack.name], 1)).stderr).toMatch(refused);
    expect(await kubectlAs(injected.KUBECONFIG!, 'get', 'pods')).toMatch(refused);
    await scale(1);
    await until('a new login works', async () => (await logIn('alice')).AWS_ACCESS_KEY_ID !== undefined);
  }, 600_000);

  const agents = () => agentsOf({ addresses: { [new URL(endpoints(stack).s3).hostname]: '127.0.0.1' }, ca: authorityOf(state) });

  function minio(): { admin: MinioServer['admin'] } {
    return {
      admin: async (...args) => {
        const password = derive(await seedOf(stack, state, pulumi), 'minio/root@v1');
        return new MinioServer(() => ({ endpoint: endpoints(stack).s3, region: 'us-east-1', user: 'root-break-glass', password }), agents()).admin(...args);
      },
    };
  }

  /** Everybody may read everybody's secrets, written with the login of Pulumi. */
  async function widenPersonInVault(): Promise<void> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [vaultAudience], expirationSeconds: 600 } };
    const { status } = await kube.send<{ status: { token: string } }>('POST', `/api/v1/namespaces/vault/serviceaccounts/${pulumiRole}/token`, body);
    const call = async (method: string, path: string, json?: object, token = '') => {
      const headers = { 'content-type': 'application/json', 'x-vault-token': token };
      const { text } = await callGateway(`${endpoints(stack).vault}/v1/${path}`, authorityOf(state), { method, headers, ...(json ? { body: JSON.stringify(json) } : {}) });
      return text ? JSON.parse(text) : {};
    };
    const { auth } = await call('POST', `auth/${workloadsMount}/login`, { role: pulumiRole, jwt: status.token });
    const { data } = await call('GET', 'sys/policies/acl/person', undefined, auth.client_token);
    await call('PUT', 'sys/policies/acl/person', { policy: `${data.policy}\npath "${peopleSecrets}/data/user-*" { capabilities = ["read"] }` }, auth.client_token);
  }

  async function scale(replicas: number): Promise<void> {
    await kube.send('PATCH', '/apis/apps/v1/namespaces/keycloak/statefulsets/keycloak', { spec: { replicas } }, 'application/merge-patch+json');
  }
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 200_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not in 200 s: ${what}`);
    await sleep(500);
  }
}
