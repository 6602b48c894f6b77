import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { minioPolicy, bucketStatements, policyDocument } from '../../constructs/s3-policy';
import { roleArn } from '../../constructs/minio';
import { MinioServer } from '../../embedded/plugins/minio-server';
import { agentsOf, send } from '../../embedded/plugins/provider-http';
import { openRegion } from '../../embedded/state';
import { canMintStaticKey, longestAllowed, longestSession, type SendToS3, type TemporaryKeys } from '../../review/matrix/s3-keys';
import { startMinio, type TestServer } from './servers';
import { temporaryDirectory } from './temporary';

let issuer: Server;
const running: TestServer[] = [];

// Before the directory's own clean-up: hooks run in this order.
afterAll(async () => {
  for (const server of running) await server.stop();
  issuer?.close();
}, 60_000);

const directory = temporaryDirectory();
const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const agents = agentsOf({});
const call: SendToS3 = (url, { method, headers, body }) => send(agents, new URL(url), method, headers, body);

/** Two policies, of which one forgets to deny static keys, as the claim and as the role of a token's audience name them. */
async function startStore(name: string, env: Record<string, string> = {}): Promise<TestServer> {
  const discovery = `${url()}/.well-known/openid-configuration`;
  const store = await startMinio(openRegion(name, directory), {
    env: {
      MINIO_IDENTITY_OPENID_CONFIG_URL: discovery, MINIO_IDENTITY_OPENID_CLIENT_ID: 'minio', MINIO_IDENTITY_OPENID_CLAIM_NAME: 'policy',
      MINIO_IDENTITY_OPENID_CONFIG_URL_WORKLOADS: discovery, MINIO_IDENTITY_OPENID_CLIENT_ID_WORKLOADS: 'workloads', MINIO_IDENTITY_OPENID_ROLE_POLICY_WORKLOADS: 'guarded',
      ...env,
    },
  });
  running.push(store);
  const root = new MinioServer(() => ({ endpoint: store.url, region: 'us-east-1', user: store.user, password: store.password }), agents);
  const statements = bucketStatements('own', 'read-write');
  await root.admin('PUT', 'add-canned-policy', { name: 'guarded' }, minioPolicy(statements));
  await root.admin('PUT', 'add-canned-policy', { name: 'forgetful' }, policyDocument(statements));
  return store;
}

const url = () => `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;

function token(claims: object): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', kid: 'test', typ: 'JWT' })}.${part({ iss: url(), sub: 'alice', iat: now, exp: now + 300, ...claims })}`;
  return `${text}.${createSign('sha256').update(text).sign(key.privateKey, 'base64url')}`;
}

const person = (policy: string) => token({ aud: 'minio', policy });
const workload = () => token({ aud: 'workloads' });

async function exchange(store: TestServer, webToken: string, arn?: string): Promise<TemporaryKeys> {
  const { text } = await call(store.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', WebIdentityToken: webToken, ...(arn ? { RoleArn: arn } : {}) }).toString(),
  });
  const field = (name: string) => new RegExp(`<${name}>([^<]*)<`).exec(text)![1]!;
  return { AWS_ACCESS_KEY_ID: field('AccessKeyId'), AWS_SECRET_ACCESS_KEY: field('SecretAccessKey'), AWS_SESSION_TOKEN: field('SessionToken') };
}

let strict: TestServer;
let lax: TestServer;

beforeAll(async () => {
  const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' };
  issuer = createServer((request, response) => {
    const answer = request.url === '/keys' ? { keys: [jwk] } : { issuer: url(), jwks_uri: `${url()}/keys`, authorization_endpoint: url(), token_endpoint: url(), response_types_supported: ['code'] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => issuer.listen(0, '127.0.0.1', listening));
  strict = await startStore('strict.local', { MINIO_STS_DURATION: '12h' });
  lax = await startStore('lax.local');
}, 300_000);

test('nobody whose policy is the platform\'s makes a static key', async () => {
  expect(await canMintStaticKey(call, strict.url, await exchange(strict, person('guarded')))).toBe(false);
  expect(await canMintStaticKey(call, strict.url, await exchange(strict, workload(), roleArn('workloads')))).toBe(false);
});

test('a policy that forgets to deny it lets one be made, which is removed again', async () => {
  const asked: URL[] = [];
  const noted: SendToS3 = (to, request) => (asked.push(new URL(to)), call(to, request));
  expect(await canMintStaticKey(noted, strict.url, await exchange(strict, person('forgetful')))).toBe(true);
  const root = new MinioServer(() => ({ endpoint: strict.url, region: 'us-east-1', user: strict.user, password: strict.password }), agents);
  const accessKey = asked.at(-1)!.searchParams.get('accessKey')!;
  await expect(root.admin('GET', 'info-service-account', { accessKey })).rejects.toThrow(/does not exist/);
});

test('credentials of a year, a week or a day are never longer than 12 hours', async () => {
  for (const life of [await longestSession(call, strict.url, person('guarded')), await longestSession(call, strict.url, workload(), roleArn('workloads'))]) {
    expect(life).toBeGreaterThan(longestAllowed - 60);
    expect(life).toBeLessThanOrEqual(longestAllowed);
  }
  expect(await longestSession(call, lax.url, person('guarded'))).toBeGreaterThan(364 * 86_400);
});

test('whose token is refused gets no session', async () => {
  expect(await longestSession(call, strict.url, token({ aud: 'another', policy: 'guarded' }))).toBe(0);
});
