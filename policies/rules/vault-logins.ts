import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, told, type Place } from '../tree';

const good = { roleType: 'jwt', boundAudiences: ['vault'], userClaim: 'preferred_username', tokenTtl: 3600, tokenMaxTtl: 43200, tokenPolicies: ['person'] };
const role = (change: object) => provisioned('vault', 'AuthBackendRole', { ...good, ...change });
const halfADay = 12 * 3600;

export const vaultLogins: Rule = {
  id: 'vault-logins',
  title: 'Each role of a Vault login names its audience, ends within 12 hours, and is no root',
  why: 'A token for another server would open Vault; a token without end is a static credential.',
  sources: ['Vault production hardening', 'RFC 9700 §2.3'],
  severity: 'high',
  mandatory: everywhere,
  check: eachProvisioned('vault', ['AuthBackendRole'], (spec): Place[] => [
    ...(spec.boundAudiences?.length ? [] : [{ path: 'boundAudiences', got: told(spec.boundAudiences), fix: 'name the audience' }]),
    ...['tokenTtl', 'tokenMaxTtl'].filter((field) => !(spec[field] > 0 && spec[field] <= halfADay)).map((field) => ({ path: field, got: told(spec[field]), fix: `seconds, at most ${halfADay}` })),
    ...((spec.tokenPolicies ?? []) as string[]).filter((each) => each === 'root').map((each) => ({ path: 'tokenPolicies', got: each, fix: 'name a policy of its own' })),
    ...(spec.tokenPeriod ? [{ path: 'tokenPeriod', got: told(spec.tokenPeriod), fix: 'remove it: such a token is renewed without end' }] : []),
  ]),
  examples: {
    pass: [[role({})]],
    fail: [{ boundAudiences: undefined }, { boundAudiences: [] }, { tokenTtl: undefined }, { tokenMaxTtl: 2764800 }, { tokenPolicies: ['root'] }, { tokenPeriod: 3600 }].map((change) => [role(change)]),
  },
};
