import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import { Postgresql } from '../../constructs/postgresql';
import { Realm } from '../../constructs/realm';
import { Vault } from '../../constructs/vault';
import { stopServer, stopServers } from '../../embedded/processes';
import { startSealVault } from '../../embedded/seal-vault';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { playedOperators, keepInitialised, keptInitialised, throwawayOperators } from '../../embedded/vault-operators';
import { sealVault } from '../../model/embedded-region';
import { exitCodes, UserError } from '../../model/errors';
import { silent } from '../../model/progress';
import type { RegionDefinition } from '../../model/region';
import { openVault, type OpeningProps, type VaultPod } from '../../provision/vault-opening';
import { decrypted, keysOf } from '../../provision/vault-operators';
import { ask } from '../../provision/vault-server';
import { platformWith } from '../constructs/base';
import { temporaryDirectory } from './temporary';
import { ClusterIssuer, VaultPods } from './vault-pods';

jest.setTimeout(300_000);

const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };
const directory = temporaryDirectory();

function platformOf(size: RegionDefinition['size'], seal: RegionDefinition['vault']['seal']) {
  const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
  const platform = platformWith({ size, nodePools, quotas: { user: none, group: none }, vault: { seal, threshold: 2 } });
  const routes = new Gateway(platform, 'gateway');
  const keycloak = new Keycloak(platform, 'keycloak', { routes, database: new Postgresql(platform, 'postgresql') });
  new Vault(platform, 'vault', { routes, identity: new Realm(keycloak, 'realm') });
  return platform;
}

/** What is the same for every opening of a state's Vault. */
function opening(state: RegionState, issuer: ClusterIssuer, pods: readonly VaultPod[], notes: string[] = []): Omit<OpeningProps, 'give'> {
  return {
    stack: 'demo.main',
    pods,
    threshold: 2,
    operators: async () => keysOf(await throwawayOperators(state), 'operators'),
    keep: (result) => keepInitialised(state, result),
    jwt: async () => issuer.token(),
    issuer: { url: issuer.url, ca: async () => issuer.authority },
    tell: () => undefined,
    note: (line) => void notes.push(line),
    secondsToWait: 120,
  };
}

const nobody: OpeningProps['give'] = async () => undefined;
const giving = (...shares: string[]): OpeningProps['give'] => async (what) => (what === 'share' ? shares.shift() : undefined);

async function refusal(work: Promise<unknown>): Promise<UserError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).exitCode).toBe(exitCodes.failed);
  return error as UserError;
}

/** What an operator decrypts. */
const sharesOf = (state: RegionState) => Promise.all(keptInitialised(state)!.shares.map(({ operator, encrypted }) => decrypted(encrypted, keyOf(state, operator))));
const rootOf = (state: RegionState) => decrypted(keptInitialised(state)!.rootToken.encrypted, keyOf(state, keptInitialised(state)!.rootToken.operator));
const keyOf = (state: RegionState, operator: string) => readFileSync(state.file('vault', 'operators', `${operator}.key`), 'utf8');

async function pulumiToken({ vault }: VaultPod, issuer: ClusterIssuer): Promise<string> {
  return (await ask(vault, 'POST', 'auth/workloads/login', { body: { role: 'pulumi', jwt: issuer.token() } })).auth.client_token as string;
}

describe('three pods that operators open', () => {
  const state = openRegion('pgp.local', directory);
  const notes: string[] = [];
  let issuer: ClusterIssuer;
  let servers: VaultPods;
  let pods: VaultPod[];
  const open = (give: OpeningProps['give']) => openVault({ ...opening(state, issuer, pods, notes), give });
  const sealed = () => Promise.all(pods.map(async ({ vault }) => (await ask(vault, 'GET', 'sys/seal-status')).sealed as boolean));

  beforeAll(async () => {
    issuer = await ClusterIssuer.start(state);
    servers = await VaultPods.of(state, platformOf('standard', { kind: 'pgp' }));
    pods = await servers.start();
  });

  afterAll(async () => {
    issuer?.close();
    await stopServers(state);
  });

  test('the first time it is initialised for three operators, and waits for two of them', async () => {
    const error = await refusal(open(nobody));
    expect(error.message).toContain('Vault is sealed: 0 of 2, run `datalab unseal demo.main`');
    expect(keptInitialised(state)!.shares.map(({ operator }) => operator)).toEqual(['operator-1', 'operator-2', 'operator-3']);
    expect(new Set(await sharesOf(state)).size).toBe(3);
  });

  test('one share is not enough; a wrong one is refused, and the count begins anew', async () => {
    const [first, second] = (await sharesOf(state)) as [string, string];
    expect((await refusal(open(giving(first)))).message).toContain('Vault is sealed: 1 of 2');
    const wrong = second.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
    const error = await refusal(open(giving(wrong)));
    expect(error.message).toContain('it counts from 0 of 2');
    expect(error.message).not.toContain(wrong);
    expect((await refusal(open(giving('not a share')))).message).toContain('Vault refuses a share');
    expect((await refusal(open(nobody))).message).toContain('Vault is sealed: 0 of 2');
  });

  test('two operators open all three pods, and the root token writes the login of Pulumi', async () => {
    expect((await refusal(open(giving(...(await sharesOf(state)))))).message).toContain('decrypt the root token that was printed');
    expect(await sealed()).toEqual([false, false, false]);
    await open(async (what) => (what === 'root token' ? rootOf(state) : undefined));
    const leaders = await Promise.all(pods.map(async ({ vault }) => (await ask(vault, 'GET', 'sys/leader')).leader_address as string));
    expect(new Set(leaders).size).toBe(1);
    expect(notes.some((line) => line === 'vault/vault-0: sealed, 1 of 2 shares')).toBe(true);
    await open(nobody);
  });

  test('no token with the policy root is left', async () => {
    const { vault } = pods[0]!;
    expect((await vault('GET', 'auth/token/lookup-self', { token: await rootOf(state) })).status).toBe(403);
    const shares = await sharesOf(state);
    const { nonce, otp } = await ask(vault, 'PUT', 'sys/generate-root/attempt', { body: {} });
    let encoded = '';
    for (const key of shares.slice(0, 2)) encoded = (await ask(vault, 'PUT', 'sys/generate-root/update', { body: { key, nonce } })).encoded_token as string;
    const token = Buffer.from(Buffer.from(encoded, 'base64').map((byte, index) => byte ^ Buffer.from(otp as string)[index]!)).toString();
    const { data } = await ask(vault, 'LIST', 'auth/token/accessors', { token });
    const policies = await Promise.all((data.keys as string[]).map(async (accessor) => (await ask(vault, 'POST', 'auth/token/lookup-accessor', { token, body: { accessor } })).data.policies.join() as string));
    await ask(vault, 'POST', 'auth/token/revoke-self', { token });
    expect(policies).toEqual(['root']); // the one that just listed them
  });

  test.each<[string, 'GET' | 'LIST' | 'POST' | 'DELETE', string, unknown, number]>([
    ['makes an engine', 'POST', 'sys/mounts/onyxia-kv', { type: 'kv', options: { version: '2' } }, 204],
    ['makes a login method', 'POST', 'sys/auth/jwt', { type: 'jwt' }, 204],
    ['writes a policy', 'POST', 'sys/policies/acl/person', { policy: 'path "onyxia-kv/data/user-x/*" { capabilities = ["read"] }' }, 204],
    ['lists audit devices', 'GET', 'sys/audit', undefined, 200],
    ['sets CORS', 'POST', 'sys/config/cors', { allowed_origins: ['https://lab.example.org'], enabled: true }, 204],
    ['makes a group', 'POST', 'identity/group', { name: 'ape', type: 'external' }, 200],
    ['writes a role for workloads', 'POST', 'auth/workloads/role/app', { role_type: 'jwt', bound_audiences: ['vault'], bound_subject: 'a', user_claim: 'sub' }, 204],
    ['reads no secret of a person', 'GET', 'onyxia-kv/data/user-alice/x', undefined, 403],
    ['writes none', 'POST', 'onyxia-kv/data/user-alice/x', { data: {} }, 403],
    ['does not see their names', 'LIST', 'onyxia-kv/metadata/user-alice', undefined, 403],
    ['does not change its policy', 'POST', 'sys/policies/acl/pulumi', { policy: '' }, 403],
    ['does not change its role', 'POST', 'auth/workloads/role/pulumi', { token_policies: ['root'] }, 403],
    ['does not change whom the method trusts', 'POST', 'auth/workloads/config', { jwks_url: 'https://evil.example.org' }, 403],
    ['makes no token', 'POST', 'auth/token/create', {}, 403],
    ['does not seal it', 'POST', 'sys/seal', {}, 403],
    ['takes no snapshot', 'GET', 'sys/storage/raft/snapshot', undefined, 403],
  ])('Pulumi %s', async (_, method, path, body, status) => {
    const token = await pulumiToken(pods[0]!, issuer);
    expect((await pods[0]!.vault(method, path, { token, ...(body === undefined ? {} : { body }) })).status).toBe(status);
  });

  test.each([
    ['another service account', 'system:serviceaccount:onyxia:pulumi', 'vault'],
    ['a token for another server', 'system:serviceaccount:vault:pulumi', 'minio-workloads'],
  ])('%s cannot log in as Pulumi', async (_, subject, audience) => {
    const { status } = await pods[0]!.vault('POST', 'auth/workloads/login', { body: { role: 'pulumi', jwt: issuer.token(subject, audience) } });
    expect(status).toBe(400);
  });

  test('a pod that was killed is sealed again; two operators open it one after the other, the rest serves on', async () => {
    servers.kill('vault-2');
    await servers.start();
    expect(await sealed()).toEqual([false, false, true]);
    expect((await pods[0]!.vault('GET', 'sys/health?standbyok=true')).status).toBe(200);
    const [first, second] = (await sharesOf(state)) as [string, string];
    expect((await refusal(open(giving(first)))).message).toContain('vault/vault-2');
    await open(giving(second));
    expect(await sealed()).toEqual([false, false, false]);
  });

  test('shares and root token are in no file but the throwaway keys can read them, nor in what was told', async () => {
    const secrets = [...(await sharesOf(state)), await rootOf(state)];
    const files = readdirSync(state.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
    const texts = [...files.map((file) => readFileSync(file, 'latin1')), notes.join('\n')];
    expect(texts.length).toBeGreaterThan(10);
    for (const secret of secrets) {
      const forms = [secret, Buffer.from(secret).toString('base64').replace(/=*$/, ''), Buffer.from(secret, 'hex').toString('base64').replace(/=*$/, '')].filter(Boolean);
      expect(texts.filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);
    }
  });
});

describe('one pod that another Vault opens', () => {
  const state = openRegion('transit.local', directory);
  let issuer: ClusterIssuer;
  let servers: VaultPods;
  let pods: VaultPod[];
  const seal: RegionDefinition['vault']['seal'] = { kind: 'transit', address: `https://${sealVault.host}:${sealVault.port}`, mount: 'transit', key: 'datalab', cidrs: ['10.0.0.0/28'] };
  const start = async () => startSealVault(state, await ensureTools(['vault'], silent), silent);

  beforeAll(async () => {
    issuer = await ClusterIssuer.start(state);
    const { token } = await start();
    servers = await VaultPods.of(state, platformOf('small', seal), { VAULT_TOKEN: token });
    pods = await servers.start();
  });

  afterAll(async () => {
    issuer?.close();
    await stopServers(state);
  });

  test('it is initialised, and opens itself; its recovery shares are for the operators', async () => {
    await openVault({ ...opening(state, issuer, pods), give: playedOperators(state) });
    expect(await ask(pods[0]!.vault, 'GET', 'sys/seal-status')).toMatchObject({ type: 'transit', sealed: false, recovery_seal: true, t: 2, n: 3 });
    expect((await pods[0]!.vault('GET', 'auth/token/lookup-self', { token: await rootOf(state) })).status).toBe(403);
  });

  test('killed with no warning, it opens itself and has its data', async () => {
    const [pod] = pods as [VaultPod];
    await ask(pod.vault, 'POST', 'sys/policies/acl/kept', { token: await pulumiToken(pod, issuer), body: { policy: 'path "x" { capabilities = ["read"] }' } });
    servers.kill('vault-0');
    await servers.start();
    await openVault({ ...opening(state, issuer, pods), give: nobody });
    expect((await ask(pod.vault, 'GET', 'sys/policies/acl/kept', { token: await pulumiToken(pod, issuer) })).data.policy).toContain('path "x"');
  });

  test('the other Vault opens itself with the key in its directory when it is started again', async () => {
    const { token } = await start();
    servers.kill('seal-vault');
    expect((await start()).token).toBe(token);
  });

  test('a set-up of the other Vault that was interrupted begins anew', async () => {
    const other = openRegion('interrupted.local', directory);
    try {
      const tools = await ensureTools(['vault'], silent);
      await startSealVault(other, tools, silent);
      const file = other.file('seal-vault', 'credentials.json');
      const { token, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
      rmSync(file);
      await stopServer(other, 'seal-vault');
      expect(Object.keys(rest)).toEqual(['note', 'unsealKey']);
      expect((await startSealVault(other, tools, silent)).token).not.toBe(token);
    } finally {
      await stopServers(other);
    }
  });
});
