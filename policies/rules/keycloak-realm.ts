import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, told, type Place } from '../tree';

const good = { sslRequired: 'all', registrationAllowed: false, editUsernameAllowed: false, accessTokenLifespan: '5m', securityDefenses: { bruteForceDetection: { maxLoginFailures: 10 } } };
const realm = (spec: object) => provisioned('keycloak', 'Realm', { ...good, ...spec });

export const keycloakRealm: Rule = {
  id: 'keycloak-realm',
  title: 'The realm asks for TLS, slows guessing down, lets nobody register or rename themselves, and its access tokens end within 15 minutes',
  why: 'Buckets, namespaces and secrets hang on the name in the token: whoever gets a name gets all of it.',
  sources: ['OWASP ASVS 2.2.1', 'RFC 9700 §4.14'],
  severity: 'high',
  mandatory: everywhere,
  check: eachProvisioned('keycloak', ['Realm'], (spec): Place[] => [
    ...(spec.sslRequired === 'all' ? [] : [{ path: 'sslRequired', got: told(spec.sslRequired), fix: "set it to 'all'" }]),
    ...['registrationAllowed', 'editUsernameAllowed'].filter((field) => spec[field] !== false).map((field) => ({ path: field, got: told(spec[field]), fix: 'set it to false' })),
    ...(spec.securityDefenses?.bruteForceDetection?.maxLoginFailures > 0 ? [] : [{ path: 'securityDefenses.bruteForceDetection', got: 'nothing', fix: 'set maxLoginFailures' }]),
    ...(minutes(spec.accessTokenLifespan) <= 15 ? [] : [{ path: 'accessTokenLifespan', got: told(spec.accessTokenLifespan), fix: 'at most 15m' }]),
  ]),
  examples: {
    pass: [[realm({})]],
    fail: [{ sslRequired: 'external' }, { registrationAllowed: true }, { editUsernameAllowed: undefined }, { securityDefenses: {} }, { accessTokenLifespan: '1h' }, { accessTokenLifespan: undefined }].map((change) => [realm(change)]),
  },
};

/** Minutes of a duration of Go: `5m`, `1h30m`; infinite when there is none. */
function minutes(duration?: string): number {
  if (!duration) return Infinity;
  const part = (unit: string, factor: number) => Number(new RegExp(`(\\d+)${unit}`).exec(duration)?.[1] ?? 0) * factor;
  return part('h', 60) + part('m', 1) + part('s', 1 / 60);
}
