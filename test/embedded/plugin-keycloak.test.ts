import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as keycloak from '@pulumi/keycloak';
import * as pulumi from '@pulumi/pulumi';
import { silent } from '../../model/progress';
import { startKeycloakPlugin, type KeycloakPluginOptions } from '../../embedded/plugins/keycloak';
import { KeycloakAdmin } from '../../embedded/plugins/keycloak-admin';
import { attributes, block, duration, flag, joinedTexts, number, representationOf, someAttributes, text } from '../../embedded/plugins/keycloak-fields';
import { client } from '../../embedded/plugins/keycloak-client';
import { audienceMapper } from '../../embedded/plugins/keycloak-mappers';
import { user } from '../../embedded/plugins/keycloak-people';
import { realm } from '../../embedded/plugins/keycloak-realm';
import { fieldProblems } from '../../embedded/plugins/provider-fields';
import { agentsOf } from '../../embedded/plugins/provider-http';
import type { Kind } from '../../embedded/plugins/provider-resources';
import type { RunningProvider } from '../../embedded/plugins/provider-server';
import type { Values } from '../../embedded/plugins/provider-values';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { startEngine, type Engine, type Run } from './engine-harness';
import { startKeycloak, type TestServer } from './servers';

const planted = 'hunter2-planted-secret';

let engine: Engine;
let plugin: RunningProvider;
const plugins: RunningProvider[] = [];
const plug = async (options: KeycloakPluginOptions = {}) => {
  plugin = await startKeycloakPlugin(options);
  plugins.push(plugin);
};

beforeAll(async () => {
  await plug();
  engine = await startEngine((await ensureTools(['pulumi'], silent)).pulumi, () => ({ keycloak: plugin.port }));
});
afterAll(async () => {
  await Promise.all(plugins.map((one) => one.stop()));
  engine?.close();
});

jest.setTimeout(300_000);

const changed = ({ changed: paths }: Run) => Object.fromEntries(Object.entries(paths).filter(([, list]) => list.length));

describe('representations', () => {
  const fields = {
    name: text('name'), enabled: flag('enabled', { initial: true }), lifespan: duration('lifespan'), uris: joinedTexts(['attributes', 'uris']),
    own: attributes(), some: someAttributes(), lock: block({ tries: number('tries') }, 'locked'),
  };

  test('a new object gets what the inputs say, and defaults', () => {
    expect(representationOf({ ...fields, some: someAttributes() }, { lifespan: '1h30m', uris: ['b', 'a'], lock: { tries: 3 } })).toEqual({
      enabled: true, lifespan: 5400, attributes: { uris: 'b##a' }, locked: true, tries: 3,
    });
  });

  test('what is no longer said is unset', () => {
    const before = { name: 'x', enabled: false, uris: ['a'], own: { policy: 'p' }, lock: { tries: 3 } };
    expect(representationOf(fields, { own: { team: 'a##b' } }, before, { attributes: { policy: ['p'], else: ['e'] } })).toEqual({
      name: '', enabled: true, attributes: { uris: '', policy: null, else: null, team: ['a', 'b'] }, locked: false,
    });
    const { some } = fields;
    expect(representationOf({ some }, { some: { a: '1' } }, { some: { b: '2' } }, { attributes: { b: '2', keycloaks: 'own' } })).toEqual({ attributes: { a: '1', b: null } });
  });

  test('durations are the same in any spelling', () => {
    expect(fields.lifespan.canonical!('90m')).toBe(fields.lifespan.canonical!('1h30m0s'));
    expect(() => fields.lifespan.canonical!('soon')).toThrow("got 'soon'; allowed: a duration");
  });
});

test('inputs that cannot be are named before anything happens', () => {
  const problems = (kind: Kind<KeycloakAdmin>, values: Values) => [...fieldProblems(kind.fields, { values, secrets: [] }), ...(kind.problems?.(values) ?? [])].join('\n');
  expect(problems(realm, { realm: '', accessTokenLifespan: 'soon' })).toContain("accessTokenLifespan: got 'soon'; allowed: a duration");
  expect(problems(realm, { realm: 'x', smtpServer: {} })).toContain("smtpServer: the embedded region's stand-in does not know this property");
  expect(problems(user, { realmId: 'x', username: 'Alice' })).toContain("username: got 'Alice'; allowed: lower case");
  expect(problems(client, { realmId: 'x', clientId: 'y', accessType: 'PUBLIC', standardFlowEnabled: true, serviceAccountsEnabled: true })).toMatch(/validRedirectUris: got none[^]*serviceAccountsEnabled: got true for a client of type PUBLIC/);
  expect(problems(audienceMapper, { realmId: 'x', name: 'y' })).toContain('clientId, clientScopeId: got neither; allowed: one of them');
});

describe('the admin interface', () => {
  let server: Server;
  let answer: { status: number; body: string };
  let requests: string[];
  const admin = () =>
    new KeycloakAdmin(
      () => ({ url: `http://keycloak.test:${(server.address() as AddressInfo).port}`, realm: 'master', clientId: 'admin-cli', username: 'root', password: planted }),
      agentsOf({ addresses: { 'keycloak.test': '127.0.0.1' } }),
    );

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      const login = request.url!.endsWith('/token') && answer.status !== 400;
      response.writeHead(login ? 200 : answer.status);
      response.end(login ? JSON.stringify({ access_token: `token ${requests.length}`, expires_in: 60 }) : answer.body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  beforeEach(() => (requests = []));
  afterAll(() => server.close());

  test('is reached at the address that a name is given, and logs in once', async () => {
    answer = { status: 200, body: '[]' };
    const keycloak = admin();
    await keycloak.get(['realms', 'a/b', 'clients'], { clientId: 'x y' });
    await keycloak.get(['realms']);
    expect(requests).toEqual(['POST /realms/master/protocol/openid-connect/token', 'GET /admin/realms/a%2Fb/clients?clientId=x+y', 'GET /admin/realms']);
  });

  test('only Keycloak itself says that an object is gone', async () => {
    answer = { status: 404, body: '{"error":"Realm not found."}' };
    expect(await admin().get(['realms', 'x'])).toBeUndefined();
    answer = { status: 404, body: '<html>no such route' };
    await expect(admin().get(['realms', 'x'])).rejects.toThrow('Keycloak answers 404');
    answer = { status: 503, body: '' };
    await expect(admin().get(['realms', 'x'])).rejects.toThrow('Keycloak answers 503');
  });

  test('logs in anew when its token is refused', async () => {
    answer = { status: 403, body: '{}' };
    await expect(admin().get(['realms', 'x'])).rejects.toThrow('Keycloak answers 403');
    expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(2);
  });

  test('a refused login says so, without the password', async () => {
    answer = { status: 400, body: '{"error_description":"Invalid user credentials"}' };
    const failure = await admin().get(['realms']).catch((error) => error);
    expect(failure.message).toContain("Keycloak refused the login of 'root' to the realm 'master': Invalid user credentials. Fix");
    expect(failure.message).not.toContain(planted);
  });
});

describe('a real Keycloak', () => {
  let state: RegionState;
  let server: TestServer;
  let admin: KeycloakAdmin;

  /** A program with a provider for the server, whose address may be one that is not known during previews. */
  const lab = (url: pulumi.Input<string>, resources: (options: pulumi.CustomResourceOptions) => Record<string, unknown> | void) => async () => {
    const provider = new keycloak.Provider('keycloak', { url, clientId: 'admin-cli', username: 'root', password: pulumi.secret(server.password), initialLogin: false });
    return resources({ provider });
  };

  interface Variant {
    readonly displayName?: string;
    readonly lifespan?: string;
    readonly redirect?: string;
    readonly policy?: string;
    readonly members?: string[];
    readonly realmName?: string;
  }

  const resources = ({ displayName = 'Lab', lifespan = '5m', redirect = 'https://lab.test/*', policy = 'project-ape##project-bee', members = ['alice'], realmName = 'lab' }: Variant = {}) =>
    (options: pulumi.CustomResourceOptions) => {
      const realm = new keycloak.Realm('realm', {
        realm: realmName, displayName, accessTokenLifespan: lifespan, attributes: { brand: 'lab' }, passwordPolicy: 'length(8)',
        internationalization: { defaultLocale: 'en', supportedLocales: ['fr', 'en'] },
        securityDefenses: { bruteForceDetection: { maxLoginFailures: 7 }, headers: { xFrameOptions: 'DENY' } },
      }, options);
      const realmId = realm.id;
      const profile = new keycloak.RealmUserProfile('profile', {
        realmId,
        attributes: [
          { name: 'username', validators: [{ name: 'length', config: { min: '2', max: '60' } }] },
          { name: 'email', permissions: { views: ['user', 'admin'], edits: ['admin'] } },
          { name: 'firstName', permissions: { views: ['admin'], edits: ['admin'] } }, { name: 'lastName', permissions: { views: ['admin'], edits: ['admin'] } },
          { name: 'team', multiValued: true, permissions: { views: ['admin'], edits: ['admin'] } },
        ],
      }, options);
      const client = new keycloak.openid.Client('client', {
        realmId, clientId: 'web', accessType: 'CONFIDENTIAL', clientSecret: planted, standardFlowEnabled: true, validRedirectUris: [redirect, 'https://also.test'],
        validPostLogoutRedirectUris: ['https://b.test', 'https://a.test'], pkceCodeChallengeMethod: 'S256', extraConfig: { 'our.own': 'yes' },
      }, options);
      const mapper = { realmId, clientId: client.id };
      new keycloak.openid.AudienceProtocolMapper('audience', { ...mapper, name: 'audience', includedCustomAudience: 'minio', addToIdToken: false }, options);
      new keycloak.openid.UserAttributeProtocolMapper('policy', { ...mapper, name: 'policy', userAttribute: 'policy', claimName: 'policy', multivalued: true, aggregateAttributes: true }, options);
      new keycloak.openid.GroupMembershipProtocolMapper('groups', { ...mapper, name: 'groups', claimName: 'groups', fullPath: false }, options);
      new keycloak.openid.UserRealmRoleProtocolMapper('roles', { ...mapper, name: 'roles', claimName: 'roles', multivalued: true }, options);
      new keycloak.openid.HardcodedClaimProtocolMapper('fixed', { ...mapper, name: 'fixed', claimName: 'fixed', claimValue: 'x' }, options);
      const person = new keycloak.Group('person', { realmId, name: 'person', attributes: { policy: 'person' } }, options);
      new keycloak.DefaultGroups('default', { realmId, groupIds: [person.id] }, options);
      const ape = new keycloak.Group('ape', { realmId, name: 'ape', parentId: person.id, attributes: { policy } }, options);
      const reader = new keycloak.Role('reader', { realmId, name: 'reader' }, options);
      const admin = new keycloak.Role('admin', { realmId, name: 'admin', description: 'All', compositeRoles: [reader.id] }, options);
      const alice = new keycloak.User('alice', {
        realmId, username: 'alice', email: 'alice@lab.test', firstName: 'Alice', lastName: 'A', attributes: { team: 'red##blue' },
        initialPassword: { value: planted, temporary: false },
      }, { ...options, dependsOn: profile });
      new keycloak.GroupMemberships('members', { realmId, groupId: ape.id, members }, { ...options, dependsOn: alice });
      new keycloak.UserRoles('alices', { realmId, userId: alice.id, roleIds: [admin.id] }, options);
      return { clientId: client.id, path: ape.path, secret: client.clientSecret };
    };
  const program = (variant: Variant = {}) => lab(server.url, resources(variant));
  const everything = ['admin', 'alice', 'alices', 'ape', 'audience', 'client', 'default', 'fixed', 'groups', 'members', 'person', 'policy', 'profile', 'reader', 'realm', 'roles'];

  beforeAll(async () => {
    state = openRegion('test.local', mkdtempSync(join(tmpdir(), 'datalab-keycloak-')));
    server = await startKeycloak(state);
    admin = new KeycloakAdmin(() => ({ url: server.url, realm: 'master', clientId: 'admin-cli', username: 'root', password: server.password }), agentsOf({}));
  }, 300_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(join(state.dir, '..'), { recursive: true, force: true });
  }, 30_000);

  const find = async (kind: string, query: Record<string, string>) => (await admin.get(['realms', 'lab', kind], query))[0];

  test('a preview works before there is a server, and asks nobody', async () => {
    const nowhere = await engine.run('preview', lab('http://127.0.0.1:1', resources()));
    expect(nowhere.error).toBeUndefined();
    expect(nowhere.steps).toEqual({ create: everything });
  });

  test('inputs and types that cannot be are refused in the preview', async () => {
    const preview = (resource: (options: pulumi.CustomResourceOptions) => unknown) => engine.run('preview', lab(server.url, (options) => void resource(options)));
    const client = await preview((options) => new keycloak.openid.Client('client', { realmId: 'lab', clientId: 'web', accessType: 'SECRET' }, options));
    expect(client.error).toContain('accessType: got "SECRET"; allowed: PUBLIC, CONFIDENTIAL, BEARER-ONLY. Fix: set one of these');
    const scope = await preview((options) => new keycloak.openid.ClientScope('scope', { realmId: 'lab', name: 'x' }, options));
    expect(scope.error).toContain("keycloak:openid/clientScope:ClientScope is not part of the embedded region's stand-in for the Pulumi plugin 'keycloak'; allowed: keycloak:index/realm:Realm, ");
  });

  test('up creates all, is all the same when run again, and finds no drift', async () => {
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.steps).toEqual({ create: everything });
    expect(up.outputs.path!.value).toBe('/person/ape');
    expect(await find('clients', { clientId: 'web' })).toMatchObject({ id: up.outputs.clientId!.value, secret: planted, redirectUris: ['https://lab.test/*', 'https://also.test'] });

    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toBeUndefined();
    expect(refresh.steps).toEqual({ same: everything });
  });

  test('secrets are neither in the state nor in what is shown', async () => {
    const { shown, error } = await engine.run('up', program({ displayName: 'Lab two' }));
    expect(error).toBeUndefined();
    for (const all of [engine.stateFiles(), shown]) {
      expect(all).not.toContain(planted);
      expect(all).not.toContain(server.password);
    }
  });

  test('up updates in place, and takes away what is no longer named', async () => {
    const { id } = await find('clients', { clientId: 'web' });
    const up = await engine.run('up', program({ displayName: '', lifespan: '10m', redirect: 'https://new.test', policy: 'project-ape', members: [] }));
    expect(up.error).toBeUndefined();
    expect(changed(up)).toEqual({
      realm: ['accessTokenLifespan', 'displayName'], client: ['validRedirectUris'], ape: ['attributes.policy'], members: ['members'],
    });
    expect(await find('clients', { clientId: 'web' })).toMatchObject({ id, redirectUris: ['https://also.test', 'https://new.test'].sort() });
    expect((await admin.get(['realms', 'lab'])).accessTokenLifespan).toBe(600);
    expect((await engine.run('up', program())).error).toBeUndefined();
  });

  test('the same in another spelling or order is no change', async () => {
    expect((await engine.run('up', program({ lifespan: '300s', policy: 'project-bee##project-ape' }))).steps).toEqual({ same: everything });
    await engine.run('up', program());
  });

  test('drift is named by a refresh and restored by the next up; what the inputs do not name is none', async () => {
    const client = await find('clients', { clientId: 'web' });
    const group = (await admin.get(['realms', 'lab', 'groups', (await find('groups', { search: 'person' })).id, 'children']))[0];
    await admin.put(['realms', 'lab'], { accessTokenLifespan: 60, bruteForceProtected: false, eventsEnabled: true });
    await admin.put(['realms', 'lab', 'clients', client.id], { redirectUris: ['https://evil.test'], secret: 'other', description: 'hello' });
    const { attributes: _, ...rest } = await admin.get(['realms', 'lab', 'groups', group.id]);
    await admin.put(['realms', 'lab', 'groups', group.id], { ...rest, attributes: { policy: ['project-ape', 'project-bee', 'root'], policy2: ['x'] } });
    const alice = await find('users', { username: 'alice' });
    await admin.delete(['realms', 'lab', 'users', alice.id, 'groups', group.id]);
    const reader = (await admin.get(['realms', 'lab', 'roles', 'reader'])).id;
    await admin.delete(['realms', 'lab', 'roles-by-id', (await admin.get(['realms', 'lab', 'roles', 'admin'])).id, 'composites'], [{ id: reader }]);
    const [policy] = (await admin.get(['realms', 'lab', 'clients', client.id, 'protocol-mappers', 'models'])).filter(({ name }: { name: string }) => name === 'policy');
    await admin.delete(['realms', 'lab', 'clients', client.id, 'protocol-mappers', 'models', policy.id]);
    const profile = await admin.get(['realms', 'lab', 'users', 'profile']);
    profile.attributes.find(({ name }: { name: string }) => name === 'team').permissions.edit.push('user');
    await admin.put(['realms', 'lab', 'users', 'profile'], profile);

    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toBeUndefined();
    expect(refresh.steps.delete).toEqual(['policy']);
    expect(refresh.steps.update).toEqual(['admin', 'ape', 'client', 'members', 'profile', 'realm']);
    expect(changed(refresh)).toEqual({
      admin: ['compositeRoles'], profile: ['attributes[4].permissions.edits'],
      ape: ['attributes.policy', 'attributes.policy2'], client: ['clientSecret', 'validRedirectUris'], members: ['members'],
      realm: ['accessTokenLifespan', 'securityDefenses.bruteForceDetection.maxLoginFailures'],
    });
    for (const all of [engine.stateFiles(), refresh.shown]) expect(all).not.toContain(planted);

    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.steps).toMatchObject({ create: ['policy'], update: ['admin', 'ape', 'client', 'members', 'profile', 'realm'] });
    expect(await admin.get(['realms', 'lab'])).toMatchObject({ accessTokenLifespan: 300, bruteForceProtected: true, failureFactor: 7, eventsEnabled: true });
    expect((await admin.get(['realms', 'lab', 'groups', group.id])).attributes).toEqual({ policy: ['project-ape', 'project-bee'] });
    expect(await find('clients', { clientId: 'web' })).toMatchObject({ secret: planted, description: 'hello' });
    expect((await engine.run('preview-refresh', program())).steps).toEqual({ same: everything });
  });

  test('what exists already is refused with the way to take it over, and taken over by --adopt', async () => {
    await admin.post(['realms', 'lab', 'groups'], { name: 'old', attributes: { policy: ['root'] } });
    const withOld = lab(server.url, (options) => {
      resources()(options);
      new keycloak.Group('old', { realmId: 'lab', name: 'old', attributes: {} }, options);
    });
    const refused = await engine.run('up', withOld);
    expect(refused.error).toContain("group 'old' of the realm 'lab' exists already, and the server cannot tell whose it is. Fix: run with --adopt to take it over, or delete it there");
    await plug({ adopt: true });
    expect((await engine.run('up', withOld)).steps).toMatchObject({ create: ['old'] });
    expect((await admin.get(['realms', 'lab', 'groups', (await find('groups', { search: 'old', exact: 'true' })).id])).attributes).toEqual({});
    await plug();
    expect((await engine.run('up', program())).steps).toMatchObject({ delete: ['old'] });
  });

  test('what the server takes but does not keep is an error, and mended by the next up', async () => {
    const withBob = (attributes: Record<string, string>) => lab(server.url, (options) => {
      resources()(options);
      new keycloak.User('bob', { realmId: 'lab', username: 'bob', attributes }, options);
    });
    const up = await engine.run('up', withBob({ policy: 'root' }));
    expect(up.error).toContain("user 'bob' of the realm 'lab': the server took the request, but did not keep attributes.policy");
    const mended = await engine.run('up', withBob({ team: 'red' }));
    expect(mended.error).toBeUndefined();
    expect(mended.steps.update).toEqual(['bob']);
    await engine.run('up', program());
  });

  test('a server that does not answer is an error, and nothing is forgotten', async () => {
    expect((await engine.run('up', lab('http://127.0.0.1:1', resources()))).error).toBeUndefined();
    const refresh = await engine.run('refresh');
    expect(refresh.error).toContain('http://127.0.0.1:1 cannot be reached');
    expect(refresh.steps.delete).toBeUndefined();
    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
  });

  test('another name is another realm; destroy leaves nothing', async () => {
    const up = await engine.run('up', program({ realmName: 'lab2' }));
    expect(up.error).toBeUndefined();
    expect(up.steps.replace).toContain('realm');
    expect(await admin.get(['realms', 'lab'])).toBeUndefined();
    expect((await engine.run('destroy')).error).toBeUndefined();
    expect((await admin.get(['realms'])).map(({ realm }: { realm: string }) => realm)).toEqual(['master']);
  });
});
