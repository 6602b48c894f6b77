import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { entriesOf } from '../../constructs/objects';
import { packageOf } from '../../constructs/tokens';
import { startVaultPlugin } from '../../embedded/plugins/vault';
import type { RunningProvider } from '../../embedded/plugins/provider-server';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { ordered, outputsWanted } from '../../provision/deploy';
import { provisioned } from '../../provision/provisioned';
import { appIn } from '../constructs/base';
import { vaultPlatform } from '../constructs/vault-platform';
import { confidential } from '../model/base';
import { startEngine, type Engine } from './engine-harness';
import { startIssuer, type Issuer } from './issuer';
import { startVault, type TestVault } from './servers';

const realm = 'https://auth.lab.example.org/realms/demo';

describe('what Vault gives', () => {
  let state: RegionState;
  let vault: TestVault;
  let plugin: RunningProvider;
  let engine: Engine;
  let people: Issuer;
  let cluster: Issuer;
  let strangers: Issuer;

  /** Registers what the tree has in Vault, as the deployment does; the pods are taken for granted. */
  const program = async () => {
    const { platform, access } = vaultPlatform(confidential(), vault.url);
    const writer = appIn(platform, {}, 'writer');
    access.secretPath('mlflow').grantReadWrite(writer);
    access.secretPath('mlflow').grantRead(appIn(platform, {}, 'reader', writer.node.scope as never));
    const entries = ordered(entriesOf(platform)).filter(({ object }) => packageOf(object) === 'vault');
    const wanted = outputsWanted(entries);
    const registered = new Map<string, pulumi.Resource>();
    const server = { metadata: pulumi.output({ uid: 'x' }) } as unknown as pulumi.Resource;
    for (const entry of entries) {
      const spec = JSON.stringify(entry.object.spec)
        .replace(/http:\/\/keycloak\.[^"]+\/certs/, people.jwksUrl)
        .replace('/vault/audit/audit.log', state.file('audit.log'));
      const dependsOn = entry.after.flatMap((id) => registered.get(id) ?? []);
      const known = new Map([...registered, ['vault/statefulset/vault', server]]);
      registered.set(entry.id, provisioned({ ...entry, object: { ...entry.object, spec: JSON.parse(spec) } }, { dependsOn }, known, pulumi.output({ current: 'seed', epoch: 1 }), wanted.get(entry.id) ?? []));
    }
  };

  beforeAll(async () => {
    state = openRegion('test.local', mkdtempSync(join(tmpdir(), 'datalab-vault-')));
    [people, cluster, strangers] = [await startIssuer(realm), await startIssuer('https://kubernetes.default.svc'), await startIssuer(realm)];
    vault = await startVault(state);
    await vault.ask('POST', 'sys/auth/workloads', { type: 'jwt' });
    await vault.ask('POST', 'auth/workloads/config', { jwks_url: cluster.jwksUrl, bound_issuer: cluster.issuer });
    await vault.ask('POST', 'sys/policies/acl/pulumi', { policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }' });
    const pulumiSubject = 'system:serviceaccount:vault:pulumi';
    await vault.ask('POST', 'auth/workloads/role/pulumi', { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], bound_subject: pulumiSubject, token_policies: ['pulumi'] });
    plugin = await startVaultPlugin({ jwt: async () => cluster.token({ aud: 'vault', sub: pulumiSubject }) });
    engine = await startEngine((await ensureTools(['pulumi'], silent)).pulumi, () => ({ vault: plugin.port }));
    expect((await engine.run('up', program)).error).toBeUndefined();
    expect(Object.keys((await engine.run('up', program)).steps)).toEqual(['same']);
  }, 300_000);

  afterAll(async () => {
    for (const issuer of [people, cluster, strangers]) issuer?.close();
    await vault?.stop();
    engine?.close();
    await plugin?.stop();
    rmSync(join(state.dir, '..'), { recursive: true, force: true });
  }, 60_000);

  /** The claims of a person's token as the realm writes them. */
  const claims = (name: string, ...projects: string[]) => ({ aud: ['vault', 'account'], sub: `id-of-${name}`, preferred_username: name, policy: ['person', ...projects.map((project) => `project-${project}`)] });

  /** A token of Vault, or why there is none. */
  async function login(jwt: string, role = 'onyxia-user', mount = 'jwt'): Promise<{ token: string; why: string; auth: any }> {
    const { status, body } = await vault.ask('POST', `auth/${mount}/login`, { role, jwt }, '');
    return { token: status === 200 ? body.auth.client_token : '', why: status === 200 ? '' : body.errors.join(), auth: body.auth };
  }
  const person = async (name: string, ...projects: string[]) => (await login(people.token(claims(name, ...projects)))).token;
  const workload = async (name: string) => (await login(cluster.token({ aud: ['vault'], sub: `system:serviceaccount:app:${name}` }), `app.${name}`, 'workloads')).token;

  const status = async (token: string, method: string, path: string, body?: unknown) => (await vault.ask(method, path, body, token)).status;
  /** All that a web client does with a secret: write it twice, list, read, delete. Statuses, or the one that all have. */
  async function uses(token: string, folder: string, mount = 'onyxia-kv'): Promise<string> {
    const statuses = [
      await status(token, 'PUT', `${mount}/data/${folder}/.onyxia/note`, { data: { text: 'hello' } }),
      await status(token, 'PUT', `${mount}/data/${folder}/.onyxia/note`, { data: { text: 'hello again' } }),
      await status(token, 'GET', `${mount}/metadata/${folder}?list=true`),
      await status(token, 'GET', `${mount}/metadata/${folder}/.onyxia?list=true`),
      await status(token, 'GET', `${mount}/data/${folder}/.onyxia/note`),
      await status(token, 'DELETE', `${mount}/metadata/${folder}/.onyxia/note`),
    ];
    return [...new Set(statuses)].length === 1 ? String(statuses[0]) : statuses.join(' ');
  }
  const everything = '200 200 200 200 200 204';
  const nothing = '403';

  test('a person has their own path, and nobody else does', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')];
    expect(await uses(alice, 'user-alice')).toBe(everything);
    expect(await uses(alice, 'user-bob')).toBe(nothing);
    expect(await uses(bob, 'user-alice')).toBe(nothing);
    await vault.ask('PUT', 'onyxia-kv/data/user-alice/kept', { data: { text: 'hers' } });
    expect(await status(bob, 'GET', 'onyxia-kv/data/user-alice/kept')).toBe(403);
    expect((await vault.ask('GET', 'onyxia-kv/data/user-alice/kept', undefined, alice)).body.data.data).toEqual({ text: 'hers' });
    expect(await uses('', 'user-alice')).toBe(nothing);
  });

  test('a name that begins another is another', async () => {
    const alice = await person('alice');
    for (const folder of ['user-alice2', 'user-alic', 'user-alice.x', 'user-', 'user-alice/../user-bob', 'projet-alice']) expect(await uses(alice, folder)).toMatch(/^(400|403|404)$/);
    expect(await uses(await person('alice2'), 'user-alice')).toBe(nothing);
  });

  test('nobody lists who there is, and engines cannot be configured', async () => {
    const alice = await person('alice', 'health');
    for (const path of ['onyxia-kv/metadata?list=true', 'onyxia-kv/metadata/?list=true', 'onyxia-kv/metadata/user-?list=true', 'onyxia-kv/config']) expect([path, await status(alice, 'GET', path)]).toEqual([path, 403]);
    for (const path of ['onyxia-kv/config', 'onyxia-kv/metadata/user-alice/x', 'onyxia-kv/destroy/user-alice/x', 'onyxia-kv/delete/user-alice/x']) expect([path, await status(alice, 'POST', path, { versions: [1] })]).toEqual([path, 403]);
  });

  test('a project is for its members', async () => {
    const [carol, alice] = [await person('carol', 'health'), await person('alice')];
    expect(await uses(carol, 'projet-health')).toBe(everything);
    expect(await uses(carol, 'user-carol')).toBe(everything);
    expect(await uses(carol, 'projet-income')).toBe(nothing);
    expect(await uses(alice, 'projet-health')).toBe(nothing);
  });

  test('a person may be in more than ten groups', async () => {
    const others = Array.from({ length: 11 }, (_, index) => `other${index}`);
    const carol = await person('carol', ...others, 'health');
    expect(await uses(carol, 'projet-health')).toBe(everything);
    expect(await uses(carol, 'projet-other3')).toBe(nothing);
  });

  test('who leaves a project loses it with the next login', async () => {
    const before = await person('dora', 'health');
    expect(await uses(before, 'projet-health')).toBe(everything);
    const after = await person('dora');
    expect([await uses(after, 'projet-health'), await uses(before, 'projet-health')]).toEqual([nothing, nothing]);
  });

  test('a group that nobody declared gives nothing, whatever it is called', async () => {
    const eve = { ...claims('eve', 'undeclared'), groups: ['health', 'project-health', 'G_HEALTH', 'admin', 'root'] };
    const { token, auth } = await login(people.token({ ...eve, policy: [...eve.policy, 'administration', 'root', 'pulumi', 'default', 'health', 'app.writer'] }));
    expect([...auth.policies, ...(auth.identity_policies ?? [])]).toEqual(['person']);
    for (const folder of ['projet-health', 'projet-undeclared', 'projet-income']) expect(await uses(token, folder)).toBe(nothing);
  });

  test.each<[string, () => string, RegExp]>([
    ['for another audience', () => people.token({ ...claims('alice'), aud: ['minio', 'account'] }), /audience/],
    ['without an audience', () => people.token({ ...claims('alice'), aud: undefined }), /audience/],
    ['of another issuer', () => people.token({ ...claims('alice'), iss: 'https://auth.lab.example.org/realms/master' }), /issuer|iss/],
    ['that has expired', () => people.token({ ...claims('alice'), iat: 1, exp: Math.floor(Date.now() / 1000) - 600 }), /expired/],
    ['signed by somebody else', () => strangers.token(claims('alice')), /signature/],
    ['of a workload', () => cluster.token(claims('alice')), /signature|issuer/],
    ['without a signature', () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${people.token(claims('alice')).split('.')[1]}.`, /algorithm|token|sign/],
    ['changed on its way', () => {
      const [header, , signature] = people.token(claims('alice')).split('.');
      return [header, people.token(claims('bob')).split('.')[1], signature].join('.');
    }, /signature/],
    ['without a name', () => people.token({ ...claims('alice'), preferred_username: undefined }), /claim "preferred_username" not found/],
    ['with an empty name', () => people.token(claims('')), /claim|alias|name/],
    ['that does not say what the person may reach', () => people.token({ ...claims('alice'), policy: undefined }), /"policy" claim not found/],
  ])('a token %s is refused', async (_what, token, why) => {
    const { token: got, why: said } = await login(token());
    expect(got).toBe('');
    expect(said).toMatch(why);
  });

  test('there is one role for people', async () => {
    expect((await login(people.token(claims('alice')), 'pulumi')).token).toBe('');
    expect((await login(people.token(claims('alice')), 'app.writer', 'workloads')).token).toBe('');
    expect((await login(people.token(claims('alice')), '')).auth.metadata.role).toBe('onyxia-user');
  });

  test('a name with wildcards is a name', async () => {
    for (const name of ['*', '+', 'a*', 'ali+e', '{{identity.entity.id}}']) {
      const { token } = await login(people.token(claims(name)));
      expect([name, await uses(token, 'user-alice'), await uses(token, 'user-bob')]).toEqual([name, nothing, nothing]);
    }
  });

  test('names that only the realm keeps apart: capitals, and a folder in a name', async () => {
    expect(await uses(await person('Alice'), 'user-alice')).toBe(everything);
    expect(await uses(await person('bob/x'), 'user-bob')).toBe(nothing);
    expect(await uses(await person('bob/x'), 'user-bob/x')).toBe(everything);
  });

  test('nobody gets at Vault itself, with the claims of an administrator neither', async () => {
    const { token } = await login(people.token({ ...claims('dave'), policy: ['person', 'administration'] }));
    const refused = async (method: string, path: string, body?: unknown) => expect([method, path, await status(token, method, path, body)]).toEqual([method, path, 403]);
    for (const path of ['sys/mounts', 'sys/auth', 'sys/audit', 'sys/policies/acl/person', 'sys/policies/acl?list=true', 'sys/config/cors', 'sys/raw/core', 'sys/storage/raft/snapshot', 'sys/leases/lookup?list=true', 'auth/jwt/config', 'auth/jwt/role/onyxia-user', 'auth/workloads/role/pulumi', 'identity/entity/id?list=true', 'identity/group/name/health', 'auth/token/accessors?list=true', 'cubbyhole/x', 'sys/internal/counters/activity']) await refused('GET', path);
    for (const path of ['sys/seal', 'sys/step-down', 'sys/rotate', 'sys/policies/acl/person', 'sys/mounts/x', 'sys/auth/x', 'sys/audit/x', 'sys/config/cors', 'auth/token/create', 'auth/token/create-orphan', 'auth/jwt/config', 'auth/jwt/role/onyxia-user', 'auth/workloads/role/x', 'identity/group', 'identity/group-alias', 'identity/entity', 'identity/entity/merge', 'sys/wrapping/wrap', 'sys/tools/hash', 'sys/capabilities-self']) await refused('PUT', path, { policy: 'path "*" { capabilities = ["sudo"] }', type: 'kv' });
    for (const path of ['sys/mounts/onyxia-kv', 'sys/auth/jwt', 'sys/policies/acl/person', 'sys/audit/file']) await refused('DELETE', path);
  });

  test('a token sees itself, is renewed for hours and ends when it is told to', async () => {
    const { token, auth } = await login(people.token(claims('alice')));
    expect(auth).toMatchObject({ lease_duration: 3600, renewable: true, policies: ['person'] });
    expect((await vault.ask('GET', 'auth/token/lookup-self', undefined, token)).body.data).toMatchObject({ explicit_max_ttl: 0, meta: { role: 'onyxia-user' } });
    expect((await vault.ask('POST', 'auth/token/renew-self', { increment: '100h' }, token)).body.auth.lease_duration).toBe(36000);
    // The command-line client asks this before it touches a secret.
    expect(await status(token, 'GET', 'sys/internal/ui/mounts/onyxia-kv/user-alice')).toBe(200);
    expect(await status(token, 'POST', 'auth/token/revoke-self')).toBe(204);
    expect(await uses(token, 'user-alice')).toBe(nothing);
  });

  test('a workload has what was granted to its service account', async () => {
    const [writer, reader] = [await workload('writer'), await workload('reader')];
    expect(await uses(writer, 'mlflow', 'platform-kv')).toBe(everything);
    await vault.ask('PUT', 'platform-kv/data/mlflow/kept', { data: { text: 'its' } });
    expect([await status(reader, 'GET', 'platform-kv/data/mlflow/kept'), await status(reader, 'PUT', 'platform-kv/data/mlflow/kept', { data: {} }), await status(reader, 'DELETE', 'platform-kv/metadata/mlflow/kept')]).toEqual([200, 403, 403]);
    for (const [folder, mount] of [['other', 'platform-kv'], ['user-alice', 'onyxia-kv'], ['projet-health', 'onyxia-kv']] as const) expect(await uses(writer, folder, mount)).toBe(nothing);
    expect(await uses(await person('mlflow', 'health'), 'mlflow', 'platform-kv')).toBe(nothing);
    expect(await status(writer, 'POST', 'auth/token/create', {})).toBe(403);
  });

  test('a service account gets no role but its own, and no other audience does', async () => {
    const tokenOf = (namespace: string, name: string, aud = 'vault') => cluster.token({ aud: [aud], sub: `system:serviceaccount:${namespace}:${name}` });
    expect((await login(tokenOf('app', 'reader'), 'app.writer', 'workloads')).why).toContain('invalid subject (sub) claim');
    expect((await login(tokenOf('user-alice', 'writer'), 'app.writer', 'workloads')).why).toContain('invalid subject (sub) claim');
    expect((await login(tokenOf('app', 'writer'), 'pulumi', 'workloads')).why).toContain('invalid subject (sub) claim');
    expect((await login(tokenOf('app', 'writer', 'minio-workloads'), 'app.writer', 'workloads')).why).toContain('audience');
    expect((await login(tokenOf('app', 'writer'), 'onyxia-user', 'jwt')).token).toBe('');
  });

  test('pages of Onyxia may call it, others may not', async () => {
    const preflight = async (origin: string) => (await fetch(`${vault.url}/v1/onyxia-kv/data/user-alice/x`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-vault-token' } })).headers;
    const allowed = await preflight('https://lab.example.org');
    expect(allowed.get('access-control-allow-origin')).toBe('https://lab.example.org');
    expect(allowed.get('access-control-allow-headers')?.toLowerCase()).toContain('x-vault-token');
    for (const origin of ['https://evil.example.org', 'https://user.lab.example.org', 'http://lab.example.org', 'null']) expect([origin, (await preflight(origin)).get('access-control-allow-origin')]).toEqual([origin, null]);
  });

  test('who did what is written down twice, without the secrets', async () => {
    const alice = await person('alice');
    await status(alice, 'PUT', 'onyxia-kv/data/user-alice/audited', { data: { text: 'open-sesame' } });
    for (const log of [state.file('audit.log'), state.file('logs', 'vault.log')]) {
      const lines = readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('user-alice/audited') && line.includes('"type":"response"'));
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0]!)).toMatchObject({ auth: { display_name: 'jwt-alice' }, request: { operation: 'create', path: 'onyxia-kv/data/user-alice/audited' } });
      expect(readFileSync(log, 'utf8')).not.toContain('open-sesame');
      expect(readFileSync(log, 'utf8')).not.toContain(alice);
    }
  });
});
