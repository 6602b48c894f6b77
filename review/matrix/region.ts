import { request } from 'node:https';
import type { Platform } from '../../constructs/platform';

/** A server that believes tokens, by the audience that people's tokens for it have. */
export type Audience = 'minio' | 'vault' | 'kubernetes';

/** How the servers of a region are reached, and by whom. */
export interface RegionAccess {
  readonly platform: Platform;
  /** Addresses without a slash at the end. */
  readonly servers: { readonly s3: string; readonly issuer: string; readonly kubernetes: string; readonly vault: string };
  /** PEM of the authorities that signed their certificates. */
  readonly authorities: readonly string[];
  /** Addresses of hosts that no resolver knows. */
  readonly addresses: Readonly<Record<string, string>>;
  /** A call of the Kubernetes API with the rights of whoever operates the region. */
  readonly operator: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<any>;
  /** The demo people of an embedded region. @default none: on a real region nobody logs in without a browser */
  readonly people?: People;
}

/** Demo people, who log in by themselves. */
export interface People {
  /** Their token for one server. */
  token(username: string, audience: Audience): Promise<string>;
  /** A token for all servers, whose time is over. */
  expiredToken(username: string): Promise<string>;
  /** A token of another realm of the same Keycloak. */
  otherRealmToken(): Promise<string>;
  /** What Onyxia would inject into their services, by variable name. */
  injected(username: string): Promise<Readonly<Record<string, string>>>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Milliseconds without an answer after which a call has failed. */
const answerTimeout = 30_000;

/** One call of a server of the region. @throws Error when there is no answer. */
export function send(region: RegionAccess, url: string, options: Call = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const address = region.addresses[new URL(url).hostname];
    const call = request(
      url,
      {
        method,
        timeout: answerTimeout,
        ca: [...region.authorities],
        ...(address ? { lookup: (_host, options, done) => (options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)) } : {}),
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
        answer.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer in ${answerTimeout / 1000} s`)));
    call.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed a kept connection in the moment we used it: it has not seen the request.
      if (call.reusedSocket && error.code === 'ECONNRESET') resolve(send(region, url, options));
      else reject(new Error(`${new URL(url).origin} does not answer: ${error.message}`));
    });
    call.end(body);
  });
}

/** Whether a server let a call through: `refused` are the statuses by which it does not, `done` those of a call that it took. */
export async function allowed(answer: Promise<Answer>, refused: readonly number[], done: readonly number[]): Promise<boolean> {
  const { status, text } = await answer;
  if (refused.includes(status)) return false;
  if (done.includes(status)) return true;
  throw new Error(`${status} ${text.replace(/\s+/g, ' ').slice(0, 120)}`);
}

/** `rw`, `r`, `w` or `no`. */
export function accessName(read: boolean, write: boolean): string {
  return `${read ? 'r' : ''}${write ? 'w' : ''}` || 'no';
}

/** Whether one of several calls was let through. All are made. */
export async function any(calls: readonly Promise<boolean>[]): Promise<boolean> {
  return (await Promise.all(calls)).some(Boolean);
}
