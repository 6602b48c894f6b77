import { compose } from '../constructs/compose';
import { Keycloak } from '../constructs/keycloak';
import { Minio } from '../constructs/minio';
import { Provisioned } from '../constructs/provisioned';
import { Vault } from '../constructs/vault';
import { peopleSecrets } from '../constructs/vault-access';
import { exitCodes, UserError } from '../model/errors';
import { labelOf, readVersions } from '../model/secret-versions';
import type { Stack } from '../model/stack';
import { derive } from '../provision/secrets';
import { configFile, openStack } from './engine';
import { writeKubeconfigOf } from './kubeconfig';
import { accessTokenOf, s3CredentialsOf, vaultTokenOf, type LoginProps } from './login';
import { runningServers } from './processes';
import { readText, type RegionState } from './state';

/** What Onyxia would inject into a person's service, by variable name. */
export type Injected = Readonly<Record<string, string>>;

/**
 * The servers that believe people's tokens, and the client of the realm for each. A token has one audience: what one server
 * is shown is worth nothing at the others.
 */
const clients = { minio: 'onyxia-minio', vault: 'onyxia-vault', kubernetes: 'onyxia-kubernetes' } as const;

export type Audience = keyof typeof clients;

/**
 * Logs a demo person of an embedded region in on the real realm and gets temporary credentials for what is theirs: bucket,
 * path in Vault, namespace.
 * @throws UserError when there is no such person, or when a server refuses.
 */
export async function injectedFor(stack: Stack, username: string, state: RegionState, pulumi: string): Promise<Injected> {
  requirePerson(stack, username, state);
  const { s3, vault } = endpoints(stack);
  const seed = await seedOf(stack, state, pulumi);
  const token = (audience: Audience) => accessTokenOf(loginOf(stack, username, state, seed, audience));
  const credentials = await s3CredentialsOf(s3, authorityOf(state), await token('minio'));
  return {
    ...credentials,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_S3_ENDPOINT: new URL(s3).host,
    AWS_BUCKET_NAME: `user-${username}`,
    AWS_CA_BUNDLE: state.file('pki', 'gateway-ca.crt'),
    VAULT_ADDR: vault,
    VAULT_TOKEN: await vaultTokenOf(vault, authorityOf(state), await token('vault')),
    VAULT_MOUNT: peopleSecrets,
    VAULT_TOP_DIR: `user-${username}`,
    VAULT_CACERT: state.file('pki', 'gateway-ca.crt'),
    KUBECONFIG: writeKubeconfigOf(state, username),
  };
}

/** What kubectl asks for when it uses the kubeconfig of a person: a token of five minutes, as an ExecCredential. */
export async function execCredentialFor(stack: Stack, username: string, state: RegionState, pulumi: string): Promise<object> {
  requirePerson(stack, username, state);
  const token = await accessTokenOf(loginOf(stack, username, state, await seedOf(stack, state, pulumi), 'kubernetes'));
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { exp: number };
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token, expirationTimestamp: new Date(exp * 1000).toISOString() },
  };
}

function requirePerson(stack: Stack, username: string, state: RegionState): void {
  const people = Object.keys(stack.instance.regions[stack.region]!.demoUsers);
  if (!people.includes(username)) {
    throw new UserError(`There is no such person in ${stack.name}:`, [
      { path: 'user', got: JSON.stringify(username), allowed: people.join(', ') || 'none: the region has no demo people', fix: 'choose one of them' },
    ]);
  }
  requireRunningRegion(stack, state);
}

/** @throws UserError when the region's API server does not run. */
export function requireRunningRegion(stack: Stack, state: RegionState): void {
  if (runningServers(state).some((server) => server.name === 'kube-apiserver')) return;
  throw new UserError('The region does not run:', [{ path: stack.name, got: 'no API server', allowed: 'a region that runs', fix: `./datalab up ${stack.name}` }], exitCodes.failed);
}

/** How a demo person logs in for a token that one server accepts, by the client that Onyxia uses for it. */
export function loginOf(stack: Stack, username: string, state: RegionState, seed: string, audience: Audience = 'minio'): LoginProps {
  const { issuer } = endpoints(stack);
  const clientId = clients[audience];
  return { clientId, redirectUri: redirectOf(stack, clientId), issuer, authority: authorityOf(state), username, password: derive(seed, labelOf(readVersions(configFile(state)), `keycloak/demo-${username}`)) };
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

/** The public addresses of a stack's realm, object store and Vault. */
export function endpoints(stack: Stack): { issuer: string; s3: string; vault: string } {
  const { children } = compose(stack).node;
  const keycloak = children.find((child): child is Keycloak => child instanceof Keycloak)!;
  const minio = children.find((child): child is Minio => child instanceof Minio);
  const vault = children.find((child): child is Vault => child instanceof Vault)!;
  const external = stack.instance.regions[stack.region]!.objectStore?.endpoint;
  return { issuer: `${keycloak.url}/realms/${stack.instance.realm}`, s3: external ?? minio!.url, vault: vault.url };
}

function redirectOf(stack: Stack, clientId: string): string {
  const provisioned = compose(stack).node.findAll().filter((node): node is Provisioned => node instanceof Provisioned);
  const client = provisioned.find(({ kind, name }) => kind === 'Client' && name === clientId)!;
  return (client.toJson() as { spec: { validRedirectUris: string[] } }).spec.validRedirectUris[0]!;
}
