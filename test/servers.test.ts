import { Agent } from 'node:https';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { embeddedAccess } from '../cli/region-access';
import { compose } from '../constructs/compose';
import { Minio } from '../constructs/minio';
import { bucketStatements, minioPolicy, policyDocument } from '../constructs/s3-policy';
import { System } from '../constructs/system';
import { peopleSecrets } from '../constructs/vault-access';
import { Workload } from '../constructs/workload';
import { authorityOf, endpoints, loginOf, seedOf } from '../embedded/credentials';
import { callGateway } from '../embedded/https';
import { Kube, saysReady } from '../embedded/kube';
import { accessTokenOf, s3CredentialsOf, vaultTokenOf, type S3Credentials } from '../embedded/login';
import { knownAddress } from '../embedded/address';
import { livingContainers } from '../embedded/node/container';
import { loopbackOf } from '../embedded/node/addresses';
import { MinioServer } from '../embedded/plugins/minio-server';
import { agentsOf } from '../embedded/plugins/provider-http';
import { nameOf, sessionOf } from '../embedded/proc';
import { operate, shutDown } from '../embedded/region';
import { readRegion, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack, type Stack } from '../model/stack';
import { derive } from '../provision/secrets';
import { verify } from '../review/matrix/run';
import { browser, hasBrowser, logInWithBrowser } from './login-page';

/**
 * Both embedded regions with their real servers: PostgreSQL, Keycloak, MinIO and Vault. Who may do what with the object store of
 * ls3.local is written down by hand from what people would expect, with a workload that is granted a bucket.
 */
const none = ['no', 'no', 'no', 'no', 'no', 'no', 'no', 'no'];
const expected: Record<string, string[]> = {
  //                            own   another project platform list  policy key  >12 h
  'a person':                  ['rw', 'no',   'no',   'no',    'no', 'no', 'no', 'no'],
  'another person':            ['rw', 'no',   'no',   'no',    'no', 'no', 'no', 'no'],
  'a member of the project':   ['rw', 'no',   'rw',   'no',    'no', 'no', 'no', 'no'],
  'an administrator':          ['rw', 'no',   'no',   'no',    'yes', 'no', 'no', 'no'],
  anonymous:                   none,
  'an expired token':          none,
  'a token of another realm':  none,
  'another audience':          none,
  'a forged signature':        none,
  'a platform workload':       ['rw', 'no',   'no',   'rw',    'no', 'no', 'no', 'no'],
  'another workload':          none,
  "a person's pod, own token": none,
  "a person's pod, injected":  ['rw', 'no',   'no',   'no',    'no', 'no', 'no', 'no'],
};
const columns = ['own', 'another', 'project', 'platform', 'list', 'policy', 'key', '>12 h'];
const buckets = ['probe-data', 'projet-ape', 'projet-fideli', 'user-alice', 'user-bob', 'user-carol', 'user-dave'];
const people = ['a person', 'another person', 'a member of the project', "a person's pod, injected"];

describe('the real servers of the embedded regions', () => {
  const directory = mkdtempSync(join(tmpdir(), 'matrix-'));
  const stack = loadStack('ls3.local');
  const open = loadStack('ssp-cloud.local');
  const { issuer, s3: endpoint } = endpoints(stack);
  const state: RegionState = readRegion(stack.name, directory);
  let authority: string;
  let kube: Kube;
  let openKube: Kube;
  let seed: string;
  let openSeed: string;
  let pulumi: string;
  let alice: S3Credentials;

  beforeAll(async () => {
    ({ pulumi } = await ensureTools(['pulumi'], silent));
    await up();
    await operate(open, 'up', { progress: silent, command: 'the test of the servers', state: directory });
    authority = authorityOf(state);
    seed = await seedOf(stack, state, pulumi);
    kube = new Kube(state.file('kubeconfig'));
    openKube = new Kube(stateOf(open).file('kubeconfig'));
    await fillBuckets();
    alice = await s3CredentialsOf(endpoint, authority, await accessTokenOf(login('alice')));
    openSeed = await seedOf(open, stateOf(open), pulumi);
  }, 1_200_000);

  afterAll(async () => {
    kube?.close();
    openKube?.close();
    for (const each of [stack, open]) await shutDown(each, { progress: silent, command: 'the test of the servers', state: directory, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }, 300_000);

  const up = () => operate(stack, 'up', { progress: silent, command: 'the test of the servers', state: directory, platform: withProbe() });

  /** The platform with two workloads more: one with a bucket of its own, one without. */
  function withProbe() {
    const platform = compose(stack);
    const minio = platform.node.children.find((child): child is Minio => child instanceof Minio)!;
    const system = new System(platform, 'probe');
    const workload = (name: string) =>
      new Workload(system, name, { kind: 'Job', image: { repository: 'docker.io/library/nothing', tag: '1' }, cpu: '10m', memory: '16Mi', user: 1000 });
    minio.bucket('probe-data').grantReadWrite(workload('writer'));
    workload('idle');
    return platform;
  }

  const stateOf = (where: Stack) => readRegion(where.name, directory);
  const kubeOf = (where: Stack) => (where === stack ? kube : openKube);
  const login = (username: string) => loginOf(stack, username, state, seed);

  /** The S3 cells of the matrix, by who and column. */
  async function matrix(): Promise<Record<string, Record<string, string>>> {
    const region = await embeddedAccess(withProbe(), state, pulumi);
    try {
      const { cells } = await verify(region, silent);
      const rows: Record<string, Record<string, string>> = {};
      for (const { who, what, observed } of cells) if (what.startsWith('S3 ')) (rows[who] ??= {})[what.slice(3)] = observed;
      return rows;
    } finally {
      region.close();
    }
  }

  const table = (flipped: Record<string, Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(expected).map(([who, row]) => [who, { ...Object.fromEntries(columns.map((column, index) => [column, row[index]])), ...flipped[who] }]));

  async function administration(): Promise<{ token: string; call: (method: string, path: string, body?: unknown) => Promise<any> }> {
    const master = issuer.replace(/\/realms\/.*/, '');
    const answer = await callGateway(`${master}/realms/master/protocol/openid-connect/token`, authority, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: 'bootstrap-admin', password: derive(seed, 'keycloak/bootstrap-admin@v1') }).toString(),
    });
    const token = (JSON.parse(answer.text) as { access_token: string }).access_token;
    return {
      token,
      call: async (method, path, body) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        const { status, text } = await callGateway(`${master}/admin/realms/${stack.instance.realm}${path}`, authority, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
        if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
        return text ? JSON.parse(text) : undefined;
      },
    };
  }

  function client(caller: S3Credentials | 'root'): S3Client {
    const lookup = (_host: string, options: { all?: boolean }, done: (...answer: any[]) => void) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const keys =
      caller === 'root'
        ? { accessKeyId: 'root-break-glass', secretAccessKey: derive(seed, 'minio/root@v1') }
        : { accessKeyId: caller.AWS_ACCESS_KEY_ID, secretAccessKey: caller.AWS_SECRET_ACCESS_KEY, sessionToken: caller.AWS_SESSION_TOKEN };
    return new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: keys,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: authority, lookup: lookup as never }) }),
    });
  }

  /** Each person has a bucket with a document, and so have projects and the platform. */
  async function fillBuckets(): Promise<void> {
    const root = client('root');
    for (const bucket of buckets) {
      await root.send(new CreateBucketCommand({ Bucket: bucket })).catch(() => undefined);
      await root.send(new PutObjectCommand({ Bucket: bucket, Key: 'document', Body: 'text' }));
    }
  }

  test('who may do what with the object store', async () => {
    expect(await matrix()).toEqual(table());
  }, 300_000);

  test('a policy widened on the server flips the predicted cells, is named by refresh, and restored by up', async () => {
    const options = { progress: silent, command: 'the test of the servers', state: directory, platform: withProbe() };
    await minioServer().admin('PUT', 'add-canned-policy', { name: 'person' }, minioPolicy([...bucketStatements('user-*', 'read-write')]));
    expect(await matrix()).toEqual(table({ ...Object.fromEntries(people.map((who) => [who, { another: 'rw', list: 'yes' }])), 'an administrator': { another: 'rw' } }));
    expect((await operate(stack, 'refresh', options)).changed).toEqual(['update minio/iampolicy/person']);
    expect((await up()).changes.update).toBe(1);
    expect(await matrix()).toEqual(table());
  }, 900_000);

  test('a policy that forgets to deny static keys lets those make them whom no other policy denies it', async () => {
    await minioServer().admin('PUT', 'add-canned-policy', { name: 'person' }, policyDocument([...bucketStatements('user-${jwt:preferred_username}', 'read-write')]));
    const minted = ['a person', 'another person', "a person's pod, injected"];
    expect(await matrix()).toEqual(table(Object.fromEntries(minted.map((who) => [who, { key: 'yes' }]))));
    await operate(stack, 'refresh', { progress: silent, command: 'the test of the servers', state: directory, platform: withProbe() });
    expect((await up()).changes.update).toBe(1);
  }, 900_000);

  test('a second run has nothing to do in either region', async () => {
    expect((await up()).changed).toEqual([]);
    expect((await operate(open, 'up', { progress: silent, command: 'the test of the servers', state: directory })).changed).toEqual([]);
  }, 300_000);

  const browsers: [string, Stack, () => string][] = [['ls3.local', stack, () => seed], ['ssp-cloud.local', open, () => openSeed]];
  (hasBrowser ? test.each(browsers) : test.skip.each(browsers))(`a browser logs in on the page of %s, which wears its brand${hasBrowser ? '' : ` (skipped: there is no ${browser})`}`, async (name, each, seedOfIt) => {
    const { brand } = each.instance;
    const { issuer: realm, clientId, redirectUri } = loginOf(each, 'alice', stateOf(each), seedOfIt());
    const query = new URLSearchParams({
      response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: 'openid', state: 'x',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
    });
    const page = await logInWithBrowser(`${realm}/protocol/openid-connect/auth?${query}`, 'alice', derive(seedOfIt(), 'keycloak/demo-alice@v1'), process.env.SCREENSHOTS && join(process.env.SCREENSHOTS, `${name}.png`));
    expect(page.title.toLowerCase()).toBe(brand.name.toLowerCase());
    const { primary, background } = brand.colours;
    expect([page.titleColour, page.buttonColour, page.background]).toEqual([rgb(primary), rgb(primary), rgb(background)]);
    expect(page.logoBytes).toBe(Buffer.byteLength(each.logo));
    expect(new URL(page.redirect).searchParams.get('code')).toBeTruthy();
  }, 300_000);

  test('MinIO restarted while Keycloak is down serves again by itself when Keycloak is back', async () => {
    const s3 = client(alice);
    const read = () => s3.send(new GetObjectCommand({ Bucket: 'user-alice', Key: 'document' })).then(() => 'read', (error: { name: string }) => error.name);
    await scale('keycloak', 0);
    await until('Keycloak is gone', async () => (await kube.list('v1', 'Pod', { namespace: 'keycloak' })).length === 0);
    expect(await read()).toBe('read');
    const [before] = await kube.list('v1', 'Pod', { namespace: 'minio' });
    await kube.delete({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'minio-0', namespace: 'minio' } });
    await until('MinIO runs again', async () => {
      const [pod] = await kube.list('v1', 'Pod', { namespace: 'minio' });
      return pod !== undefined && pod.metadata.uid !== before!.metadata.uid && pod.status?.phase === 'Running';
    });
    expect(await read()).not.toBe('read');
    await scale('keycloak', 1);
    await until('alice reads again', async () => (await read()) === 'read');
  }, 300_000);

  const systems: [string, string, Stack][] = [['postgresql', 'postgres', stack], ['keycloak', 'java', stack], ['minio', 'minio', stack], ['vault', 'vault', open]];

  test.each(systems)('%s killed under load keeps every acknowledged write, and is healthy again without help', async (system, program, where) => {
    await killUnderLoad(system, program, where);
  }, 300_000);

  test('Vault that operators open, killed under load, is sealed and says so; the next up opens it with every acknowledged write', async () => {
    await killUnderLoad('vault', 'vault', stack, async (load) => {
      const started = async () => {
        const [pod] = await kube.list('v1', 'Pod', { namespace: 'vault' });
        const [container] = pod!.status.containerStatuses as { restartCount: number; state: { running?: object } }[];
        return container!.restartCount > 0 && container!.state.running !== undefined;
      };
      await until('Vault runs again', started);
      await expect(load.write('while it is sealed')).rejects.toThrow(/503 .*no pod of vault\/vault is ready/);
      expect((await up()).changed).toEqual([]);
    });
  }, 300_000);

  test('after down and up the data is there', async () => {
    await shutDown(stack, { progress: silent, command: 'the test of the servers', state: directory, deleteData: false });
    expect((await up()).changed).toEqual([]);
    const again = client(await s3CredentialsOf(endpoint, authority, await accessTokenOf(login('alice'))));
    const object = await again.send(new GetObjectCommand({ Bucket: 'user-alice', Key: 'document' }));
    expect(await object.Body!.transformToString()).toBe('text');
  }, 300_000);

  interface Load {
    write(key: string): Promise<unknown>;
    /** Those of the keys that are not there. Fails when the server does not answer. */
    missing(keys: readonly string[]): Promise<string[]>;
  }

  /** Ends a program of a region with SIGKILL while it is written to and read from, and waits until the region is as before. */
  async function killUnderLoad(system: string, program: string, where: Stack, help: (load: Load) => Promise<void> = async () => undefined): Promise<void> {
    const load = await loads[system]!(where);
    const acknowledged: string[] = [];
    const lost: string[] = [];
    let stopped = false;
    const steadily = async (work: (count: number) => Promise<unknown>) => {
      for (let count = 0; !stopped; count++) await work(count).catch(() => sleep(200));
    };
    const writing = steadily(async (count) => {
      const key = `write-${system}-${count}`;
      await load.write(key);
      acknowledged.push(key);
    });
    const reading = steadily(async () => {
      lost.push(...(await load.missing(acknowledged.slice(-3))));
      await sleep(50);
    });
    try {
      await until('some writes', async () => acknowledged.length >= 5);
      const { record } = livingContainers(stateOf(where)).find((each) => each.record.namespace === system)!;
      process.kill(sessionOf(record.pid).find((pid) => nameOf(pid) === program)!, 'SIGKILL');
      await help(load);
      const before = acknowledged.length;
      await until('writes go on', async () => acknowledged.length >= before + 5);
    } finally {
      stopped = true;
      await Promise.all([writing, reading]);
    }
    expect([...lost, ...(await load.missing(acknowledged))]).toEqual([]);
    await until('every pod is ready', async () => {
      const pods = (await Promise.all(systems.map(([namespace]) => kubeOf(where).list('v1', 'Pod', { namespace })))).flat();
      return pods.every((pod) => pod.status?.phase === 'Succeeded' || saysReady(pod));
    });
  }

  /** A steady load on each server through its public interface. */
  const loads: Record<string, (where: Stack) => Promise<Load>> = {
    postgresql: async () => {
      const psql = async (sql: string) => {
        const [pod] = (await kube.list('v1', 'Pod', { namespace: 'postgresql' })).filter((each) => each.metadata.name === 'postgresql-0');
        const host = loopbackOf(pod!.status.podIP, knownAddress(state)!)!;
        const env = { PATH: process.env.PATH, PGPASSWORD: derive(seed, 'keycloak/database@v1'), PGCONNECT_TIMEOUT: '5' };
        return (await promisify(execFile)('psql', ['-h', host, '-U', 'keycloak', '-d', 'keycloak', '-Atc', sql], { env })).stdout;
      };
      await psql('CREATE TABLE load (key text)');
      return {
        write: (key) => psql(`INSERT INTO load VALUES ('${key}')`),
        missing: async (keys) => {
          const there = new Set((await psql('SELECT key FROM load')).split('\n'));
          return keys.filter((key) => !there.has(key));
        },
      };
    },
    keycloak: async () => {
      const again = async <T>(work: (call: (method: string, path: string, body?: unknown) => Promise<any>) => Promise<T>) => work((await administration()).call);
      return {
        write: (key) => again((call) => call('POST', '/groups', { name: key })),
        missing: async (keys) => {
          const groups = (await again((call) => call('GET', '/groups?max=10000'))) as { name: string }[];
          return keys.filter((key) => !groups.some(({ name }) => name === key));
        },
      };
    },
    minio: async () => {
      const s3 = client('root');
      return {
        write: (key) => s3.send(new PutObjectCommand({ Bucket: 'user-alice', Key: key, Body: key })),
        missing: async (keys) => {
          const found = await Promise.all(keys.map((key) => s3.send(new GetObjectCommand({ Bucket: 'user-alice', Key: key })).then(() => true, (error: { name: string }) => {
            if (error.name === 'NoSuchKey') return false;
            throw error as unknown as Error;
          })));
          return keys.filter((_, index) => !found[index]);
        },
      };
    },
    vault: async (where) => {
      const { vault } = endpoints(where);
      const its = stateOf(where);
      const person = loginOf(where, 'alice', its, where === stack ? seed : openSeed, 'vault');
      const token = await vaultTokenOf(vault, authorityOf(its), await accessTokenOf(person));
      const call = async (method: string, key: string, body?: object) => {
        const headers = { 'x-vault-token': token, 'content-type': 'application/json' };
        const { status, text } = await callGateway(`${vault}/v1/${peopleSecrets}/data/user-alice/${key}`, authorityOf(its), { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
        // So it answers when there is no such secret; without its engine it gives a reason.
        if (status === 404 && JSON.parse(text).errors.length === 0) return undefined;
        if (status !== 200) throw new Error(`${status} ${text}`);
        return JSON.parse(text).data.data;
      };
      return {
        write: (key) => call('POST', key, { data: { key } }),
        missing: async (keys) => {
          const found = await Promise.all(keys.map(async (key) => (await call('GET', key))?.key === key));
          return keys.filter((_, index) => !found[index]);
        },
      };
    },
  };

  async function scale(name: string, replicas: number): Promise<void> {
    await kube.send('PATCH', `/apis/apps/v1/namespaces/${name}/statefulsets/${name}`, { spec: { replicas } }, 'application/merge-patch+json');
  }

  function minioServer(): MinioServer {
    const addresses = { [new URL(endpoint).hostname]: '127.0.0.1' };
    return new MinioServer(() => ({ endpoint, region: 'us-east-1', user: 'root-break-glass', password: derive(seed, 'minio/root@v1') }), agentsOf({ addresses, ca: authority }));
  }
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 200_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not in 200 s: ${what}`);
    await sleep(300);
  }
}

function rgb(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgb(${red}, ${green}, ${blue})`;
}
