import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { compose } from '../../constructs/compose';
import { knownAddress } from '../../embedded/address';
import { authorityOf, endpoints, loginOf, seedOf } from '../../embedded/credentials';
import { configFile } from '../../embedded/engine';
import { callGateway } from '../../embedded/https';
import { Kube } from '../../embedded/kube';
import { accessTokenOf, s3CredentialsOf } from '../../embedded/login';
import { loopbackOf } from '../../embedded/node/addresses';
import { operate, shutDown } from '../../embedded/region';
import { rotate } from '../../embedded/rotate';
import { readRegion } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { labelOf, raised, readVersions, writeVersions, type SecretVersions } from '../../model/secret-versions';
import { loadStack } from '../../model/stack';
import { derive } from '../../provision/secrets';
import { secretUses } from '../../review/secrets';
import { eventually } from '../embedded/temporary';
import { start } from '../region';

/** The real servers of ssp-cloud.local are asked which passwords they accept; the tests run in the order they stand in. */
describe('rotation', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rotate-'));
  const stack = loadStack('ssp-cloud.local');
  const state = readRegion(stack.name, directory);
  const { issuer, s3: endpoint } = endpoints(stack);
  const options = { progress: silent, command: 'the test of rotation', state: directory };
  const rotated = ['keycloak/bootstrap-admin', 'keycloak/database', 'keycloak/demo-alice', 'minio/root', 'postgresql/superuser'];
  const all = secretUses(compose(stack)).map(({ name }) => name);
  let kube: Kube;
  let pulumi: string;
  let seed: string;

  beforeAll(async () => {
    ({ pulumi } = await ensureTools(['pulumi'], silent));
    await up();
    kube = new Kube(state.file('kubeconfig'));
    seed = await currentSeed();
    await fill();
  }, 900_000);

  afterAll(async () => {
    kube?.close();
    await shutDown(stack, { ...options, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }, 300_000);

  const up = () => operate(stack, 'up', options);
  const versions = () => readVersions(configFile(state));
  const currentSeed = () => seedOf(stack, state, pulumi);
  const value = (name: string, of: SecretVersions = versions(), from = seed) => derive(from, labelOf(of, name));

  /** Whether the server that a secret is for accepts a value. Anything but a clear yes or no is an error. */
  async function opens(name: string, password: string): Promise<boolean> {
    switch (name) {
      case 'postgresql/superuser':
        return sqlOpens('postgres', password);
      case 'keycloak/database':
        return sqlOpens('keycloak', password);
      case 'keycloak/bootstrap-admin':
        return grants('master', 'admin-cli', { grant_type: 'password', username: 'bootstrap-admin', password });
      case 'minio/root':
        return s3(password).send(new ListBucketsCommand({})).then(() => true, (error: unknown) => {
          if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) return false;
          throw error;
        });
      default: {
        const login = { ...loginOf(stack, name.replace('keycloak/demo-', ''), state, seed), password };
        return accessTokenOf(login).then(() => true, (error: Error) => {
          // The login page once more.
          if (/^ +got +200/m.test(error.message)) return false;
          throw error;
        });
      }
    }
  }

  async function psql(user: string, password: string, sql: string): Promise<string> {
    const pod = (await kube.get({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'postgresql-0', namespace: 'postgresql' } }))!;
    const host = loopbackOf(pod.status.podIP, knownAddress(state)!)!;
    const env = { PATH: process.env.PATH, PGPASSWORD: password, PGCONNECT_TIMEOUT: '5' };
    return (await promisify(execFile)('psql', ['-h', host, '-U', user, '-d', user, '-Atc', sql], { env })).stdout.trim();
  }

  function sqlOpens(user: string, password: string): Promise<boolean> {
    return psql(user, password, 'SELECT 1').then(() => true, (error: { stderr: string }) => {
      if (error.stderr.includes('password authentication failed')) return false;
      throw error as unknown as Error;
    });
  }

  async function token(realm: string, clientId: string, fields: Record<string, string>) {
    const answer = await callGateway(`${issuer.replace(/[^/]+$/, realm)}/protocol/openid-connect/token`, authorityOf(state), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ client_id: clientId, ...fields }).toString(),
    });
    return { status: answer.status, ...(JSON.parse(answer.text) as { access_token: string; refresh_token: string; error: string }) };
  }

  async function grants(realm: string, clientId: string, fields: Record<string, string>): Promise<boolean> {
    const { status, error } = await token(realm, clientId, fields);
    if (status !== 200 && error !== 'invalid_grant') throw new Error(`${status} ${error}`);
    return status === 200;
  }

  function s3(password: string, user = 'root-break-glass', sessionToken?: string): S3Client {
    const lookup = (_host: string, _options: unknown, done: (...args: unknown[]) => void) => done(null, [{ address: '127.0.0.1', family: 4 }]);
    return new S3Client({
      endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1,
      credentials: { accessKeyId: user, secretAccessKey: password, ...(sessionToken ? { sessionToken } : {}) },
      requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: authorityOf(state), lookup: lookup as never }) }),
    });
  }

  /** Something of each server that must be there afterwards. */
  async function fill(): Promise<void> {
    await psql('postgres', value('postgresql/superuser'), "CREATE TABLE kept AS SELECT 'row' AS content");
    const root = s3(value('minio/root'));
    await root.send(new CreateBucketCommand({ Bucket: 'user-alice' }));
    await root.send(new PutObjectCommand({ Bucket: 'user-alice', Key: 'kept', Body: 'object' }));
  }

  async function data(): Promise<string[]> {
    const object = await s3(value('minio/root')).send(new GetObjectCommand({ Bucket: 'user-alice', Key: 'kept' }));
    return [await psql('postgres', value('postgresql/superuser'), 'SELECT content FROM kept'), await object.Body!.transformToString()];
  }

  /** Uids of a system's StatefulSet and of its pod. */
  async function uids(name: string): Promise<{ set: string; pod: string }> {
    const uid = async (apiVersion: string, kind: string, object: string) => (await kube.get({ apiVersion, kind, metadata: { name: object, namespace: name } }))!.metadata.uid!;
    return { set: await uid('apps/v1', 'StatefulSet', name), pod: await uid('v1', 'Pod', `${name}-0`) };
  }

  /** Which names have a value that is accepted. */
  async function accepted(names: readonly string[], password: (name: string) => string): Promise<string[]> {
    const found: string[] = [];
    for (const name of names) if (await opens(name, password(name))) found.push(name);
    return found;
  }

  test('of several secrets: the servers refuse the old values and accept the new, restart only where they must, and keep the data', async () => {
    const before = versions();
    const servers = ['postgresql', 'keycloak', 'minio'];
    const old = Object.fromEntries(await Promise.all(servers.map(async (name) => [name, await uids(name)] as const)));
    expect(await accepted(all, (name) => value(name))).toEqual(all);
    const session = await token('master', 'admin-cli', { grant_type: 'password', username: 'bootstrap-admin', password: value('keycloak/bootstrap-admin') });
    const credentials = await s3CredentialsOf(endpoint, authorityOf(state), await accessTokenOf(loginOf(stack, 'alice', state, seed)));

    await rotate(stack, rotated, options);

    expect(versions()).toEqual(raised(before, rotated));
    expect(await accepted(rotated, (name) => value(name, before))).toEqual([]);
    expect(await accepted(all, (name) => value(name))).toEqual(all);
    expect(await data()).toEqual(['row', 'object']);
    const now = Object.fromEntries(await Promise.all(servers.map(async (name) => [name, await uids(name)] as const)));
    expect(servers.filter((name) => now[name]!.set !== old[name]!.set)).toEqual([]);
    expect(servers.filter((name) => now[name]!.pod !== old[name]!.pod)).toEqual(['keycloak', 'minio']);
    // Sessions that the old password opened are over.
    expect(await grants('master', 'admin-cli', { grant_type: 'refresh_token', refresh_token: session.refresh_token })).toBe(false);
    const alice = s3(credentials.AWS_SECRET_ACCESS_KEY, credentials.AWS_ACCESS_KEY_ID, credentials.AWS_SESSION_TOKEN);
    await expect(alice.send(new GetObjectCommand({ Bucket: 'user-alice', Key: 'kept' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect((await up()).changed).toEqual([]);
  }, 1_200_000);

  test('killed between the server and its consumer: it goes on working, and the next up completes the rotation', async () => {
    const before = versions();
    const rotation = start(directory, 'rotate', 'keycloak/database', stack.name);
    await eventually('the role has its new password', async () => !(await opens('keycloak/database', value('keycloak/database', before))), 300);
    await rotation.kill();
    expect(await grants('master', 'admin-cli', { grant_type: 'password', username: 'bootstrap-admin', password: value('keycloak/bootstrap-admin') })).toBe(true);
    expect(versions()).toEqual(raised(before, ['keycloak/database']));
    await up();
    expect(await accepted(all, (name) => value(name))).toEqual(all);
    expect((await up()).changed).toEqual([]);
  }, 1_200_000);

  test('raised twice before a deployment: the server is told with the value that it really has', async () => {
    const before = versions();
    writeVersions(configFile(state), raised(raised(before, ['postgresql/superuser']), ['postgresql/superuser']));
    await up();
    expect(await opens('postgresql/superuser', value('postgresql/superuser', before))).toBe(false);
    expect(await opens('postgresql/superuser', value('postgresql/superuser'))).toBe(true);
  }, 900_000);

  test('of all: a new seed and epoch, every old value is refused, and nothing of the old seed is kept', async () => {
    const [before, oldSeed] = [versions(), seed];
    await rotate(stack, 'all', options);
    seed = await currentSeed();
    expect(seed).not.toBe(oldSeed);
    expect(versions()).toEqual({ ...before, epoch: before.epoch + 1 });
    expect(await accepted(all, (name) => value(name, before, oldSeed))).toEqual([]);
    expect(await accepted(all, (name) => value(name))).toEqual(all);
    expect(await data()).toEqual(['row', 'object']);
    expect((await up()).changed).toEqual([]);

    expect(readFileSync(configFile(state), 'utf8')).not.toContain('previousSeed');
    const env = {
      PATH: process.env.PATH, HOME: directory, PULUMI_HOME: state.file('pulumi', 'home'), PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_BACKEND_URL: `file://${state.file('pulumi', 'backend')}`, PULUMI_CONFIG_PASSPHRASE_FILE: state.file('pulumi', 'passphrase'),
    };
    const run = async (...args: string[]) => (await promisify(execFile)(pulumi, [...args, '--stack', stack.name], { cwd: state.file('pulumi', 'work'), env, maxBuffer: 2 ** 26 })).stdout;
    const exported = await run('stack', 'export', '--show-secrets');
    expect(exported).toContain(value('minio/root'));
    // Pulumi keeps the outputs of what it did not change: the password that a demo person was made with.
    const dead = [oldSeed, ...all.filter((name) => !name.startsWith('keycloak/demo-')).map((name) => value(name, before, oldSeed))];
    expect(dead.filter((each) => exported.includes(each))).toEqual([]);
  }, 1_200_000);
});
