import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as keycloak from '@pulumi/keycloak';
import * as minio from '@pulumi/minio';
import { silent } from '../../model/progress';
import { startKeycloakPlugin } from '../../embedded/plugins/keycloak';
import { startMinioPlugin } from '../../embedded/plugins/minio';
import type { RunningProvider } from '../../embedded/plugins/provider-server';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { startEngine, type Engine } from './engine-harness';
import { startKeycloak, startMinio, type TestServer } from './servers';

const password = 'correct-horse-battery';

describe('people reach S3 by their login', () => {
  let state: RegionState;
  let engine: Engine;
  let plugins: Record<'keycloak' | 'minio', RunningProvider>;
  let login: TestServer;
  let store: TestServer;

  /** The realm as the datalab needs it: who may reach what in S3 stands in the claim `policy` of the access token. */
  function realm(): void {
    const provider = new keycloak.Provider('keycloak', { url: login.url, realm: 'master', clientId: 'admin-cli', username: login.user, password: login.password, initialLogin: false });
    const options = { provider };
    const datalab = new keycloak.Realm('datalab', { realm: 'datalab', editUsernameAllowed: false, registrationAllowed: false, accessTokenLifespan: '5m', ssoSessionMaxLifespan: '10h' }, options);
    const realmId = datalab.id;

    // A user name becomes part of a bucket's name, and a `*` in it would match every bucket of people.
    const everybody = { views: ['admin', 'user'], edits: ['admin'] };
    const name = (attribute: string) => ({ name: attribute, displayName: `\${${attribute}}`, permissions: everybody, requiredForRoles: ['user'], validators: [{ name: 'length', config: { max: '255' } }, { name: 'person-name-prohibited-characters' }] });
    const profile = new keycloak.RealmUserProfile('profile', {
      realmId,
      attributes: [
        { name: 'username', displayName: '${username}', permissions: everybody, validators: [{ name: 'pattern', config: { pattern: '^[a-z0-9][a-z0-9-]{1,56}[a-z0-9]$', 'error-message': 'lower-case letters, digits and dashes' } }] },
        { name: 'email', displayName: '${email}', permissions: everybody, requiredForRoles: ['user'], validators: [{ name: 'email' }, { name: 'length', config: { max: '255' } }] },
        name('firstName'),
        name('lastName'),
      ],
      unmanagedAttributePolicy: 'DISABLED',
    }, options);

    const person = new keycloak.Group('person', { realmId, name: 'person', attributes: { policy: 'person' } }, options);
    const ape = new keycloak.Group('ape', { realmId, name: 'ape', attributes: { policy: 'project-ape' } }, options);
    const undeclared = new keycloak.Group('undeclared', { realmId, name: 'undeclared', attributes: {} }, options);
    const defaults = new keycloak.DefaultGroups('defaults', { realmId, groupIds: [person.id] }, options);

    const client = (clientId: string, more: Partial<keycloak.openid.ClientArgs> = {}) => new keycloak.openid.Client(clientId, {
      realmId, clientId, accessType: 'PUBLIC', standardFlowEnabled: true, pkceCodeChallengeMethod: 'S256', fullScopeAllowed: false,
      validRedirectUris: ['https://datalab.test/'], webOrigins: ['https://datalab.test'], ...more,
    }, options);
    // The direct grant stands in for a browser here; the platform's clients leave it off.
    const onyxia = client('onyxia', { directAccessGrantsEnabled: true });
    client('other', { directAccessGrantsEnabled: true });
    const mapper = { realmId, clientId: onyxia.id };
    new keycloak.openid.UserAttributeProtocolMapper('policy', {
      ...mapper, name: 'policy', userAttribute: 'policy', claimName: 'policy', claimValueType: 'String', multivalued: true, aggregateAttributes: true,
      addToAccessToken: true, addToIdToken: false, addToUserinfo: false,
    }, options);
    new keycloak.openid.AudienceProtocolMapper('audience', { ...mapper, name: 'audience', includedCustomAudience: 'minio', addToAccessToken: true, addToIdToken: false }, options);
    new keycloak.openid.GroupMembershipProtocolMapper('groups', { ...mapper, name: 'groups', claimName: 'groups', fullPath: false }, options);

    const user = (username: string) => new keycloak.User(username, {
      realmId, username, email: `${username}@datalab.test`, emailVerified: true, firstName: username, lastName: 'Test', initialPassword: { value: password, temporary: false },
    }, { ...options, dependsOn: [defaults, profile] });
    const [, bob, carol] = ['alice', 'bob', 'carol'].map(user);
    new keycloak.GroupMemberships('apes', { realmId, groupId: ape.id, members: [bob!.username] }, options);
    new keycloak.GroupMemberships('undeclared', { realmId, groupId: undeclared.id, members: [carol!.username] }, options);
  }

  function buckets(): void {
    const provider = new minio.Provider('minio', { minioServer: store.url.replace('http://', ''), minioUser: store.user, minioPassword: store.password, minioSsl: false });
    const options = { provider };
    const readWrite = (bucket: string) => [
      { Effect: 'Allow', Action: ['s3:CreateBucket', 's3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], Resource: [`arn:aws:s3:::${bucket}`] },
      { Effect: 'Allow', Action: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'], Resource: [`arn:aws:s3:::${bucket}/*`] },
    ];
    const policy = (name: string, bucket: string) =>
      new minio.IamPolicy(name, { name, policy: JSON.stringify({ Version: '2012-10-17', Statement: readWrite(bucket) }) }, options);
    policy('person', 'user-${jwt:preferred_username}');
    const ape = new minio.S3Bucket('project-ape', { bucket: 'project-ape', acl: 'private' }, options);
    new minio.S3BucketVersioning('project-ape', { bucket: ape.bucket, versioningConfiguration: { status: 'Enabled' } }, options);
    policy('project-ape', 'project-ape');
    new minio.S3Bucket('platform', { bucket: 'platform', acl: 'private' }, options);
  }

  beforeAll(async () => {
    state = openRegion('test.local', mkdtempSync(join(tmpdir(), 'datalab-identity-')));
    plugins = { keycloak: await startKeycloakPlugin(), minio: await startMinioPlugin() };
    engine = await startEngine((await ensureTools(['pulumi'], silent)).pulumi, () => ({ keycloak: plugins.keycloak.port, minio: plugins.minio.port }));
    login = await startKeycloak(state);
    expect((await engine.run('up', async () => realm())).error).toBeUndefined();
    store = await startMinio(state, {
      env: {
        MINIO_IDENTITY_OPENID_CONFIG_URL: `${login.url}/realms/datalab/.well-known/openid-configuration`,
        MINIO_IDENTITY_OPENID_CLIENT_ID: 'minio',
        MINIO_IDENTITY_OPENID_CLAIM_NAME: 'policy',
      },
    });
    const both = async () => (realm(), buckets());
    expect((await engine.run('up', both)).error).toBeUndefined();
    expect(Object.keys((await engine.run('up', both)).steps)).toEqual(['same']);
  }, 300_000);

  afterAll(async () => {
    await store?.stop();
    await login?.stop();
    engine?.close();
    for (const plugin of Object.values(plugins ?? {})) await plugin.stop();
    rmSync(join(state.dir, '..'), { recursive: true, force: true });
  }, 60_000);

  async function accessToken(username: string, client = 'onyxia'): Promise<string> {
    const response = await fetch(`${login.url}/realms/datalab/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: client, username, password }),
    });
    const { access_token: token, error_description: error } = (await response.json()) as Record<string, string>;
    if (!token) throw new Error(error);
    return token;
  }

  const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;

  /** Temporary credentials, as the S3 server's STS gives them for an access token. */
  async function s3(token: string): Promise<S3Client> {
    const response = await fetch(store.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', WebIdentityToken: token, DurationSeconds: '900' }),
    });
    const text = await response.text();
    const value = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1] ?? '';
    if (!response.ok) throw new Error(`${value('Code')}: ${value('Message')}`);
    const credentials = { accessKeyId: value('AccessKeyId'), secretAccessKey: value('SecretAccessKey'), sessionToken: value('SessionToken') };
    return new S3Client({ endpoint: store.url, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 });
  }

  const put = (client: S3Client, bucket: string) => client.send(new PutObjectCommand({ Bucket: bucket, Key: 'note', Body: 'hello' })).then(() => 'yes', (error: Error) => error.name);
  const get = (client: S3Client, bucket: string) => client.send(new GetObjectCommand({ Bucket: bucket, Key: 'note' })).then(() => 'yes', (error: Error) => error.name);

  test('the access token says what a person may reach: their own, and declared projects', async () => {
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(async (name) => claims(await accessToken(name))));
    expect([alice!.aud].flat()).toContain('minio');
    expect(alice!.preferred_username).toBe('alice');
    expect(alice!.policy).toEqual(['person']);
    expect((bob!.policy as string[]).sort()).toEqual(['person', 'project-ape']);
    expect(carol!.policy).toEqual(['person']);
    expect((carol!.groups as string[]).sort()).toEqual(['person', 'undeclared']);
  });

  test('a person makes and uses the bucket of their own name, and nobody else can', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map(async (name) => s3(await accessToken(name))));
    await alice!.send(new CreateBucketCommand({ Bucket: 'user-alice' }));
    expect(await put(alice!, 'user-alice')).toBe('yes');
    expect(await get(alice!, 'user-alice')).toBe('yes');
    expect(await get(bob!, 'user-alice')).toBe('AccessDenied');
    expect(await put(bob!, 'user-alice')).toBe('AccessDenied');
    await expect(bob!.send(new CreateBucketCommand({ Bucket: 'user-carol' }))).rejects.toThrow('Access Denied');
    expect((await bob!.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name) ?? []).toEqual(['project-ape']);
  });

  test('a project is for its members, and the platform for nobody', async () => {
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(async (name) => s3(await accessToken(name))));
    expect([await put(bob!, 'project-ape'), await put(alice!, 'project-ape'), await put(carol!, 'project-ape')]).toEqual(['yes', 'AccessDenied', 'AccessDenied']);
    expect([await put(bob!, 'platform'), await put(alice!, 'platform')]).toEqual(['AccessDenied', 'AccessDenied']);
  });

  test('a token for somebody else, or changed on its way, is refused', async () => {
    await expect(s3(await accessToken('alice', 'other'))).rejects.toThrow('`aud` claim invalid');
    const [header, body, signature] = (await accessToken('alice')).split('.');
    const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body!, 'base64url').toString()), policy: ['consoleAdmin'] })).toString('base64url');
    await expect(s3([header, forged, signature].join('.'))).rejects.toThrow('verification error');
  });

  test('nobody gets a user name that matches other buckets', async () => {
    for (const username of ['*', 'a*', 'ali?e', '${jwt:sub}', 'a/b']) {
      const up = await engine.run('up', async () => {
        realm();
        buckets();
        const provider = new keycloak.Provider('more', { url: login.url, clientId: 'admin-cli', username: login.user, password: login.password, initialLogin: false });
        new keycloak.User('odd', { realmId: 'datalab', username, email: 'odd@datalab.test', firstName: 'O', lastName: 'D' }, { provider });
      });
      expect(up.error).toMatch(/user '.*' of the realm 'datalab': .*lower-case letters, digits and dashes/);
    }
  });
});
