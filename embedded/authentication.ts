import { stringify } from 'yaml';
import { kubernetesAudience, rbacPrefix } from '../constructs/onyxia-names';
import { readText, writeAtomic, type RegionState } from './state';

/** The address at which the gateway's stand-in serves the realm to programs that cannot resolve its host. */
export const gatewayAddress = '127.0.0.1';

/** The gateway's port, which is the realm's. */
export function gatewayPort(issuer: string): number {
  return Number(new URL(issuer).port || 443);
}

/**
 * Writes whom the API server believes, `pki/authentication.yaml`: without a login only these paths, of which RBAC still
 * decides what they show; and people by the access tokens that the realm `issuer` signs for the audience `kubernetes`.
 * The realm need not be there yet: the API server asks for its keys until it gets them.
 */
export function writeAuthentication(state: RegionState, issuer?: string): void {
  const path = state.file('pki', 'authentication.yaml');
  const text = stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    anonymous: {
      enabled: true,
      // The last two are the discovery of the token issuer; by default RBAC shows them to service accounts only.
      conditions: ['/livez', '/readyz', '/healthz', '/.well-known/openid-configuration', '/openid/v1/jwks'].map((each) => ({ path: each })),
    },
    ...(issuer ? { jwt: [realm(state, issuer)] } : {}),
  });
  if (readText(path) !== text) writeAtomic(path, text);
}

function realm(state: RegionState, issuer: string) {
  const discovery = new URL(`${issuer}/.well-known/openid-configuration`);
  discovery.hostname = gatewayAddress;
  const refused = (what: string) => `${what} that start with system: are the cluster's own`;
  return {
    issuer: {
      url: issuer,
      discoveryURL: discovery.href,
      certificateAuthority: readText(state.file('pki', 'gateway-ca.crt')),
      audiences: [kubernetesAudience],
    },
    claimMappings: { username: { claim: 'preferred_username', prefix: rbacPrefix }, groups: { claim: 'groups', prefix: rbacPrefix } },
    claimValidationRules: [{ expression: "!claims.preferred_username.startsWith('system:')", message: refused('user names') }],
    userValidationRules: [
      { expression: "!user.username.startsWith('system:')", message: refused('user names') },
      { expression: "user.groups.all(group, !group.startsWith('system:'))", message: refused('groups') },
    ],
  };
}
