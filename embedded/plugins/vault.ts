import { readFileSync } from 'node:fs';
import { agentsOf, type Access } from './provider-http';
import { ServerResources, type Kind } from './provider-resources';
import { serveProvider, type ResourceProvider, type RunningProvider } from './provider-server';
import { settingsOf } from './provider-settings';
import type { Properties } from './provider-values';
import { jwtAuthBackend, jwtAuthBackendRole } from './vault-auth';
import { identityGroup, identityGroupAlias } from './vault-identity';
import { audit, endpoint, mount, policy } from './vault-mounts';
import { VaultServer, type VaultLogin } from './vault-server';

export interface VaultPluginOptions extends Access {
  /** The stack, for messages. @default `STACK` */
  readonly stack?: string;
  /** Take over objects that exist already. @default false */
  readonly adopt?: boolean;
  /** URNs of resources whose creation was interrupted: what exists of them is taken over. @default none */
  readonly interrupted?: ReadonlySet<string>;
  /** A token of the service account that Pulumi logs in as; asked for at each login. */
  jwt(): Promise<string>;
}

const kinds: Record<string, Kind<VaultServer>> = {
  'vault:index/mount:Mount': mount,
  'vault:index/policy:Policy': policy,
  'vault:index/audit:Audit': audit,
  'vault:generic/endpoint:Endpoint': endpoint,
  'vault:jwt/authBackend:AuthBackend': jwtAuthBackend,
  'vault:jwt/authBackendRole:AuthBackendRole': jwtAuthBackendRole,
  'vault:identity/group:Group': identityGroup,
  'vault:identity/groupAlias:GroupAlias': identityGroupAlias,
};

/** The stand-in for the Pulumi plugin `vault`: the engine attaches to it with PULUMI_DEBUG_PROVIDERS=vault:PORT. */
export async function startVaultPlugin(options: VaultPluginOptions): Promise<RunningProvider> {
  const official = JSON.parse(readFileSync(require.resolve('@pulumi/vault/package.json'), 'utf8')) as { version: string };
  return serveProvider({ name: 'vault', version: official.version, identity: [], configure: (config) => vaultResources(config, options) });
}

/** The last three have no effect: there is never a child token, and nothing is tried again. */
const accepted = ['address', 'authLoginJwt', 'caCertFile', 'skipChildToken', 'maxLeaseTtlSeconds', 'maxRetries'];

function vaultResources(config: Properties, { adopt = false, interrupted, stack = 'STACK', jwt, addresses, ca }: VaultPluginOptions): ResourceProvider {
  const settings = settingsOf('vault', config, accepted);
  const file = settings.optional('caCertFile');
  const authorities = [ca, file && readFileSync(file, 'utf8')].filter(Boolean).join('\n');
  const method = settings.optional('authLoginJwt');
  if (method) jwtLogin(method);
  const login = (): VaultLogin => ({ address: settings.required('address'), ...jwtLogin(settings.required('authLoginJwt')) });
  return new ServerResources({ plugin: 'vault', kinds, server: new VaultServer(login, jwt, agentsOf({ addresses, ca: authorities || undefined }), stack), adopt, interrupted });
}

/** @throws Error when it holds anything but the mount and the role: a token here would go into the state. */
function jwtLogin(text: string): { mount: string; role: string } {
  const { mount: path, role, ...others } = JSON.parse(text) as Record<string, unknown>;
  if (typeof path === 'string' && typeof role === 'string' && Object.keys(others).length === 0) return { mount: path, role };
  throw new Error(`provider vault: authLoginJwt: got ${Object.keys(others).join(', ') || 'only one of the two'}; allowed: mount and role. Fix: set these two; the token comes from the environment of who runs Pulumi`);
}
