import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An issuer of JSON web tokens, with its keys on loopback. */
export interface Issuer {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** Signs the claims. @default iss: this issuer; iat: now; exp: in five minutes */
  token(claims: Record<string, unknown>): string;
  close(): void;
}

export async function startIssuer(issuer = 'https://issuer.test'): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' }] });
  const server: Server = createServer((_request, response) => response.setHeader('content-type', 'application/json').end(jwks));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    issuer,
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs`,
    token(claims) {
      const now = Math.floor(Date.now() / 1000);
      const signed = `${part({ alg: 'RS256', kid: 'test', typ: 'JWT' })}.${part({ iss: issuer, iat: now, exp: now + 300, ...claims })}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
    close: () => server.close(),
  };
}
