import { request as http } from 'node:http';
import { request as https } from 'node:https';

/** What Vault answers: the HTTP status, and its JSON; empty where there is none. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: any;
}

/** One request to one server of Vault, with a path below `/v1/`. @throws Error when it does not answer */
export type Vault = (method: 'GET' | 'LIST' | 'POST' | 'PUT' | 'DELETE', path: string, options?: { readonly token?: string; readonly body?: unknown }) => Promise<VaultAnswer>;

/** Vault's refusal, in its own words. */
export class VaultError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const secondsToAnswer = 20;

/** The Vault behind a URL; its path may be that of a proxy. */
export function vaultAt(base: string, options: { readonly ca?: string; readonly socketPath?: string } = {}): Vault {
  return (method, path, { token, body } = {}) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const call = (base.startsWith('https:') ? https : http)(
        `${base}/v1/${path}`,
        {
          ...options,
          method,
          agent: false,
          timeout: secondsToAnswer * 1000,
          headers: {
            // Without it Vault refuses what a browser could be made to send.
            'x-vault-request': 'true',
            ...(token ? { 'x-vault-token': token } : {}),
            ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
          },
        },
        (answer) => {
          let received = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parsed(received) }));
          answer.on('error', reject);
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer within ${secondsToAnswer} s`)));
      call.on('error', reject);
      call.end(text);
    });
}

/** The answer's JSON. @throws VaultError when Vault refuses */
export async function ask(vault: Vault, ...[method, path, options]: Parameters<Vault>): Promise<any> {
  const { status, body } = await vault(method, path, options);
  if (status >= 200 && status < 300) return body;
  throw new VaultError(status, reasonOf({ status, body }));
}

/** Why Vault refuses, in one line. */
export function reasonOf({ status, body }: VaultAnswer): string {
  const errors = Array.isArray(body?.errors) ? (body.errors as unknown[]).join('; ') : String(body?.message ?? '');
  return `${status} ${errors.replace(/\s+/g, ' ').trim().slice(0, 300) || 'no reason given'}`;
}

function parsed(text: string): any {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { message: text };
  }
}
