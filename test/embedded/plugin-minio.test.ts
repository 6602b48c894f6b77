import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutBucketPolicyCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import * as minio from '@pulumi/minio';
import * as pulumi from '@pulumi/pulumi';
import { silent } from '../../model/progress';
import { startMinioPlugin, type MinioPluginOptions } from '../../embedded/plugins/minio';
import { bucket, bucketVersioning } from '../../embedded/plugins/minio-buckets';
import { canonicalPolicy, iamPolicy } from '../../embedded/plugins/minio-policy';
import { MinioServer } from '../../embedded/plugins/minio-server';
import { agentsOf } from '../../embedded/plugins/provider-http';
import type { RunningProvider } from '../../embedded/plugins/provider-server';
import { openRegion, type RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { startEngine, type Engine, type Run } from './engine-harness';
import { startMinio, type TestServer } from './servers';

let engine: Engine;
let plugin: RunningProvider;
const plugins: RunningProvider[] = [];
const plug = async (options: MinioPluginOptions = {}) => {
  plugin = await startMinioPlugin(options);
  plugins.push(plugin);
};

beforeAll(async () => {
  await plug();
  engine = await startEngine((await ensureTools(['pulumi'], silent)).pulumi, () => ({ minio: plugin.port }));
});
afterAll(async () => {
  await Promise.all(plugins.map((one) => one.stop()));
  engine?.close();
});

jest.setTimeout(300_000);

const statement = (actions: string[], resource: string) => ({ Effect: 'Allow', Action: actions, Resource: resource, Condition: { StringEquals: { 'jwt:sub': 'system:serviceaccount:mlflow:mlflow' } } });
const policyOf = (...actions: string[]) => JSON.stringify({ Version: '2012-10-17', Statement: [statement(actions, 'arn:aws:s3:::models/*')] });

describe('policies', () => {
  test('are the same in any spelling, and not when they say something else', () => {
    const policy = policyOf('s3:PutObject', 's3:GetObject');
    const { Effect, Action, Resource, Condition } = statement(['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::models/*');
    const spelt = { Statement: [{ Sid: '', Resource: [Resource], Effect, Condition: { StringEquals: { 'jwt:sub': [Condition.StringEquals['jwt:sub']] } }, Action }], Version: '2012-10-17' };
    expect(canonicalPolicy(JSON.stringify(spelt, null, 2))).toBe(canonicalPolicy(policy));
    expect(canonicalPolicy(policyOf('s3:GetObject'))).not.toBe(canonicalPolicy(policy));
    expect(canonicalPolicy(policy.replace('"Condition"', '"condition"'))).not.toBe(canonicalPolicy(policy));
  });

  test('that are none are refused', () => {
    expect(() => canonicalPolicy('allow all')).toThrow('got a text that is not JSON; allowed: a policy document');
    expect(() => canonicalPolicy('{}')).toThrow('got JSON without a list of statements');
  });
});

describe('a server in trouble', () => {
  let server: Server;
  let answer: { status: number; body: string };
  let ask: MinioServer;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.writeHead(answer.status);
      response.end(answer.body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    ask = new MinioServer(() => ({ endpoint: `http://minio.test:${port}`, region: 'us-east-1', user: 'root', password: 'x' }), agentsOf({ addresses: { 'minio.test': '127.0.0.1' } }));
  });
  afterAll(() => server.close());

  test('has not lost what it does not tell of', async () => {
    for (const trouble of [{ status: 503, body: '' }, { status: 404, body: '<html>no such route' }, { status: 403, body: '{}' }, { status: 200, body: 'hello' }]) {
      answer = trouble;
      await expect(iamPolicy.read(ask, 'x', {})).rejects.toThrow();
      await expect(bucket.read(ask, 'x', {})).rejects.toThrow();
      await expect(bucketVersioning.read(ask, 'x', {})).rejects.toThrow();
    }
  });

  test('only says itself that something is gone', async () => {
    answer = { status: 404, body: '<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>no</Message></Error>' };
    expect(await bucket.read(ask, 'x', {})).toBeUndefined();
    answer = { status: 404, body: '{"Code":"XMinioAdminNoSuchPolicy","Message":"no"}' };
    expect(await iamPolicy.read(ask, 'x', {})).toBeUndefined();
  });
});

describe('a real MinIO', () => {
  let state: RegionState;
  let server: TestServer & { port: number };
  let direct: MinioServer;

  const lab = (endpoint: pulumi.Input<string>, resources: (options: pulumi.CustomResourceOptions) => Record<string, unknown> | void) => async () => {
    const provider = new minio.Provider('minio', { minioServer: endpoint, minioUser: 'root', minioPassword: pulumi.secret(server.password), minioSsl: false });
    return resources({ provider });
  };

  interface Variant {
    readonly actions?: string[];
    readonly status?: string;
    readonly forceDestroy?: boolean;
    readonly name?: string;
  }
  const resources = ({ actions = ['s3:GetObject', 's3:PutObject'], status = 'Enabled', forceDestroy, name = 'models' }: Variant = {}) => (options: pulumi.CustomResourceOptions) => {
    const models = new minio.S3Bucket('bucket', { bucket: name, acl: 'private', forceDestroy }, options);
    new minio.S3BucketVersioning('versioning', { bucket: models.bucket, versioningConfiguration: { status } }, options);
    new minio.IamPolicy('policy', { name: 'mlflow', policy: policyOf(...actions) }, options);
    return { arn: models.arn, domain: models.bucketDomainName };
  };
  const program = (variant: Variant = {}) => lab(`127.0.0.1:${server.port}`, resources(variant));
  const everything = ['bucket', 'policy', 'versioning'];
  const changed = ({ changed: paths }: Run) => Object.fromEntries(Object.entries(paths).filter(([, list]) => list.length));

  beforeAll(async () => {
    state = openRegion('test.local', mkdtempSync(join(tmpdir(), 'datalab-minio-')));
    server = await startMinio(state);
    direct = new MinioServer(() => ({ endpoint: server.url, region: 'us-east-1', user: 'root', password: server.password }), agentsOf({}));
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(join(state.dir, '..'), { recursive: true, force: true });
  }, 30_000);

  test('a preview works before there is a server, and refuses what cannot be', async () => {
    const nowhere = await engine.run('preview', lab('127.0.0.1:1', resources()));
    expect(nowhere.error).toBeUndefined();
    expect(nowhere.steps).toEqual({ create: everything });
    const refused = await engine.run('preview', lab('127.0.0.1:1', (options) => void new minio.IamUser('user', { name: 'x' }, options)));
    expect(refused.error).toContain("minio:index/iamUser:IamUser is not part of the embedded region's stand-in for the Pulumi plugin 'minio'; allowed: minio:index/s3Bucket:S3Bucket, ");
    const open = await engine.run('preview', lab('127.0.0.1:1', (options) => void new minio.S3Bucket('open', { bucket: 'open', acl: 'public' }, options)));
    expect(open.error).toContain('acl: got "public"; allowed: private');
  });

  test('a preview works while the address of the server is not known', async () => {
    const program = async () => {
      const known = new minio.Provider('known', { minioServer: '127.0.0.1:1', minioUser: 'root', minioPassword: 'x' });
      const first = new minio.S3Bucket('first', { bucket: 'first' }, { provider: known });
      const unknown = new minio.Provider('unknown', { minioServer: first.arn, minioUser: 'root', minioPassword: 'x' });
      resources()({ provider: unknown });
    };
    const preview = await engine.run('preview', program);
    expect(preview.error).toBeUndefined();
    expect(preview.steps).toEqual({ create: ['bucket', 'first', 'policy', 'versioning'] });
  });

  test('up creates, is all the same when run again, and a refresh finds no drift', async () => {
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.outputs).toMatchObject({ arn: { value: 'arn:aws:s3:::models' }, domain: { value: `${server.url}/models` } });
    expect((await engine.run('refresh', program())).steps).toEqual({ same: everything });
    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
    expect(engine.stateFiles()).not.toContain(server.password);
  });

  test('up updates in place, and another order of actions is no change', async () => {
    const up = await engine.run('up', program({ actions: ['s3:GetObject'], status: 'Suspended' }));
    expect(up.error).toBeUndefined();
    expect(changed(up)).toEqual({ policy: ['policy'], versioning: ['versioningConfiguration.status'] });
    expect((await engine.run('up', program())).error).toBeUndefined();
    expect((await engine.run('up', program({ actions: ['s3:PutObject', 's3:GetObject'] }))).steps).toEqual({ same: everything });
  });

  test('drift is named by a refresh and restored by the next up', async () => {
    await direct.admin('PUT', 'add-canned-policy', { name: 'mlflow' }, policyOf('s3:*'));
    await direct.s3((s3) => s3.send(new PutBucketVersioningCommand({ Bucket: 'models', VersioningConfiguration: { Status: 'Suspended' } })));
    const anybody = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::models/*' }] };
    await direct.s3((s3) => s3.send(new PutBucketPolicyCommand({ Bucket: 'models', Policy: JSON.stringify(anybody) })));
    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toBeUndefined();
    expect(changed(refresh)).toEqual({ bucket: ['acl'], policy: ['policy'], versioning: ['versioningConfiguration.status'] });
    const up = await engine.run('up', program());
    expect(up.error).toBeUndefined();
    expect(up.steps.update).toEqual(everything);

    await direct.admin('DELETE', 'remove-canned-policy', { name: 'mlflow' });
    expect((await engine.run('refresh', program())).steps.delete).toEqual(['policy']);
    expect((await engine.run('up', program())).steps.create).toEqual(['policy']);
  });

  test('a server that does not answer is an error, and no bucket is forgotten', async () => {
    await server.stop();
    const refresh = await engine.run('refresh', program());
    expect(refresh.error).toMatch(/(bucket|policy) '(models|mlflow)': could not read it: .*cannot be reached \(.*ECONNREFUSED/);
    expect(refresh.steps.delete).toBeUndefined();
    server = await startMinio(state, { port: server.port });
    expect((await engine.run('up', program())).steps).toEqual({ same: everything });
  });

  test('what exists already is refused with the way to take it over, and taken over by --adopt', async () => {
    const withBuiltIn = lab(`127.0.0.1:${server.port}`, (options) => {
      resources()(options);
      new minio.IamPolicy('built-in', { name: 'diagnostics', policy: policyOf('s3:GetObject') }, options);
    });
    expect((await engine.run('up', withBuiltIn)).error).toContain("policy 'diagnostics' exists already, and the server cannot tell whose it is. Fix: run with --adopt to take it over, or delete it there");
    await plug({ adopt: true });
    expect((await engine.run('up', withBuiltIn)).steps.create).toEqual(['built-in']);
    await plug();
    expect((await engine.run('up', program())).steps.delete).toEqual(['built-in']);
  });

  test('a bucket that is not empty stays, unless forceDestroy says otherwise', async () => {
    await direct.s3((s3) => s3.send(new PutObjectCommand({ Bucket: 'models', Key: 'a', Body: '1' })));
    await direct.s3((s3) => s3.send(new PutObjectCommand({ Bucket: 'models', Key: 'a', Body: '2' })));
    const renamed = await engine.run('up', program({ name: 'others' }));
    expect(renamed.error).toContain("bucket 'models': could not delete it: it is not empty (old versions and delete markers count). Fix: empty it, or set forceDestroy to true");
    expect((await engine.run('destroy')).error).toContain('it is not empty');
    expect((await engine.run('up', program({ forceDestroy: true }))).error).toBeUndefined();
    const destroy = await engine.run('destroy');
    expect(destroy.error).toBeUndefined();
    expect(await bucket.find!(direct, { bucket: 'models' })).toBeUndefined();
  });
});
