import { Agent } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client, S3ServiceException,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { compose } from '../constructs/compose';
import { Minio, roleArn, workloadAudience } from '../constructs/minio';
import { System } from '../constructs/system';
import { Workload } from '../constructs/workload';
import { authorityOf, endpoints, loginOf, seedOf } from '../embedded/credentials';
import { callGateway } from '../embedded/https';
import { Kube } from '../embedded/kube';
import { accessTokenOf, s3CredentialsOf, type S3Credentials } from '../embedded/login';
import { operate, shutDown } from '../embedded/region';
import { readRegion, type RegionState } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { UserError } from '../model/errors';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { derive } from '../provision/secrets';

/**
 * Who may do what with the object store of ls3.local, on the real Keycloak and MinIO. The expectations are written by
 * hand from what people would expect; nothing here reads the grants.
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

describe('the access matrix of the object store', () => {
  const directory = mkdtempSync(join(tmpdir(), 'matrix-'));
  const stack = loadStack('ls3.local');
  const { issuer, s3: endpoint } = endpoints(stack);
  const state: RegionState = readRegion(stack.name, directory);
  const callers = new Map<string, Caller>();
  let authority: string;
  let kube: Kube;
  let seed: string;

  beforeAll(async () => {
    const { pulumi } = await ensureTools(['pulumi'], silent);
    await operate(stack, 'up', { progress: silent, command: 'the access matrix', state: directory, platform: withProbe() });
    authority = authorityOf(state);
    seed = await seedOf(stack, state, pulumi);
    kube = new Kube(state.file('kubeconfig'));
    await fillBuckets();
    await findCallers();
  }, 900_000);

  afterAll(async () => {
    kube?.close();
    await shutDown(stack, { progress: silent, command: 'the access matrix', state: directory, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }, 120_000);

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
});
