import { Agent } from 'node:https';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client, S3ServiceException,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { compose } from '../constructs/compose';
import { Minio, roleArn, workloadAudience } from '../constructs/minio';
import { bucketStatements, policyDocument } from '../constructs/s3-policy';
import { System } from '../constructs/system';
import { Workload } from '../constructs/workload';
import { authorityOf, endpoints, loginOf, seedOf } from '../embedded/credentials';
import { callGateway } from '../embedded/https';
import { Kube } from '../embedded/kube';
import { accessTokenOf, s3CredentialsOf, type S3Credentials } from '../embedded/login';
import { knownAddress } from '../embedded/address';
import { livingContainers } from '../embedded/node/container';
import { loopbackOf } from '../embedded/node/addresses';
import { MinioServer } from '../embedded/plugins/minio-server';
import { agentsOf } from '../embedded/plugins/provider-http';
import { nameOf, sessionOf } from '../embedded/proc';
import { operate, shutDown } from '../embedded/region';
import { readRegion, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { UserError } from '../model/errors';
import { silent } from '../model/progress';
import { loadStack, type Stack } from '../model/stack';
import { derive } from '../provision/secrets';
import { browser, hasBrowser, logInWithBrowser } from './login-page';

/**
 * Both embedded regions with their real servers: PostgreSQL, Keycloak and MinIO. Who may do what with the object store of
 * ls3.local is written down by hand from what people would expect; nothing here reads the grants.
 */
const all = 'probe-data projet-ape projet-fideli user-alice user-bob user-carol user-dave';
const none = ['no', 'no', 'no', 'no', 'no', 'no'];
const expected: Record<string, string[]> = {
  //                                 own   another project platform list                    change a policy
  alice:                           ['yes', 'no',   'no',   'no',    'user-alice',            'no'],
  bob:                             ['yes', 'no',   'no',   'no',    'user-bob',              'no'],
  'carol, a member of ape':        ['yes', 'no',   'yes',  'no',    'projet-ape user-carol', 'no'],
  'dave, an admin':                ['yes', 'no',   'no',   'no',    all,                     'no'],
  anonymous:                       none,
  'an expired token of alice':     none,
  'a token of another realm':      none,
  'a token for another audience':  none,
  'a forged signature':            none,
  'the platform workload':         ['yes', 'no',   'no',   'yes',   'probe-data',            'no'],
  'another workload':              ['no',  'no',   'no',   'no',    'no',                    'no'],
  "alice's pod with its own token": ['no', 'no',   'no',   'no',    'no',                    'no'],
};
const what = ['own bucket', "another's", 'a project', 'platform', 'list buckets', 'change a policy'];

type Caller = S3Credentials | 'anonymous' | 'refused';

describe('the real servers of the embedded regions', () => {
  const directory = mkdtempSync(join(tmpdir(), 'matrix-'));
  const stack = loadStack('ls3.local');
  const open = loadStack('ssp-cloud.local');
  const { issuer, s3: endpoint } = endpoints(stack);
  const state: RegionState = readRegion(stack.name, directory);
  const callers = new Map<string, Caller>();
  let authority: string;
  let kube: Kube;
  let seed: string;
  let openSeed: string;

  beforeAll(async () => {
    const { pulumi } = await ensureTools(['pulumi'], silent);
    await up();
    await operate(open, 'up', { progress: silent, command: 'the test of the servers', state: directory });
    authority = authorityOf(state);
    seed = await seedOf(stack, state, pulumi);
    kube = new Kube(state.file('kubeconfig'));
    await fillBuckets();
    await findCallers();
    openSeed = await seedOf(open, readRegion(open.name, directory), pulumi);
  }, 1_200_000);

  afterAll(async () => {
    kube?.close();
    for (const each of [stack, open]) await shutDown(each, { progress: silent, command: 'the test of the servers', state: directory, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }, 120_000);

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

  const login = (username: string) => loginOf(stack, username, state, seed);
  const exchange = (token: string, arn?: string): Promise<Caller> =>
    s3CredentialsOf(endpoint, authority, token, arn).catch((error: unknown) => {
      if (error instanceof UserError) return 'refused';
      throw error;
    });

  async function serviceAccountToken(namespace: string, name: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [workloadAudience], expirationSeconds: 600 } };
    const answer = await kube.send<{ status: { token: string } }>('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, request);
    return answer.status.token;
  }

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

  async function expiredToken(): Promise<string> {
    const { call } = await administration();
    const [client] = await call('GET', '/clients?clientId=datalab-cli');
    await call('PUT', `/clients/${client.id}`, { ...client, attributes: { ...client.attributes, 'access.token.lifespan': '1' } });
    const token = await accessTokenOf(login('alice'));
    await call('PUT', `/clients/${client.id}`, { ...client, attributes: { ...client.attributes, 'access.token.lifespan': '' } });
    await sleep(3000);
    return token;
  }

  async function findCallers(): Promise<void> {
    const alice = await accessTokenOf(login('alice'));
    callers.set('alice', await exchange(alice));
    callers.set('bob', await exchange(await accessTokenOf(login('bob'))));
    callers.set('carol, a member of ape', await exchange(await accessTokenOf(login('carol'))));
    callers.set('dave, an admin', await exchange(await accessTokenOf(login('dave'))));
    callers.set('anonymous', 'anonymous');
    callers.set('an expired token of alice', await exchange(await expiredToken()));
    callers.set('a token of another realm', await exchange((await administration()).token));
    const account = { clientId: 'account-console', redirectUri: `${issuer}/account/` };
    callers.set('a token for another audience', await exchange(await accessTokenOf({ ...login('alice'), ...account })));
    const [head, body, signature] = alice.split('.') as [string, string, string];
    callers.set('a forged signature', await exchange([head, body, signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`].join('.')));
    const arn = roleArn(workloadAudience);
    callers.set('the platform workload', await exchange(await serviceAccountToken('probe', 'writer'), arn));
    callers.set('another workload', await exchange(await serviceAccountToken('probe', 'idle'), arn));
    callers.set("alice's pod with its own token", await exchange(await serviceAccountToken('user-alice', 'default'), arn));
  }

  function client(caller: Caller | 'root'): S3Client {
    const lookup = (_host: string, options: { all?: boolean }, done: (...answer: any[]) => void) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const keys =
      caller === 'root'
        ? { accessKeyId: 'root-break-glass', secretAccessKey: derive(seed, 'minio/root@v1') }
        : typeof caller === 'string'
          ? { accessKeyId: '', secretAccessKey: '' }
          : { accessKeyId: caller.AWS_ACCESS_KEY_ID, secretAccessKey: caller.AWS_SECRET_ACCESS_KEY, sessionToken: caller.AWS_SESSION_TOKEN };
    return new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: keys,
      maxAttempts: 1,
      ...(caller === 'anonymous' ? { signer: { sign: async (request: any) => request } } : {}),
      requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: authority, lookup: lookup as never }) }),
    });
  }

  /** Each person has a bucket with a document, and so have projects and the platform. */
  async function fillBuckets(): Promise<void> {
    const root = client('root');
    for (const bucket of all.split(' ')) {
      await root.send(new CreateBucketCommand({ Bucket: bucket })).catch(() => undefined);
      await root.send(new PutObjectCommand({ Bucket: bucket, Key: 'document', Body: 'text' }));
    }
  }

  async function observe(who: string): Promise<string[]> {
    const caller = callers.get(who)!;
    if (caller === 'refused') return none;
    const s3 = client(caller);
    const person = /^\w+/.exec(who)![0];
    const own = /workload/.test(who) ? 'probe-data' : `user-${['alice', 'bob', 'carol', 'dave'].includes(person) ? person : 'alice'}`;
    const may = async (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'yes',
        (error: unknown) => {
          if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) return 'no';
          throw error;
        },
      );
    const write = (bucket: string) => may(s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'from-the-matrix', Body: who })));
    const read = (bucket: string) => may(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'document' })));
    const listed = await s3.send(new ListBucketsCommand({})).then(
      (answer) => (answer.Buckets ?? []).map(({ Name }) => Name).sort().join(' ') || 'no',
      (error: unknown) => (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403 ? 'no' : Promise.reject(error)),
    );
    const open = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${own}/*`] }] });
    return [
      await write(own),
      await read(own === 'user-bob' ? 'user-alice' : 'user-bob'),
      await write('projet-ape'),
      await write('probe-data'),
      listed,
      await may(s3.send(new PutBucketPolicyCommand({ Bucket: own, Policy: open }))),
    ];
  }

  test.each(Object.keys(expected))('%s', async (who) => {
    const observed = await observe(who);
    const cells = (answers: string[]) => Object.fromEntries(what.map((column, index) => [column, answers[index]]));
    expect(cells(observed)).toEqual(cells(expected[who]!));
  });

  test('a policy widened on the server flips the predicted cells, is named by refresh, and restored by up', async () => {
    const s3 = { progress: silent, command: 'the test of the servers', state: directory, platform: withProbe() };
    const widened = policyDocument([...bucketStatements('user-*', 'read-write')]);
    await minioServer().admin('PUT', 'add-canned-policy', { name: 'person' }, widened);
    const another = what.indexOf("another's");
    for (const who of ['alice', 'bob', 'carol, a member of ape', 'dave, an admin']) {
      expect((await observe(who))[another]).toBe('yes');
    }
    for (const who of ['the platform workload', 'another workload', 'a forged signature']) {
      expect((await observe(who)).filter((_, index) => index !== 4)).toEqual(expected[who]!.filter((_, index) => index !== 4));
    }
    expect((await operate(stack, 'refresh', s3)).changed).toEqual(['update minio/iampolicy/person']);
    expect((await up()).changes.update).toBe(1);
    expect((await observe('alice'))[another]).toBe('no');
  }, 240_000);

  test('a second run has nothing to do in either region', async () => {
    expect((await up()).changed).toEqual([]);
    expect((await operate(open, 'up', { progress: silent, command: 'the test of the servers', state: directory })).changed).toEqual([]);
  }, 120_000);

  const browsers: [string, Stack, () => string][] = [['ls3.local', stack, () => seed], ['ssp-cloud.local', open, () => openSeed]];
  (hasBrowser ? test.each(browsers) : test.skip.each(browsers))(`a browser logs in on the page of %s, which wears its brand${hasBrowser ? '' : ` (skipped: there is no ${browser})`}`, async (name, each, seedOfIt) => {
    const { brand } = each.instance;
    const { issuer: realm } = endpoints(each);
    const query = new URLSearchParams({
      response_type: 'code', client_id: 'datalab-cli', redirect_uri: 'http://127.0.0.1:8250/callback', scope: 'openid', state: 'x',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
    });
    const page = await logInWithBrowser(`${realm}/protocol/openid-connect/auth?${query}`, 'alice', derive(seedOfIt(), 'keycloak/demo-alice@v1'), process.env.SCREENSHOTS && join(process.env.SCREENSHOTS, `${name}.png`));
    expect(page.title.toLowerCase()).toBe(brand.name.toLowerCase());
    const { primary, background } = brand.colours;
    expect([page.titleColour, page.buttonColour, page.background]).toEqual([rgb(primary), rgb(primary), rgb(background)]);
    expect(page.logoBytes).toBe(Buffer.byteLength(each.logo));
    expect(new URL(page.redirect).searchParams.get('code')).toBeTruthy();
  }, 120_000);

  test('MinIO restarted while Keycloak is down serves again by itself when Keycloak is back', async () => {
    const s3 = client(callers.get('alice')!);
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

  test.each(['postgresql', 'keycloak', 'minio'])('%s killed under load keeps every acknowledged write, and is healthy again without help', async (system) => {
    const load = await loads[system]!();
    const acknowledged: string[] = [];
    let stopped = false;
    const writing = (async () => {
      for (let count = 0; !stopped; count++) {
        const key = `write-${system}-${count}`;
        await load.write(key).then(() => acknowledged.push(key), () => sleep(200));
      }
    })();
    await until('some writes', async () => acknowledged.length >= 5);
    const { record } = livingContainers(state).find((each) => each.record.namespace === system)!;
    const victim = sessionOf(record.pid).find((pid) => nameOf(pid) === { postgresql: 'postgres', keycloak: 'java', minio: 'minio' }[system])!;
    process.kill(victim, 'SIGKILL');
    const before = acknowledged.length;
    await until('writes go on', async () => acknowledged.length >= before + 5);
    stopped = true;
    await writing;
    expect(await load.missing(acknowledged)).toEqual([]);
    await until('every pod is ready', async () => {
      const pods = (await Promise.all(['postgresql', 'keycloak', 'minio'].map((namespace) => kube.list('v1', 'Pod', { namespace })))).flat();
      return pods.every((pod) => pod.status?.phase === 'Succeeded' || pod.status?.conditions?.some((condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True'));
    });
  }, 300_000);

  test('after down and up the data is there', async () => {
    await shutDown(stack, { progress: silent, command: 'the test of the servers', state: directory, deleteData: false });
    expect((await up()).changed).toEqual([]);
    const again = client(await exchange(await accessTokenOf(login('alice'))));
    const object = await again.send(new GetObjectCommand({ Bucket: 'user-alice', Key: 'document' }));
    expect(await object.Body!.transformToString()).toBe('text');
  }, 300_000);

  interface Load {
    write(key: string): Promise<unknown>;
    /** Those of the keys that are not there. */
    missing(keys: readonly string[]): Promise<string[]>;
  }

  /** A steady load on each server through its public interface. */
  const loads: Record<string, () => Promise<Load>> = {
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
          const found = await Promise.all(keys.map((key) => s3.send(new GetObjectCommand({ Bucket: 'user-alice', Key: key })).then(() => true, () => false)));
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
