import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import * as vault from '@pulumi/vault';
import { agentsOf } from '../../embedded/plugins/provider-http';
import type { RunningProvider } from '../../embedded/plugins/provider-server';
import { startVaultPlugin, type VaultPluginOptions } from '../../embedded/plugins/vault';
import { identityGroup } from '../../embedded/plugins/vault-identity';
import { mount, policy } from '../../embedded/plugins/vault-mounts';
import { VaultServer } from '../../embedded/plugins/vault-server';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { startEngine, type Engine, type Run } from './engine-harness';
import { startIssuer, type Issuer } from './issuer';
import { startVault, type TestVault } from './servers';

let engine: Engine;
let plugin: RunningProvider;
let cluster: Issuer;
const plugins: RunningProvider[] = [];
const pulumiToken = (claims = {}) => cluster.token({ aud: 'vault', sub: 'system:serviceaccount:vault:pulumi', ...claims });
const plug = async (options: Partial<VaultPluginOptions> = {}) => {
  plugin = await startVaultPlugin({ stack: 'lab.local', jwt: async () => pulumiToken(), ...options });
  plugins.push(plugin);
};

beforeAll(async () => {
  cluster = await startIssuer();
  await plug();
  engine = await startEngine((await ensureTools(['pulumi'], silent)).pulumi, () => ({ vault: plugin.port }));
});
afterAll(async () => {
  await Promise.all(plugins.map((one) => one.stop()));
  engine?.close();
  cluster?.close();
});

jest.setTimeout(300_000);

describe('a server in trouble', () => {
  let server: Server;
  let answer: { status: number; body: string };
  let ask: VaultServer;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const login = request.url!.endsWith('/login');
      response.writeHead(login ? 200 : answer.status);
      response.end(login ? '{"auth":{"client_token":"x"}}' : answer.body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const login = () => ({ address: `http://vault.test:${port}/`, mount: 'workloads', role: 'pulumi' });
    ask = new VaultServer(login, async () => 'jwt', agentsOf({ addresses: { 'vault.test': '127.0.0.1' } }), 'lab.local');
  });
  afterAll(() => server.close());

  test('has not lost what it does not tell of', async () => {
    for (const trouble of [{ status: 503, body: '' }, { status: 404, body: '<html>no such route' }, { status: 403, body: '{}' }, { status: 200, body: 'hello' }, { status: 500, body: '{"errors":[]}' }]) {
      answer = trouble;
      await expect(policy.read(ask, 'x', {})).rejects.toThrow();
      await expect(mount.read(ask, 'x', {})).rejects.toThrow();
      await expect(identityGroup.read(ask, 'x', {})).rejects.toThrow();
    }
  });

  test('only says itself that something is gone', async () => {
    answer = { status: 404, body: '{"errors":[]}' };
    expect(await policy.read(ask, 'x', {})).toBeUndefined();
    expect(await identityGroup.read(ask, 'x', {})).toBeUndefined();
    answer = { status: 200, body: '{"data":{"sys/":{"type":"system"}}}' };
    expect(await mount.read(ask, 'x', {})).toBeUndefined();
  });
});

describe('a real Vault', () => {
  let state: RegionState;
  let server: TestVault;

  /** Its provider does not log in before it must. */
  const lab = (address: pulumi.Input<string>, resources: (options: pulumi.CustomResourceOptions) => Record<string, unknown> | void, role = 'pulumi') => async () => {
    const provider = new vault.Provider('vault', { address, skipChildToken: true, authLoginJwt: { mount: 'workloads', role } });
    return resources({ provider });
  };

  interface Variant {
    readonly policy?: string;
    readonly ttl?: number;
    readonly audiences?: string[];
    readonly groupPolicies?: string[];
    readonly origins?: string[];
    readonly path?: string;
    /** Some optional properties are left out. */
    readonly without?: boolean;
  }
  const resources = (variant: Variant = {}) => (provider: pulumi.CustomResourceOptions) => {
    const { audiences = ['vault', 'other'], ttl = 3600, groupPolicies = ['project-ape', 'other'], origins = ['https://datalab.test'], path = 'onyxia-kv' } = variant;
    // While an audit device is enabled, Vault answers 500 to what it did for others.
    const file = new vault.Audit('audit', { path: 'file', type: 'file', options: { file_path: state.file('audit.log') } }, provider);
    const options = { ...provider, dependsOn: [file] };
    const kv = new vault.Mount('kv', { path, type: 'kv', options: { version: '2' } }, options);
    const jwt = new vault.jwt.AuthBackend('jwt', {
      path: 'jwt', type: 'jwt', boundIssuer: 'https://login.test/realms/lab', jwksUrl: cluster.jwksUrl, jwtSupportedAlgs: ['RS256'],
      ...(variant.without ? {} : { defaultRole: 'onyxia-user' }),
    }, options);
    const role = new vault.jwt.AuthBackendRole('role', {
      backend: jwt.id, roleName: 'onyxia-user', roleType: 'jwt', boundAudiences: audiences, userClaim: 'preferred_username',
      ...(variant.without ? {} : { groupsClaim: 'groups' }), tokenTtl: ttl, tokenMaxTtl: 43200, tokenNoDefaultPolicy: true, tokenPolicies: ['person'],
    }, options);
    new vault.Policy('person', { name: 'person', policy: variant.policy ?? pulumi.interpolate`path "${kv.path}/data/user-{{identity.entity.aliases.${jwt.accessor}.name}}/*" { capabilities = ["read"] }` }, options);
    const group = new vault.identity.Group('group', { name: 'ape', type: 'external', policies: groupPolicies, metadata: { project: 'ape' } }, options);
    const alias = new vault.identity.GroupAlias('alias', { name: 'LS3_APE', mountAccessor: jwt.accessor, canonicalId: group.id }, options);
    const cors = new vault.generic.Endpoint('cors', { path: 'sys/config/cors', dataJson: JSON.stringify({ enabled: true, allowed_origins: origins }), ignoreAbsentFields: true }, options);
    return { ids: pulumi.all([kv.id, jwt.id, role.id, file.id, cors.id]), accessor: jwt.accessor, group: group.id, alias: alias.canonicalId };
  };
  const program = (variant: Variant = {}) => lab(server.url, resources(variant));
  const everything = ['alias', 'audit', 'cors', 'group', 'jwt', 'kv', 'person', 'role'];
  const changed = ({ changed: paths }: Run) => Object.fromEntries(Object.entries(paths).filter(([, list]) => list.length));
  const read = async (path: string) => (await server.ask('GET', path)).body?.data;

  beforeAll(async () => {
    state = openRegion('test.local', mkdtempSync(join(tmpdir(), 'datalab-vault-')));
    server = await startVault(state);
    await server.ask('POST', 'sys/auth/workloads', { type: 'jwt' });
    await server.ask('POST', 'auth/workloads/config', { jwks_url: cluster.jwksUrl, bound_issuer: cluster.issuer });
    await server.ask('POST', 'sys/policies/acl/pulumi', { policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }' });
    const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], token_policies: ['pulumi'], token_ttl: 600 };
    await server.ask('POST', 'auth/workloads/role/pulumi', { ...role, bound_subject: 'system:serviceaccount:vault:pulumi' });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(join(state.dir, '..'), { recursive: true, force: true });
  }, 30_000);

  test('a preview works before there is a server, and refuses what cannot be', async () => {
    const nowhere = await engine.run('preview', lab('http://127.0.0.1:1', resources()));
    expect(nowhere.error).toBeUndefined();
    expect(nowhere.steps).toEqual({ create: everything });
    const refused = async (resource: (options: pulumi.CustomResourceOptions) => unknown) => (await engine.run('preview', lab('http://127.0.0.1:1', (options) => void resource(options)))).error;
    expect(await refused((options) => new vault.Token('token', { policies: ['root'] }, options))).toContain("vault:index/token:Token is not part of the embedded region's stand-in for the Pulumi plugin 'vault'; allowed: vault:index/mount:Mount, ");
    expect(await refused((options) => new vault.Policy('x', { name: 'Person', policy: '' }, options))).toContain('policy: got nothing');
    expect(await refused((options) => new vault.Policy('x', { name: 'Person', policy: 'x' }, options))).toContain("name: got 'Person'; allowed: lower case");
    expect(await refused((options) => new vault.identity.Group('x', { name: 'x', type: 'internal' }, options))).toContain('type: got "internal"; allowed: external');
    expect(await refused((options) => new vault.generic.Endpoint('x', { path: 'x', dataJson: 'x', ignoreAbsentFields: true }, options))).toContain('dataJson: got a text that is not a JSON object');
    const withToken = await engine.run('preview', async () => {
      const provider = new vault.Provider('vault', { address: 'http://127.0.0.1:1', authLoginJwt: { mount: 'workloads', role: 'pulumi', jwt: 'sesame' } });
      new vault.Policy('x', { name: 'x', policy: 'x' }, { provider });
    });
    expect(withToken.error).toContain('provider vault: authLoginJwt: got jwt; allowed: mount and role. Fix: set these two');
    expect(withToken.error).not.toContain('sesame');
  });

  test('up creates, is all the same when run again, and a refresh finds no drift', async () => {
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.outputs.ids!.value).toEqual(['onyxia-kv', 'jwt', 'auth/jwt/role/onyxia-user', 'file', 'sys/config/cors']);
    const accessor = (await read('sys/auth'))['jwt/'].accessor;
    expect(up.outputs).toMatchObject({ accessor: { value: accessor }, group: { value: (await read('identity/group/name/ape')).id }, alias: { value: up.outputs.group!.value } });
    expect((await read('sys/policies/acl/person')).policy).toContain(`aliases.${accessor}.name`);
    expect(await read('auth/jwt/role/onyxia-user')).toMatchObject({ role_type: 'jwt', token_ttl: 3600, token_max_ttl: 43200, token_policies: ['person'] });
    expect(await read('sys/config/cors')).toMatchObject({ enabled: true, allowed_origins: ['https://datalab.test'] });
    expect((await engine.run('refresh', program())).steps).toEqual({ same: everything });
    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
    expect((await engine.run('up', program({ audiences: ['other', 'vault'], groupPolicies: ['other', 'project-ape'] }))).steps).toEqual({ same: everything });
  });

  test('the token it works with is in no state', async () => {
    expect(engine.stateFiles()).not.toMatch(/hvs\.|eyJ/);
  });

  test('up updates in place, unsets what is not given any more, and replaces what cannot be changed', async () => {
    const up = await engine.run('up', program({ ttl: 1800, without: true, groupPolicies: ['project-ape'], origins: ['https://datalab.test', 'https://other.test'], policy: 'path "a" { capabilities = ["deny"] }' }));
    expect(up.error).toBeUndefined();
    expect(changed(up)).toEqual({ role: ['groupsClaim', 'tokenTtl'], jwt: ['defaultRole'], group: ['policies'], cors: ['dataJson'], person: ['policy'] });
    expect(await read('auth/jwt/role/onyxia-user')).toMatchObject({ token_ttl: 1800, groups_claim: '', token_max_ttl: 43200 });
    expect(await read('auth/jwt/config')).toMatchObject({ default_role: '', bound_issuer: 'https://login.test/realms/lab' });
    expect((await read('identity/group/name/ape')).policies).toEqual(['project-ape']);

    const replaced = await engine.run('up', program({ path: 'kv2' }));
    expect(replaced.error).toBeUndefined();
    expect(replaced.steps).toMatchObject({ 'create-replacement': ['kv'], 'delete-replaced': ['kv'] });
    expect(Object.keys(await read('sys/mounts'))).not.toContain('onyxia-kv/');
    expect((await engine.run('up', program())).error).toBeUndefined();
    expect((await engine.run('refresh', program())).steps).toEqual({ same: everything });
  });

  test('drift is named by a refresh and restored by the next up', async () => {
    await server.ask('POST', 'sys/policies/acl/person', { policy: 'path "*" { capabilities = ["read"] }' });
    await server.ask('POST', 'auth/jwt/role/onyxia-user', { role_type: 'jwt', user_claim: 'preferred_username', token_ttl: '2h', bound_audiences: ['vault', 'account'] });
    await server.ask('POST', 'auth/jwt/config', { jwks_url: cluster.jwksUrl, bound_issuer: 'https://evil.test' });
    await server.ask('POST', 'identity/group/name/ape', { policies: ['project-ape', 'project-fideli'] });
    await server.ask('POST', 'sys/config/cors', { enabled: true, allowed_origins: ['*'] });
    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toBeUndefined();
    expect(changed(refresh)).toEqual({
      person: ['policy'], role: ['boundAudiences', 'tokenTtl'], jwt: ['boundIssuer', 'defaultRole', 'jwtSupportedAlgs'], group: ['policies'], cors: ['dataJson'],
    });
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.steps.update).toEqual(['cors', 'group', 'jwt', 'person', 'role']);
    expect(await read('auth/jwt/config')).toMatchObject({ bound_issuer: 'https://login.test/realms/lab', default_role: 'onyxia-user' });
  });

  test('what was deleted behind its back is named and made again, with all that hangs on it', async () => {
    for (const path of ['sys/auth/jwt', 'sys/policies/acl/person', 'sys/audit/file', 'sys/config/cors', 'identity/group/name/ape', 'sys/mounts/onyxia-kv']) await server.ask('DELETE', path);
    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toBeUndefined();
    expect(refresh.steps.delete).toEqual(['alias', 'audit', 'group', 'jwt', 'kv', 'person', 'role']);
    expect(changed(refresh)).toEqual({ cors: ['dataJson'] });
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect((await read('sys/policies/acl/person')).policy).toContain((await read('sys/auth'))['jwt/'].accessor);
    expect((await engine.run('refresh', program())).steps).toEqual({ same: everything });
  });

  test('an auth method that is made again gets a new accessor, and policy and alias follow', async () => {
    await server.ask('DELETE', 'sys/auth/jwt');
    expect((await engine.run('refresh', program())).error).toBeUndefined();
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    const { accessor } = (await read('sys/auth'))['jwt/'];
    expect((await read('identity/group/name/ape')).alias).toMatchObject({ mount_accessor: accessor, name: 'LS3_APE' });
    expect((await read('sys/policies/acl/person')).policy).toContain(accessor);
    expect((await engine.run('refresh', program())).steps).toEqual({ same: everything });
  });

  test('a login that is not allowed says so, and shows no token', async () => {
    const refused = async (role: string, claims: object) => {
      await plug({ jwt: async () => pulumiToken(claims) });
      const run = await engine.run('refresh', lab(server.url, resources(), role));
      expect(run.shown).not.toMatch(/eyJ/);
      return run.error;
    };
    expect(await refused('pulumi', { aud: 'minio' })).toMatch(/could not read it: Vault refused the login to the role 'pulumi' of auth\/workloads: .*audience claim.*Fix: see that 'datalab unseal lab\.local' has written the role/);
    expect(await refused('pulumi', { sub: 'system:serviceaccount:onyxia:onyxia-api' })).toContain("Vault refused the login to the role 'pulumi' of auth/workloads: error validating token: invalid subject (sub) claim");
    await plug();
  });

  test('a token that has ended is followed by another login', async () => {
    let logins = 0;
    const login = () => ({ address: server.url, mount: 'workloads', role: 'pulumi' });
    const ask = new VaultServer(login, async () => (logins++, pulumiToken()), agentsOf({}), 'lab.local');
    await Promise.all([policy.read(ask, 'person', {}), mount.read(ask, 'onyxia-kv', {})]);
    expect(logins).toBe(1);
    await ask.write('auth/token/revoke-self', {});
    expect(await policy.read(ask, 'person', {})).toMatchObject({ name: 'person' });
    expect(logins).toBe(2);
  });

  test('a sealed Vault says what to do, and nothing is forgotten', async () => {
    await server.ask('PUT', 'sys/seal');
    const sealed = await engine.run('refresh', program());
    expect(sealed.error).toContain('Vault is sealed: 0 of 2, run `datalab unseal lab.local`');
    await server.unseal(1);
    expect((await engine.run('refresh', program())).error).toContain('Vault is sealed: 1 of 2, run');
    expect(sealed.steps.delete).toBeUndefined();
    await server.stop();
    expect((await engine.run('refresh', program())).error).toMatch(/could not read it: .*cannot be reached \(.*ECONNREFUSED/);
    server = await startVault(state, { port: server.port });
    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
  });

  test('what exists already is refused with the way to take it over, and taken over by --adopt', async () => {
    await server.ask('POST', 'sys/policies/acl/foreign', { policy: 'path "x" { capabilities = ["read"] }' });
    const withForeign = lab(server.url, (options) => {
      resources()(options);
      new vault.Policy('foreign', { name: 'foreign', policy: 'path "y" { capabilities = ["read"] }' }, options);
    });
    expect((await engine.run('up', withForeign)).error).toContain("policy 'foreign' exists already, and the server cannot tell whose it is. Fix: run with --adopt to take it over, or delete it there");
    await plug({ adopt: true });
    expect((await engine.run('up', withForeign)).steps.create).toEqual(['foreign']);
    expect((await read('sys/policies/acl/foreign')).policy).toContain('"y"');
    await plug();
  });

  test('destroy leaves nothing', async () => {
    expect((await engine.run('destroy')).error).toBeUndefined();
    expect(Object.keys(await read('sys/auth'))).toEqual(['token/', 'workloads/']);
    expect(Object.keys(await read('sys/mounts'))).not.toContain('onyxia-kv/');
    expect((await read('sys/policies/acl?list=true')).keys.sort()).toEqual(['default', 'pulumi', 'root']);
    expect(await read('sys/config/cors')).toEqual({ enabled: false });
    expect((await server.ask('GET', 'identity/group/name/ape')).status).toBe(404);
  });
});
