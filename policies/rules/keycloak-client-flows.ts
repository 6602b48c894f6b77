import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, told, type Place } from '../tree';

const good = { accessType: 'PUBLIC', standardFlowEnabled: true, pkceCodeChallengeMethod: 'S256', directAccessGrantsEnabled: false, implicitFlowEnabled: false, fullScopeAllowed: false };
const client = (spec: object) => provisioned('keycloak', 'Client', { ...good, ...spec });

export const keycloakClientFlows: Rule = {
  id: 'keycloak-client-flows',
  title: 'Clients log people in by authorisation code with PKCE alone, and carry only the roles they name',
  why: 'With direct grants an application sees passwords; by the implicit flow tokens are in addresses; without PKCE a stolen code is enough.',
  sources: ['RFC 9700 §2.1.1, §2.1.2, §2.4'],
  severity: 'high',
  mandatory: everywhere,
  check: eachProvisioned('keycloak', ['Client'], (spec): Place[] => [
    ...['directAccessGrantsEnabled', 'implicitFlowEnabled', 'fullScopeAllowed'].filter((field) => spec[field] !== false).map((field) => ({ path: field, got: told(spec[field]), fix: 'set it to false' })),
    ...(spec.oauth2DeviceAuthorizationGrantEnabled ? [{ path: 'oauth2DeviceAuthorizationGrantEnabled', got: 'true', fix: 'remove it' }] : []),
    ...(spec.standardFlowEnabled && spec.pkceCodeChallengeMethod !== 'S256' ? [{ path: 'pkceCodeChallengeMethod', got: told(spec.pkceCodeChallengeMethod), fix: 'set it to S256' }] : []),
    ...(spec.consentRequired === undefined && spec.serviceAccountsEnabled && spec.accessType === 'PUBLIC' ? [{ path: 'serviceAccountsEnabled', got: 'true for a public client', fix: 'remove it' }] : []),
  ]),
  examples: {
    pass: [[client({})]],
    fail: [
      ...['directAccessGrantsEnabled', 'implicitFlowEnabled', 'fullScopeAllowed'].flatMap((field) => [[client({ [field]: true })], [client({ [field]: undefined })]]),
      [client({ pkceCodeChallengeMethod: 'plain' })],
      [client({ pkceCodeChallengeMethod: undefined })],
      [client({ serviceAccountsEnabled: true })],
    ],
  },
};
