import { createHash, createHmac, type BinaryLike } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. @default the keys are static */
  readonly sessionToken?: string;
}

export interface S3Request {
  readonly method: string;
  /** With its query. */
  readonly url: URL;
  readonly body: string | Buffer;
  /** What is signed beside the host and the digest of the body. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** As the server signs: `us-east-1`. */
  readonly region: string;
}

/** The headers of a request to S3, or to MinIO's administration, with its signature (AWS version 4). */
export async function signedHeaders(keys: S3Keys, { method, url, body, headers, region }: S3Request): Promise<Record<string, string>> {
  const signer = new SignatureV4({ service: 's3', region, credentials: keys, sha256: Sha256, uriEscapePath: false });
  const signed = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host, 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') },
    body,
  });
  return signed.headers;
}

/** SHA-256 and its HMAC as the signer wants them. */
class Sha256 {
  private readonly hash;

  constructor(secret?: unknown) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as BinaryLike);
  }

  update(data: unknown): void {
    this.hash.update(data as BinaryLike);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  reset(): void {
    throw new Error('not used');
  }
}
