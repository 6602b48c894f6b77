import { S3Client } from '@aws-sdk/client-s3';
import { signedHeaders } from '../../model/s3-signature';
import { requestTimeoutMs, send, unreachable, type Agents } from './provider-http';

export interface MinioLogin {
  /** Scheme, host and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly user: string;
  readonly password: string;
}

/** MinIO's answer to a request that it refused. */
export class MinioError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A MinIO server: buckets by S3, policies by its admin interface. */
export class MinioServer {
  private client: S3Client | undefined;

  constructor(
    readonly login: () => MinioLogin,
    private readonly agents: Agents,
  ) {}

  /** Runs S3 commands. @throws MinioError with S3's own code, or Error when there was no proper answer. */
  async s3<T>(work: (client: S3Client) => Promise<T>): Promise<T> {
    const { endpoint, region, user, password } = this.login();
    // Else the SDK warns on this program's terminal that later versions of it will want a newer Node.js; ours is pinned.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    this.client ??= new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId: user, secretAccessKey: password },
      forcePathStyle: true,
      maxAttempts: 2,
      requestHandler: { httpAgent: this.agents.http, httpsAgent: this.agents.https, requestTimeout: requestTimeoutMs },
    });
    try {
      return await work(this.client);
    } catch (error) {
      const failure = error as Error & { $response?: { statusCode?: number }; $fault?: string };
      if (!failure.$response) throw new Error(unreachable(new URL(endpoint), failure));
      throw new MinioError(failure.name, `MinIO answers ${failure.$response.statusCode}: ${failure.message || failure.name}`);
    }
  }

  /** One request of the admin interface; the answer's text. @throws MinioError with MinIO's code */
  async admin(method: 'GET' | 'PUT' | 'DELETE', operation: string, query: Record<string, string>, body = ''): Promise<string> {
    const { endpoint, region, user, password } = this.login();
    const url = new URL(`${endpoint}/minio/admin/v3/${operation}`);
    url.search = new URLSearchParams(query).toString();
    const headers = await signedHeaders({ accessKeyId: user, secretAccessKey: password }, { method, url, body, region });
    const { status, text } = await send(this.agents, url, method, headers, body);
    if (status >= 200 && status < 300) return text;
    const { Code, Message } = errorOf(text);
    throw new MinioError(Code, `MinIO answers ${status}: ${Message || Code || 'no reason given'}`);
  }
}

function errorOf(text: string): { Code: string; Message: string } {
  try {
    return { Code: '', Message: '', ...JSON.parse(text) };
  } catch {
    return { Code: '', Message: '' };
  }
}
