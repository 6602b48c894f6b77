import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import { signedHeaders, type S3Keys } from '../../model/s3-signature';

/** What the temporary credentials of S3 must not be good for: keys without an end, and sessions longer than half a day. */

/** A call of the object store. @throws Error when there is no answer. */
export type SendToS3 = (url: string, call: { method: string; headers: Record<string, string>; body?: string | Buffer }) => Promise<{ status: number; text: string }>;

/** Temporary credentials in the names that Onyxia's charts use. */
export interface TemporaryKeys {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_SESSION_TOKEN: string;
}

/** How long credentials may live: `MINIO_STS_DURATION` of constructs/minio.ts, in seconds. */
export const longestAllowed = 12 * 60 * 60;

/**
 * Whether the credentials can make a static key of their own, which MinIO allows unless a policy denies it. A key that is
 * made is removed again. @throws Error when the server neither makes nor refuses it
 */
export async function canMintStaticKey(send: SendToS3, endpoint: string, keys: TemporaryKeys): Promise<boolean> {
  const accessKey = `verify-${randomBytes(6).toString('hex')}`;
  const wanted = JSON.stringify({ accessKey, secretKey: randomBytes(16).toString('hex') });
  const made = await admin(send, endpoint, keys, 'PUT', 'add-service-account', {}, encrypted(wanted, keys.AWS_SECRET_ACCESS_KEY));
  if (made.status === 403) return false;
  if (made.status !== 200) throw new Error(`${made.status} ${made.text.slice(0, 120)}`);
  const removed = await admin(send, endpoint, keys, 'DELETE', 'delete-service-account', { accessKey });
  if (removed.status >= 300) throw new Error(`the static key ${accessKey} was made and could not be removed: ${removed.status} ${removed.text.slice(0, 120)}`);
  return true;
}

/** Seconds that credentials for the token live when the longest is asked for that MinIO may give, and less; 0 when it refuses. */
export async function longestSession(send: SendToS3, endpoint: string, token: string, roleArn?: string): Promise<number> {
  const lives = await Promise.all([365, 7, 1].map(async (days) => {
    const body = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', WebIdentityToken: token, DurationSeconds: String(days * 86_400),
      ...(roleArn ? { RoleArn: roleArn, RoleSessionName: 'datalab' } : {}),
    }).toString();
    const { status, text } = await send(endpoint, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    if (status === 400 || status === 403) return 0;
    const until = Date.parse(/<Expiration>([^<]*)</.exec(text)?.[1] ?? '');
    if (status !== 200 || Number.isNaN(until)) throw new Error(`${status} ${text.slice(0, 120)}`);
    return Math.round((until - Date.now()) / 1000);
  }));
  return Math.max(...lives);
}

async function admin(send: SendToS3, endpoint: string, keys: TemporaryKeys, method: string, operation: string, query: Record<string, string>, body: Buffer = Buffer.alloc(0)) {
  const url = new URL(`${endpoint}/minio/admin/v3/${operation}`);
  url.search = new URLSearchParams(query).toString();
  return send(String(url), { method, headers: await signedHeaders(s3KeysOf(keys), { method, url, body, region: 'us-east-1' }), body });
}

/** The same as keys of S3. */
export function s3KeysOf(keys: TemporaryKeys): S3Keys {
  return { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY, sessionToken: keys.AWS_SESSION_TOKEN };
}

/**
 * As MinIO's administration wants secrets in requests: salt, number of the algorithm (2 is AES-256-GCM with a key by PBKDF2),
 * nonce, and one last fragment of a stream whose parts are sealed with the tag of an empty part before them.
 */
function encrypted(text: string, password: string): Buffer {
  const [salt, nonce] = [randomBytes(32), randomBytes(8)];
  const key = pbkdf2Sync(password, salt, 8192, 32, 'sha256');
  const seal = (number: number, data: string, additional: Buffer): Buffer => {
    const count = Buffer.alloc(4);
    count.writeUInt32LE(number);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([nonce, count])).setAAD(additional);
    return Buffer.concat([cipher.update(data, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  };
  const lastFragment = Buffer.concat([Buffer.from([0x80]), seal(0, '', Buffer.alloc(0))]);
  return Buffer.concat([salt, Buffer.from([2]), nonce, seal(1, text, lastFragment)]);
}
