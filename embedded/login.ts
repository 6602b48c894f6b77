import { createHash, randomBytes } from 'node:crypto';
import { peopleMount, peopleRole } from '../constructs/vault-access';
import { exitCodes, UserError } from '../model/errors';
import { callGateway, type Answer } from './https';

export interface LoginProps {
  /** `https://auth.ssp-cloud.localhost:8443/realms/sspcloud`. */
  readonly issuer: string;
  /** PEM of the region's authority. */
  readonly authority: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Logs a person in as a browser would, by authorisation code with PKCE on the realm's login page. Returns the access token.
 * @throws UserError when the realm does not answer or refuses the person.
 */
export async function accessTokenOf(props: LoginProps): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: props.clientId,
    redirect_uri: props.redirectUri,
    scope: 'openid',
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const endpoint = `${props.issuer}/protocol/openid-connect`;
  const page = await callGateway(`${endpoint}/auth?${query}`, props.authority);
  const action = unescaped(/<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? '');
  if (!action) throw refused(props, `no login page: ${page.status} ${summary(page)}`);
  const answer = await callGateway(action, props.authority, form({ username: props.username, password: props.password, credentialId: '' }, cookies(page)));
  const location = answer.headers.location;
  const code = typeof location === 'string' ? new URL(location, props.issuer).searchParams.get('code') : undefined;
  if (!code) throw refused(props, summary(answer));
  const token = await callGateway(
    `${endpoint}/token`,
    props.authority,
    form({ grant_type: 'authorization_code', client_id: props.clientId, redirect_uri: props.redirectUri, code, code_verifier: verifier }),
  );
  if (token.status !== 200) throw refused(props, summary(token));
  return (JSON.parse(token.text) as { access_token: string }).access_token;
}

/** Temporary S3 credentials in the names that Onyxia's charts use. */
export interface S3Credentials {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_SESSION_TOKEN: string;
}

/** Exchanges a token for S3 credentials of one hour. @throws UserError with the server's reason when it refuses. */
export async function s3CredentialsOf(endpoint: string, authority: string, token: string, roleArn?: string): Promise<S3Credentials> {
  const query = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', DurationSeconds: '3600', WebIdentityToken: token, ...(roleArn ? { RoleArn: roleArn, RoleSessionName: 'datalab' } : {}),
  });
  const answer = await callGateway(endpoint, authority, form(Object.fromEntries(query)));
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.text)?.[1] ?? '';
  if (answer.status !== 200) {
    throw new UserError(
      'The object store gives no credentials:',
      [{ path: endpoint, got: `${answer.status} ${field('Code')}: ${field('Message')}`, allowed: 'a valid token of a person or workload that a policy names', fix: 'log in again; see datalab status' }],
      exitCodes.failed,
    );
  }
  return { AWS_ACCESS_KEY_ID: field('AccessKeyId'), AWS_SECRET_ACCESS_KEY: field('SecretAccessKey'), AWS_SESSION_TOKEN: field('SessionToken') };
}

/** Logs in at Vault with a token of the realm. Returns Vault's own token. @throws UserError with the server's reason when it refuses. */
export async function vaultTokenOf(address: string, authority: string, token: string): Promise<string> {
  const answer = await callGateway(`${address}/v1/auth/${peopleMount}/login`, authority, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ role: peopleRole, jwt: token }),
  });
  if (answer.status !== 200) {
    throw new UserError(
      'Vault gives no token:',
      [{ path: address, got: summary(answer), allowed: 'a valid token of a person', fix: 'log in again; see datalab status' }],
      exitCodes.failed,
    );
  }
  return (JSON.parse(answer.text) as { auth: { client_token: string } }).auth.client_token;
}

function form(fields: Record<string, string>, cookie?: string) {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(cookie ? { cookie } : {}) },
    body: new URLSearchParams(fields).toString(),
  };
}

function cookies({ headers }: Answer): string {
  const set = headers['set-cookie'] ?? [];
  return (Array.isArray(set) ? set : [set]).map((cookie) => cookie.split(';')[0]!).join('; ');
}

/** What the server says, in a line, without markup. */
function summary({ status, text }: Answer): string {
  const message = /class="[^"]*kc-feedback-text[^"]*"[^>]*>\s*([^<\s][^<]*)</.exec(text)?.[1] ?? text.replace(/<[^>]*>/g, ' ');
  return `${status} ${unescaped(message).replace(/\s+/g, ' ').trim().slice(0, 120)}`;
}

/** The characters that Keycloak's pages escape. */
function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

function refused(props: LoginProps, got: string): UserError {
  return new UserError(
    `${props.username} cannot log in:`,
    [{ path: props.issuer, got, allowed: 'a person of the realm with the right password', fix: 'see datalab status; the demo people are those of the region' }],
    exitCodes.failed,
  );
}
