import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, DeleteBucketCommand, GetBucketPolicyCommand, GetBucketVersioningCommand, ListBucketsCommand, PutBucketPolicyCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { compose } from '../../constructs/compose';
import { entriesOf, type Entry } from '../../constructs/objects';
import { bucketStatements, policyDocument } from '../../constructs/s3-policy';
import { packageOf } from '../../constructs/tokens';
import { pulumiRole } from '../../constructs/vault';
import { vaultAudience, workloadsMount } from '../../constructs/vault-access';
import { authorityOf, endpoints, seedOf } from '../../embedded/credentials';
import { interruptedCreations } from '../../embedded/interrupted';
import { Kube, type KubeObject } from '../../embedded/kube';
import { KeycloakAdmin } from '../../embedded/plugins/keycloak-admin';
import { MinioServer } from '../../embedded/plugins/minio-server';
import { agentsOf, send } from '../../embedded/plugins/provider-http';
import { nameOf, startTimeOf } from '../../embedded/proc';
import { readRegion } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { loadStack } from '../../model/stack';
import { derive } from '../../provision/secrets';
import { datalab as run, stackTrace } from '../cli/datalab';
import { datalab, resultOf } from '../region';

/**
 * One region, whose commands are killed again and again: in its first up, while what others changed is restored, while it is
 * deleted, and while what was deleted is made again. The first up writes no checkpoints, the others do. Which object, and in which moment, follows from the seed alone: KILL_SEED=7 npx jest test/kill-points
 * Real: the commands, the engine, the servers. test/long/kill-switch.cjs says what is killed, and when.
 */
const seed = Number(process.env.KILL_SEED ?? 1);
const name = 'ls3.local';
const directory = mkdtempSync(join(tmpdir(), 'datalab-kill-points-'));
const state = join(directory, 'state');
const region = readRegion(name, state);
const stack = loadStack(name);
const entries = entriesOf(compose(stack)).filter(({ object }) => object.kind !== 'Provider');
const realm = stack.instance.realm;

type Command = 'up' | 'destroy';

interface Point {
  readonly operation: 'create' | 'update' | 'delete';
  /** The resource's name in Pulumi. */
  readonly name: string;
  readonly moment: (typeof moments)[number];
  readonly milliseconds: number;
  /** Only the command is killed, as when memory runs out: its engine finds no plugins any more, writes the state and ends. */
  readonly engineLives: boolean;
}

const moments = ['asked', 'sent', 'done', 'told'] as const;
const random = randomOf(seed);
const reached: string[] = [];
let kills = 0;

jest.setTimeout(1_800_000);

let kube: Kube;
let keycloak: KeycloakAdmin;
let minio: MinioServer;
/** Asks Vault as Pulumi does: its data, or undefined where there are none. */
let vault: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<any>;

beforeAll(async () => {
  await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi', 'minio', 'vault'], silent);
}, 20 * 60_000);

afterAll(async () => {
  kube?.close();
  await datalab(state, ['down', name, '--delete-data']);
  rmSync(directory, { recursive: true, force: true });
  process.stdout.write(`seed ${seed}, ${reached.length} points in ${kills} kills\n${reached.join('\n')}\n`);
}, 300_000);

describe('the first up is killed while it creates each kind of resource', () => {
  const kinds = [...new Set(entries.map(kindOf))];
  const points = pointsAt('create', kinds.map((kind) => oneOf(entries.filter((entry) => kindOf(entry) === kind)).id));

  test('at least 30 kinds, and every moment', () => {
    expect(points.length).toBeGreaterThanOrEqual(30);
    expect(new Set(points.map(({ moment }) => moment))).toEqual(new Set(moments));
  });

  test('destroy after it deletes nothing and says why', async () => {
    await killAt('up', points.slice(0, 1));
    const { stderr } = await datalab(state, ['destroy', name], 1);
    expect(stderr).toContain('its first up did not come to an end, so Pulumi does not know what there is to delete');
  });

  test('the next up takes over each time what there is, and the last one completes', async () => {
    await killAt('up', points.slice(1));
    await datalab(state, ['up', name]);
    await connect();
  });

  test('nothing is lost, doubled or left behind', nothingToDo);
});

/** What others change behind our back: what a person would look at, the change, and what `refresh` says. */
interface Drift {
  readonly what: string;
  readonly look: () => Promise<unknown>;
  readonly change: () => Promise<unknown>;
  readonly named: readonly string[];
}

describe('what others changed is named by refresh, and restored by up', () => {
  const client = async (clientId: string) => (await keycloak.get(['realms', realm, 'clients'], { clientId }))[0];
  const group = async (groupName: string) => (await keycloak.get(['realms', realm, 'groups'], { search: groupName, exact: 'true', briefRepresentation: 'false' }))[0];
  const user = async (username: string) => (await keycloak.get(['realms', realm, 'users'], { username, exact: 'true' }))[0];
  const mapper = async () => (await client('onyxia-vault')).protocolMappers.find((each: { name: string }) => each.name === 'audience-vault');
  // MinIO keeps sets, and tells them in any order.
  const inOrder = (_: string, value: unknown) => (Array.isArray(value) && value.every((each) => typeof each === 'string') ? value.sort() : value);
  const policy = (policyName: string) => minio.admin('GET', 'info-canned-policy', { name: policyName, v: '2' }).then((text) => JSON.parse(text, inOrder).Policy, () => 'none');
  const live = async (apiVersion: string, kind: string, namespace: string | undefined, objectName: string) => kube.get({ apiVersion, kind, metadata: { name: objectName, namespace } });
  const apply = (object: KubeObject) => kube.apply(object, { fieldManager: 'somebody', force: true });
  const open = (bucket: string) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${bucket}/*`] }] });
  const networking = 'networking.k8s.io/v1';
  const rbac = 'rbac.authorization.k8s.io/v1';

  const drifts: Drift[] = [
    {
      what: 'a NetworkPolicy is opened',
      look: async () => (await live(networking, 'NetworkPolicy', 'minio', 'minio'))?.spec.ingress,
      change: () => apply({ apiVersion: networking, kind: 'NetworkPolicy', metadata: { name: 'minio', namespace: 'minio' }, spec: { podSelector: {}, ingress: [{}] } }),
      named: ['update minio/networkpolicy/minio'],
    },
    {
      what: 'a ConfigMap is deleted',
      look: async () => (await live('v1', 'ConfigMap', 'postgresql', 'database-keycloak'))?.data,
      change: () => kube.delete({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'database-keycloak', namespace: 'postgresql' } }),
      named: ['delete postgresql/configmap/database-keycloak'],
    },
    {
      what: "a person's quota is raised",
      look: async () => (await live('v1', 'ResourceQuota', 'user-bob', 'onyxia-quota'))?.spec.hard,
      change: () => apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'onyxia-quota', namespace: 'user-bob' }, spec: { hard: { 'requests.cpu': '800' } } }),
      named: ['update user-bob/resourcequota/onyxia-quota'],
    },
    {
      what: 'a role binding gets another subject',
      look: async () => (await live(rbac, 'ClusterRoleBinding', undefined, 'datalab-issuer-discovery'))?.subjects,
      change: async () => {
        const binding = (await live(rbac, 'ClusterRoleBinding', undefined, 'datalab-issuer-discovery'))!;
        const { managedFields: _, ...metadata } = binding.metadata;
        return apply({ ...binding, metadata, subjects: [...binding.subjects, { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'somebody' }] });
      },
      named: ['update _cluster/clusterrolebinding/datalab-issuer-discovery'],
    },
    {
      what: 'people may register themselves',
      look: async () => (await keycloak.get(['realms', realm])).registrationAllowed,
      change: async () => keycloak.put(['realms', realm], { ...(await keycloak.get(['realms', realm])), registrationAllowed: true }),
      named: [`update keycloak/realm/${realm}`],
    },
    {
      what: 'people may have any attribute',
      look: async () => (await keycloak.get(['realms', realm, 'users', 'profile'])).unmanagedAttributePolicy,
      change: async () => keycloak.put(['realms', realm, 'users', 'profile'], { ...(await keycloak.get(['realms', realm, 'users', 'profile'])), unmanagedAttributePolicy: 'ENABLED' }),
      named: ['update keycloak/realmuserprofile/profile'],
    },
    {
      what: 'a Keycloak client may redirect to a stranger',
      look: async () => (await client('onyxia-vault')).redirectUris,
      change: async () => {
        const found = await client('onyxia-vault');
        return keycloak.put(['realms', realm, 'clients', found.id], { ...found, redirectUris: [...found.redirectUris, 'https://somebody.example/*'] });
      },
      named: ['update keycloak/client/onyxia-vault'],
    },
    {
      what: 'its tokens are for another audience',
      look: async () => (await mapper()).config['included.custom.audience'],
      change: async () => {
        const [owner, found] = [await client('onyxia-vault'), await mapper()];
        return keycloak.put(['realms', realm, 'clients', owner.id, 'protocol-mappers', 'models', found.id], { ...found, config: { ...found.config, 'included.custom.audience': 'somebody' } });
      },
      named: ['update keycloak/audienceprotocolmapper/onyxia-vault-audience-vault'],
    },
    {
      what: 'a Keycloak client is deleted, with its mappers',
      look: async () => (await client('onyxia-minio'))?.protocolMappers.map((each: { name: string }) => each.name).sort(),
      change: async () => keycloak.delete(['realms', realm, 'clients', (await client('onyxia-minio')).id]),
      named: [
        'delete keycloak/client/onyxia-minio',
        'delete keycloak/userattributeprotocolmapper/onyxia-minio-groups',
        'delete keycloak/audienceprotocolmapper/onyxia-minio-audience-minio',
        'delete keycloak/userattributeprotocolmapper/onyxia-minio-policy',
      ],
    },
    {
      what: 'a group has another S3 policy',
      look: async () => (await group('datalab-users')).attributes,
      change: async () => {
        const found = await group('datalab-users');
        return keycloak.put(['realms', realm, 'groups', found.id], { ...found, attributes: { policy: ['administration'] } });
      },
      named: ['update keycloak/group/datalab-users'],
    },
    {
      what: 'somebody made themselves an administrator',
      look: async () => (await keycloak.get(['realms', realm, 'groups', (await group('datalab-admins')).id, 'members'])).map((each: { username: string }) => each.username).sort(),
      change: async () => keycloak.put(['realms', realm, 'users', (await user('alice')).id, 'groups', (await group('datalab-admins')).id]),
      named: ['update keycloak/groupmemberships/datalab-admins'],
    },
    {
      what: 'a person is deleted',
      look: async () => (await user('bob'))?.email,
      change: async () => keycloak.delete(['realms', realm, 'users', (await user('bob')).id]),
      named: ['delete keycloak/user/bob', 'update keycloak/groupmemberships/datalab-users'],
    },
    {
      what: 'nobody joins a group by default any more',
      look: async () => (await keycloak.get(['realms', realm, 'default-groups'])).map((each: { name: string }) => each.name),
      change: async () => keycloak.delete(['realms', realm, 'default-groups', (await group('datalab-users')).id]),
      named: ['update keycloak/defaultgroups/default'],
    },
    {
      what: 'an S3 policy is widened',
      look: () => policy('person'),
      change: () => minio.admin('PUT', 'add-canned-policy', { name: 'person' }, policyDocument([...bucketStatements('user-*', 'read-write')])),
      named: ['update minio/iampolicy/person'],
    },
    {
      what: 'an S3 policy is deleted',
      look: () => policy('administration'),
      change: () => minio.admin('DELETE', 'remove-canned-policy', { name: 'administration' }),
      named: ['delete minio/iampolicy/administration'],
    },
    {
      what: 'a bucket gets a policy that opens it to everybody',
      look: () => minio.s3((s3) => s3.send(new GetBucketPolicyCommand({ Bucket: 'projet-ape' }))).then(({ Policy }) => Policy, () => 'none'),
      change: () => minio.s3((s3) => s3.send(new PutBucketPolicyCommand({ Bucket: 'projet-ape', Policy: open('projet-ape') }))),
      named: ['update minio/s3bucket/projet-ape'],
    },
    {
      what: 'a bucket keeps no old versions any more',
      look: () => minio.s3((s3) => s3.send(new GetBucketVersioningCommand({ Bucket: 'projet-ape' }))).then(({ Status }) => Status),
      change: () => minio.s3((s3) => s3.send(new PutBucketVersioningCommand({ Bucket: 'projet-ape', VersioningConfiguration: { Status: 'Suspended' } }))),
      named: ['update minio/s3bucketversioning/projet-ape'],
    },
    {
      what: 'a bucket is deleted',
      look: async () => (await bucketNames()).includes('projet-fideli'),
      change: () => minio.s3((s3) => s3.send(new DeleteBucketCommand({ Bucket: 'projet-fideli' }))),
      named: ['delete minio/s3bucket/projet-fideli', 'delete minio/s3bucketversioning/projet-fideli'],
    },
    {
      what: 'a Vault policy is widened',
      look: async () => (await vault('GET', 'sys/policies/acl/person')).policy,
      change: () => vault('POST', 'sys/policies/acl/person', { policy: 'path "onyxia-kv/*" {\n  capabilities = ["read"]\n}\n' }),
      named: ['update vault/policy/person'],
    },
    {
      what: 'a Vault policy is deleted',
      look: async () => (await vault('GET', 'sys/policies/acl/project-ape'))?.policy,
      change: () => vault('DELETE', 'sys/policies/acl/project-ape'),
      named: ['delete vault/policy/project-ape'],
    },
    {
      what: 'Vault lets in tokens for another audience',
      look: async () => (await vault('GET', 'auth/jwt/role/onyxia-user')).bound_audiences,
      change: async () => vault('POST', 'auth/jwt/role/onyxia-user', { ...(await vault('GET', 'auth/jwt/role/onyxia-user')), bound_audiences: ['vault', 'somebody'] }),
      named: ['update vault/authbackendrole/onyxia-user'],
    },
    {
      what: 'Vault trusts another issuer',
      look: async () => (await vault('GET', 'auth/jwt/config')).bound_issuer,
      change: async () => vault('POST', 'auth/jwt/config', { ...(await vault('GET', 'auth/jwt/config')), bound_issuer: 'https://somebody.example' }),
      named: ['update vault/authbackend/jwt'],
    },
    {
      what: 'a project reads the secrets of another',
      look: async () => (await vault('GET', 'identity/group/name/ape')).policies,
      change: () => vault('POST', 'identity/group/name/ape', { policies: ['project-ape', 'project-fideli'] }),
      named: ['update vault/group/ape'],
    },
    {
      what: 'a project of the realm is none in Vault any more',
      look: async () => (await vault('GET', 'identity/group/name/fideli')).alias.name,
      change: async () => vault('DELETE', `identity/group-alias/id/${(await vault('GET', 'identity/group/name/fideli')).alias.id}`),
      named: ['delete vault/groupalias/fideli'],
    },
    {
      what: 'an audit device is disabled',
      look: async () => Object.keys(await vault('GET', 'sys/audit')).sort(),
      change: () => vault('DELETE', 'sys/audit/stdout'),
      named: ['delete vault/audit/stdout'],
    },
    {
      what: 'pages of everybody may call Vault',
      look: async () => (await vault('GET', 'sys/config/cors')).allowed_origins,
      change: () => vault('POST', 'sys/config/cors', { enabled: true, allowed_origins: ['*'] }),
      named: ['update vault/endpoint/cors'],
    },
  ];
  const before = new Map<string, unknown>();
  let told: string[] = [];

  beforeAll(async () => {
    for (const { what, look, change } of drifts) {
      before.set(what, await look());
      await change();
      expect([what, await look()]).not.toEqual([what, before.get(what)]);
    }
    told = linesOf(await datalab(state, ['refresh', name, '--exit-code'], 4));
  });

  test.each(drifts)('named: $what', ({ named }) => {
    expect(told).toEqual(expect.arrayContaining([...named]));
  });

  test('nothing else is named', () => {
    expect(told.sort()).toEqual(drifts.flatMap(({ named }) => named).sort());
  });

  test('up is killed while it restores', async () => {
    const wanted = (action: string) => shuffled(told.filter((line) => line.startsWith(`${action} `)).map((line) => line.slice(action.length + 1)));
    await killAt('up', [...pointsAt('update', wanted('update').slice(0, 4)), ...pointsAt('create', wanted('delete').slice(0, 4))]);
    await datalab(state, ['up', name]);
  });

  test.each(drifts)('restored: $what', async ({ what, look }) => {
    expect(await look()).toEqual(before.get(what));
  });

  test('nothing is lost, doubled or left behind', nothingToDo);
});

describe('destroy is killed while it deletes', () => {
  test('the next destroy continues each time, and the last one completes', async () => {
    const planned = resultOf(await datalab(state, ['up', name, '--json'])).changes;
    expect(planned).toMatchObject({ create: 0, update: 0, delete: 0 });
    const gone = ['keycloak/user/alice', 'keycloak/client/onyxia-minio', 'minio/iampolicy/project-ape', 'vault/authbackend/jwt', 'gpu/daemonset/device-plugin-gpu', '_cluster/namespace/gpu'];
    await killAt('destroy', pointsAt('delete', gone));
    await datalab(state, ['destroy', name]);
    expect((await keycloak.get(['realms', realm, 'users'])).map((each: { username: string }) => each.username)).toEqual([]);
  });

  test('an up that makes all of it again is killed, and the next one continues each time', async () => {
    const missing = new Set(linesOf(await datalab(state, ['preview', name])).map((line) => line.replace('create ', '')));
    const kinds = new Map(shuffled(entries.filter(({ id }) => missing.has(id))).map((entry) => [kindOf(entry), entry.id]));
    await killAt('up', pointsAt('create', shuffled([...kinds.values()]).slice(0, 12)));
    await datalab(state, ['up', name]);
  });

  test('nothing is lost, doubled or left behind', nothingToDo);
});

describe('what a killed run did not make', () => {
  test('fails: a bucket of somebody else under the name of ours is not taken over', async () => {
    await minio.s3((s3) => s3.send(new DeleteBucketCommand({ Bucket: 'projet-fideli' })));
    await datalab(state, ['refresh', name, '--exit-code'], 4);
    await minio.s3((s3) => s3.send(new CreateBucketCommand({ Bucket: 'projet-fideli' })));
    const { stderr } = await datalab(state, ['up', name], 1);
    expect(stderr).toContain("bucket 'projet-fideli' exists already, and the server cannot tell whose it is. Fix: run with --adopt");
  });
});

/** Runs the command until it ended at each point. Which one comes first, and which ones end at once, is for the engine to say. */
async function killAt(command: Command, points: readonly Point[]): Promise<void> {
  const files = { KILL_POINTS: join(directory, 'points.json'), KILLED: join(directory, 'killed.json') };
  for (let left = points; left.length; ) {
    writeFileSync(files.KILL_POINTS, JSON.stringify(left));
    rmSync(files.KILLED, { force: true });
    const { code, stdout, stderr } = await run([command, name, '--state', state, '--plugins', 'stand-in'], { ...files, NODE_OPTIONS: `--require ${join(__dirname, 'kill-switch.cjs')}` });
    if (!existsSync(files.KILLED)) throw new Error(`${command} ended with ${code} before it reached one of ${left.map((point) => point.name).join()}:\n${stdout}${stderr}`);
    expect([code, stderr]).toEqual([null, expect.not.stringMatching(stackTrace)]);
    const ended = JSON.parse(readFileSync(files.KILLED, 'utf8')) as Point[];
    kills++;
    for (const at of ended) reached.push([`${kills}`.padStart(3), command.padEnd(8), at.operation.padEnd(7), at.moment.padEnd(6), at.name, at.moment === 'told' ? ` + ${at.milliseconds} ms` : '', ended[0]!.engineLives ? ' (the command alone)' : ''].join(' '));
    await engineGone();
    left = left.filter((point) => !ended.some(({ name: at }) => at === point.name));
  }
}

/** An engine whose command was killed holds the lock until it has ended. */
async function engineGone(): Promise<void> {
  const locks = region.file('pulumi', 'backend', '.pulumi', 'locks');
  const files = readdirSync(locks, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pids = files.map((file) => (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid);
  for (const deadline = Date.now() + 120_000; pids.some((pid) => startTimeOf(pid) && nameOf(pid) === 'pulumi'); await sleep(200)) {
    if (Date.now() > deadline) throw new Error(`an engine without a command still runs: ${pids.join()}`);
  }
}

/** The state knows what is there, what is there is what the tree says, and there is nothing to do. */
async function nothingToDo(): Promise<void> {
  const unchanged = { create: 0, update: 0, delete: 0, same: entries.length };
  expect([...interruptedCreations(region)]).toEqual([]);
  expect(resultOf(await datalab(state, ['refresh', name, '--json'])).changes).toEqual(unchanged);
  expect(resultOf(await datalab(state, ['up', name, '--json'])).changes).toEqual(unchanged);

  const specs = (kind: string) => entries.filter((entry) => kindOf(entry) === `provisioned/${kind}`).map(({ object }) => object.spec as Record<string, string>);
  const named = async (path: string, key: string) => ((await keycloak.get(['realms', realm, path], { max: '1000' })) as Record<string, string>[]).map((each) => each[key]!).sort();
  expect(await labelled()).toEqual(entries.filter(({ object }) => !packageOf(object)).map(({ id }) => id).sort());
  expect(((await keycloak.get(['realms'])) as { realm: string }[]).map((each) => each.realm).sort()).toEqual(['master', realm].sort());
  expect(await named('users', 'username')).toEqual(specs('keycloak/User').map(({ username }) => username).sort());
  expect(await named('groups', 'name')).toEqual(specs('keycloak/Group').map((each) => each.name).sort());
  const ofKeycloak = ['account', 'account-console', 'admin-cli', 'broker', 'realm-management', 'security-admin-console'];
  expect((await named('clients', 'clientId')).filter((each) => !ofKeycloak.includes(each))).toEqual(specs('keycloak/Client').map(({ clientId }) => clientId).sort());
  expect(await bucketNames()).toEqual(specs('minio/S3Bucket').map(({ bucket }) => bucket).sort());
  const ofMinio = ['consoleAdmin', 'diagnostics', 'readonly', 'readwrite', 'writeonly'];
  const policies = Object.keys(JSON.parse(await minio.admin('GET', 'list-canned-policies', {}))).filter((each) => !ofMinio.includes(each));
  expect(policies.sort()).toEqual(specs('minio/IamPolicy').map((each) => each.name).sort());

  const inVault = async (path: string) => Object.keys(await vault('GET', path)).filter((each) => each.endsWith('/')).map((each) => each.slice(0, -1)).sort();
  const listed = async (path: string) => Object.values<{ name: string }>((await vault('GET', `${path}?list=true`)).key_info).map((each) => each.name).sort();
  const values = (kind: string, property: string) => specs(`vault/${kind}`).map((each) => each[property]!);
  expect(await inVault('sys/mounts')).toEqual(['cubbyhole', 'identity', 'sys', ...values('Mount', 'path')].sort());
  expect(await inVault('sys/auth')).toEqual(['token', workloadsMount, ...values('AuthBackend', 'path')].sort());
  expect(await inVault('sys/audit')).toEqual(values('Audit', 'path').sort());
  expect((await vault('GET', 'sys/policies/acl?list=true')).keys.sort()).toEqual(['default', 'root', pulumiRole, ...values('Policy', 'name')].sort());
  expect((await vault('GET', 'auth/jwt/role?list=true')).keys).toEqual(values('AuthBackendRole', 'roleName'));
  expect(await listed('identity/group/id')).toEqual(values('Group', 'name').sort());
  expect(await listed('identity/group-alias/id')).toEqual(values('GroupAlias', 'name').sort());
}

/** Ids of all objects on the API server that carry the stack's label, but those that the cluster makes of others. */
async function labelled(): Promise<string[]> {
  const { groups } = await kube.send<{ groups: { preferredVersion: { groupVersion: string } }[] }>('GET', '/apis');
  const found: string[] = [];
  for (const version of ['v1', ...groups.map((each) => each.preferredVersion.groupVersion)]) {
    const { resources } = await kube.send<{ resources: { name: string; kind: string; verbs: string[] }[] }>('GET', version === 'v1' ? '/api/v1' : `/apis/${version}`);
    for (const { kind, name: resource, verbs } of resources) {
      if (resource.includes('/') || !verbs.includes('list') || !verbs.includes('create') || kind === 'Endpoints') continue;
      for (const { metadata } of await kube.list(version, kind, { labelSelector: `datalab-stacks/stack=${name}` })) {
        if (!metadata.ownerReferences) found.push(`${metadata.namespace ?? '_cluster'}/${kind.toLowerCase()}/${metadata.name}`);
      }
    }
  }
  return found.sort();
}

async function bucketNames(): Promise<string[]> {
  const { Buckets = [] } = await minio.s3((s3) => s3.send(new ListBucketsCommand({})));
  return Buckets.map((each) => each.Name!).sort();
}

async function connect(): Promise<void> {
  const { pulumi } = await ensureTools(['pulumi'], silent);
  const value = await seedOf(stack, region, pulumi);
  const { issuer, s3, vault: address } = endpoints(stack);
  const agents = agentsOf({ ca: authorityOf(region), addresses: Object.fromEntries([issuer, s3, address].map((url) => [new URL(url).hostname, '127.0.0.1'])) });
  kube = new Kube(region.file('kubeconfig'));
  const admin = { url: issuer.replace(/\/realms\/.*/, ''), realm: 'master', clientId: 'admin-cli', username: 'bootstrap-admin', password: derive(value, 'keycloak/bootstrap-admin@v1') };
  keycloak = new KeycloakAdmin(() => admin, agents);
  minio = new MinioServer(() => ({ endpoint: s3, region: 'us-east-1', user: 'root-break-glass', password: derive(value, 'minio/root@v1') }), agents);

  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [vaultAudience] } };
  const { status } = await kube.send<{ status: { token: string } }>('POST', `/api/v1/namespaces/vault/serviceaccounts/${pulumiRole}/token`, body);
  const ask = async (method: string, path: string, headers: Record<string, string>, data?: object) => {
    const answer = await send(agents, new URL(`${address}/v1/${path}`), method, headers, data && JSON.stringify(data));
    if (answer.status >= 300 && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text ? JSON.parse(answer.text) : {};
  };
  const { auth } = await ask('POST', `auth/${workloadsMount}/login`, {}, { role: pulumiRole, jwt: status.token });
  vault = async (method, path, data) => (await ask(method, path, { 'x-vault-token': auth.client_token }, data)).data;
}

function linesOf({ stdout }: { stdout: string }): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('  ')).map((line) => line.trim());
}

/** A moment for each; one in four of each moment. In one of three the engine lives on. */
function pointsAt(operation: Point['operation'], names: readonly string[]): Point[] {
  return shuffled(names).map((each, index) => ({ operation, name: each, moment: moments[index % moments.length]!, milliseconds: Math.floor(random() * 60), engineLives: index % 3 === 2 }));
}

function kindOf({ object }: Entry): string {
  return `${object.apiVersion}/${object.kind}`;
}

function oneOf<T>(list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

function shuffled<T>(list: readonly T[]): T[] {
  return list.map((value) => ({ value, at: random() })).sort((a, b) => a.at - b.at).map(({ value }) => value);
}

/** Numbers from 0 to 1 that follow from the seed: mulberry32. */
function randomOf(start: number): () => number {
  let at = start;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
