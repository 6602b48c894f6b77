import { compose } from '../constructs/compose';
import { Keycloak } from '../constructs/keycloak';
import { Minio } from '../constructs/minio';
import { exitCodes, UserError } from '../model/errors';
import { labelOf, readVersions } from '../model/secret-versions';
import type { Stack } from '../model/stack';
import { derive } from '../provision/secrets';
import { configFile, openStack } from './engine';
import { accessTokenOf, s3CredentialsOf, type LoginProps } from './login';
import { runningServers } from './processes';
import { readText, type RegionState } from './state';

/** What Onyxia would inject into a person's service, by variable name. */
export type Injected = Readonly<Record<string, string>>;

/** The client of the realm that the command logs in with, and where its redirect would lead. */
const client = { clientId: 'datalab-cli', redirectUri: 'http://127.0.0.1:8250/callback' };

/**
 * Logs a demo person of an embedded region in on the real realm and gets temporary credentials for their bucket.
 * @throws UserError when there is no such person, or when a server refuses.
 */
export async function injectedFor(stack: Stack, username: string, state: RegionState, pulumi: string): Promise<Injected> {
  const people = Object.keys(stack.instance.regions[stack.region]!.demoUsers);
  if (!people.includes(username)) {
    throw new UserError(`There is no such person in ${stack.name}:`, [
      { path: 'user', got: JSON.stringify(username), allowed: people.join(', ') || 'none: the region has no demo people', fix: 'choose one of them' },
    ]);
  }
  if (!runningServers(state).some((server) => server.name === 'kube-apiserver')) {
    throw new UserError('The region does not run:', [{ path: stack.name, got: 'no API server', allowed: 'a region that runs', fix: `./datalab up ${stack.name}` }], exitCodes.failed);
  }
  const { s3 } = endpoints(stack);
  const token = await accessTokenOf(loginOf(stack, username, state, await seedOf(stack, state, pulumi)));
  const credentials = await s3CredentialsOf(s3, authorityOf(state), token);
  return {
    ...credentials,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_S3_ENDPOINT: new URL(s3).host,
    AWS_BUCKET_NAME: `user-${username}`,
    AWS_CA_BUNDLE: state.file('pki', 'gateway-ca.crt'),
  };
}

/** How a demo person logs in with the command's client. */
export function loginOf(stack: Stack, username: string, state: RegionState, seed: string): LoginProps {
  const { issuer } = endpoints(stack);
  return { ...client, issuer, authority: authorityOf(state), username, password: derive(seed, labelOf(readVersions(configFile(state)), `keycloak/demo-${username}`)) };
}

/** The secret from which the region's derived secrets come. */
export async function seedOf(stack: Stack, state: RegionState, pulumi: string): Promise<string> {
  const opened = await openStack({ platform: compose(stack), state, pulumi, env: {} });
  return (await opened.getConfig('datalab:seed')).value;
}

/** PEM of the authority that signs the gateway's hosts. */
export function authorityOf(state: RegionState): string {
  return readText(state.file('pki', 'gateway-ca.crt'))!;
}

/** The public addresses of a stack's realm and object store. */
export function endpoints(stack: Stack): { issuer: string; s3: string } {
  const platform = compose(stack);
  const keycloak = platform.node.children.find((child): child is Keycloak => child instanceof Keycloak)!;
  const minio = platform.node.children.find((child): child is Minio => child instanceof Minio)!;
  return { issuer: `${keycloak.url}/realms/${stack.instance.realm}`, s3: minio.url };
}
