import { request } from 'node:https';
import { exitCodes, UserError } from '../model/errors';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Calls the gateway of an embedded region: every host is 127.0.0.1, and the region's own authority is trusted. */
export function callGateway(url: string, authority: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method,
        ca: authority,
        // Names below `.localhost` do not resolve everywhere.
        lookup: (_host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)),
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') }));
        answer.on('error', reject);
      },
    );
    call.on('error', (error) =>
      reject(
        new UserError(
          'The region does not answer:',
          [{ path: new URL(url).origin, got: wordsOf(error), allowed: 'a region that runs', fix: './datalab status says what runs; ./datalab up starts it' }],
          exitCodes.failed,
        ),
      ),
    );
    call.end(body);
  });
}

/** Before its certificate is signed the gateway can only break off the handshake, with an alert in OpenSSL's words. */
function wordsOf(error: NodeJS.ErrnoException): string {
  return error.code === 'EPROTO' || error.code?.startsWith('ERR_SSL_') ? 'the gateway has no certificate for this host yet' : error.message;
}
