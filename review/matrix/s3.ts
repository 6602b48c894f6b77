import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { roleArn, workloadAudience } from '../../constructs/minio';
import { projectOf, workloadOf, type Caller } from './callers';
import { accessName, allowed, any, send, type Answer, type RegionAccess } from './region';

interface Keys {
  readonly id: string;
  readonly secret: string;
  readonly session: string;
}

/** A name that no object has: nothing is read, and nothing is written. */
const nobody = 'datalab-verify-no-such-object';

const twelveHours = 12 * 60 * 60;

/** The object store's columns. A write that may be done fails by its wrong checksum, so no bucket changes. */
export async function askS3(region: RegionAccess, caller: Caller): Promise<Record<string, () => Promise<string>>> {
  const session = caller.token ? await sessionOf(region, caller, 3600) : undefined;
  const keys = caller.injected ? keysIn(caller.injected) : session?.keys;
  const refused = caller.token && !session;
  const call = (method: string, path: string, body = '', headers: Record<string, string> = {}) => signed(region, keys, method, path, body, headers);
  const may = (answer: Promise<Answer>) => allowed(answer, [403], [200, 204, 400, 404]);
  const access = async (name: string) => {
    if (refused) return 'no';
    const read = await any([may(call('GET', `/${name}/${nobody}`)), may(call('GET', `/${name}?list-type=2&max-keys=1`))]);
    const wrongChecksum = createHash('md5').update('something else').digest('base64');
    return accessName(read, await may(call('PUT', `/${name}/${nobody}`, 'text', { 'content-md5': wrongChecksum })));
  };
  const yes = (may: boolean) => (may && !refused ? 'yes' : 'no');
  const { bucket } = caller.own;
  const project = projectOf(region.platform);
  const platform = workloadOf(region.platform)?.bucket;
  return {
    ...(bucket ? { own: () => access(bucket), policy: async () => yes(await may(call('PUT', `/${bucket}?policy`, '{"no":"policy"}'))) } : {}),
    another: () => access(caller.another.bucket),
    ...(project ? { project: () => access(`projet-${project}`) } : {}),
    ...(platform ? { platform: () => access(platform) } : {}),
    list: async () => {
      const answer = await call('GET', '/');
      if (!(await allowed(Promise.resolve(answer), [403], [200]))) return 'no';
      const listed = [...answer.text.matchAll(/<Bucket><Name>([^<]+)</g)].map(([, name]) => name!);
      return yes(listed.length === 0 || listed.some((name) => !caller.buckets.includes(name)));
    },
    ...(region.platform.region.objectStore ? {} : { key: async () => yes(await mayMakeKey(region, keys)) }),
    '>12 h': async () => {
      const long = caller.token && (await sessionOf(region, caller, twelveHours + 60));
      return yes(long !== undefined && long.seconds > twelveHours);
    },
  };
}

/** Credentials for a token, and how long they last; undefined when the store refuses the token. */
async function sessionOf(region: RegionAccess, caller: Caller, seconds: number): Promise<{ keys: Keys; seconds: number } | undefined> {
  const role: Record<string, string> = caller.issuer === 'cluster' ? { RoleArn: roleOf(region, caller), RoleSessionName: 'datalab-verify' } : {};
  const query = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', DurationSeconds: String(seconds), WebIdentityToken: await caller.token!('minio'), ...role };
  const { stsEndpoint = region.servers.s3 } = region.platform.region.objectStore ?? {};
  const answer = await send(region, stsEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(query).toString(),
  });
  if (!(await allowed(Promise.resolve(answer), [400, 401, 403], [200]))) return undefined;
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.text)?.[1] ?? '';
  return {
    keys: { id: field('AccessKeyId'), secret: field('SecretAccessKey'), session: field('SessionToken') },
    seconds: (Date.parse(field('Expiration')) - Date.now()) / 1000,
  };
}

function roleOf({ platform }: RegionAccess, { own }: Caller): string {
  const { objectStore } = platform.region;
  return objectStore ? `${objectStore.rolePrefix}${own.namespace}` : roleArn(workloadAudience);
}

function keysIn(injected: Readonly<Record<string, string>>): Keys {
  return { id: injected.AWS_ACCESS_KEY_ID!, secret: injected.AWS_SECRET_ACCESS_KEY!, session: injected.AWS_SESSION_TOKEN! };
}

/**
 * Whether MinIO would make an access key without end. Its policy is none, so that a key that may be made is refused, but
 * only after MinIO has decided whether it may.
 */
async function mayMakeKey(region: RegionAccess, keys: Keys | undefined): Promise<boolean> {
  if (!keys) return false;
  const body = encrypted(JSON.stringify({ policy: { Version: 'none' }, accessKey: 'datalabverify', secretKey: randomBytes(20).toString('hex') }), keys.secret);
  const answer = await signed(region, keys, 'PUT', '/minio/admin/v3/add-service-account', body);
  if (/XMinioAdminConfigBadJSON/.test(answer.text)) throw new Error(`${answer.status} the object store cannot read the request`);
  return allowed(Promise.resolve(answer), [403], [200, 400, 500]);
}

/**
 * As MinIO's clients encrypt what they send to its administration (github.com/minio/madmin-go, encrypt.go; secure-io/sio-go):
 * salt, algorithm 2 (PBKDF2 and AES-256-GCM), nonce, then one package of the stream, marked as its last.
 */
function encrypted(text: string, password: string): Buffer {
  const salt = randomBytes(32);
  const nonce = randomBytes(8);
  const key = pbkdf2Sync(password, salt, 8192, 32, 'sha256');
  const seal = (sequence: number, content: Buffer, associated: Buffer) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32LE(sequence);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([nonce, counter])).setAAD(associated);
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  };
  const associated = Buffer.concat([Buffer.from([0x80]), seal(0, Buffer.alloc(0), Buffer.alloc(0))]);
  return Buffer.concat([salt, Buffer.from([2]), nonce, seal(1, Buffer.from(text), associated)]);
}

/** One call with AWS signature version 4; without keys it is anonymous. */
function signed(region: RegionAccess, keys: Keys | undefined, method: string, path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const url = new URL(`${region.servers.s3}${path}`);
  const hash = createHash('sha256').update(body).digest('hex');
  if (!keys) return send(region, url.href, { method, body, headers: { ...headers, 'x-amz-content-sha256': hash } });
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region.platform.region.objectStore?.signingRegion ?? 'us-east-1'}/s3/aws4_request`;
  const all: Record<string, string> = { ...headers, host: url.host, 'x-amz-content-sha256': hash, 'x-amz-date': time, 'x-amz-security-token': keys.session };
  const names = Object.keys(all).sort();
  const query = [...url.searchParams].map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).sort().join('&');
  const request = [method, url.pathname, query, ...names.map((name) => `${name}:${all[name]}`), '', names.join(';'), hash].join('\n');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = scope.split('/').reduce<string | Buffer>((previous, part) => hmac(previous, part), `AWS4${keys.secret}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n')).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return send(region, url.href, { method, body, headers: { ...all, authorization } });
}
