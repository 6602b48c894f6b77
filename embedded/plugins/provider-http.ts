import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import { rootCertificates } from 'node:tls';

/** How servers of the embedded region are reached. */
export interface Access {
  /** Addresses of host names that no resolver knows. @default none */
  readonly addresses?: Readonly<Record<string, string>>;
  /** Certificate authority, PEM, that is trusted beside the usual ones. @default none */
  readonly ca?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** A busy computer may take long to create a realm; a call that is given up too early leaves what it created. */
export const requestTimeoutMs = 60_000;

/** A connection for each request: on loopback it is cheap, and none is left to a server that has gone. */
export function agentsOf({ addresses = {}, ca }: Access): Agents {
  const lookup = lookupWith(addresses);
  const trusted = ca ? [...rootCertificates, ca] : undefined;
  return {
    http: new HttpAgent({ lookup } as object),
    https: new HttpsAgent({ lookup, ca: trusted } as object),
  };
}

/** @throws Error that says which server cannot be reached, and why. */
export function send(agents: Agents, url: URL, method: string, headers: Record<string, string>, body?: string | Buffer): Promise<Answer> {
  const secure = url.protocol === 'https:';
  const length: Record<string, number> = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const options = { method, headers: { ...headers, ...length }, agent: secure ? agents.https : agents.http, timeout: requestTimeoutMs };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new Error(unreachable(url, error)));
    const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', fail);
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${requestTimeoutMs / 1000} s`)));
    request.once('error', fail);
    request.end(body);
  });
}

/** Says that a server does not answer; whoever reads it must not take this for 'it has no such object'. */
export function unreachable(url: URL, error: Error): string {
  const why = error.message || (error as NodeJS.ErrnoException).code || error.name;
  return `${url.origin} cannot be reached (${why}). Fix: see with 'datalab status' whether the server runs`;
}

type LookupDone = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

function lookupWith(addresses: Readonly<Record<string, string>>) {
  return (host: string, options: LookupOptions, done: LookupDone): void => {
    const address = addresses[host];
    if (!address) {
      systemLookup(host, options, done as never);
      return;
    }
    const family = isIPv6(address) ? 6 : 4;
    if (options.all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}
