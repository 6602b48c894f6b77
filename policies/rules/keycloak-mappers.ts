import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned } from '../tree';

export const keycloakMappers: Rule = {
  id: 'keycloak-mappers',
  title: 'The rights in a token come from groups: no mapper writes them for everybody',
  why: 'A hard-coded claim `policy` or `groups` gives its value to each person who logs in.',
  sources: ['RFC 9700 §2.3'],
  severity: 'high',
  mandatory: everywhere,
  check: eachProvisioned('keycloak', ['HardcodedClaimProtocolMapper', 'HardcodedRoleProtocolMapper', 'HardcodedGroupIdentityProviderMapper'], (spec, { kind }) => {
    const claim: string = spec.claimName ?? kind;
    return (kind !== 'HardcodedClaimProtocolMapper' || /^(policy|groups|roles|realm_access|preferred_username|sub|aud)$/.test(claim)) && { path: 'claimName', got: `${claim} = ${spec.claimValue ?? ''}`, fix: 'map it from an attribute of groups' };
  }),
  examples: {
    pass: [[provisioned('keycloak', 'HardcodedClaimProtocolMapper', { claimName: 'datalab', claimValue: 'ls3' })]],
    fail: [[provisioned('keycloak', 'HardcodedClaimProtocolMapper', { claimName: 'policy', claimValue: 'consoleAdmin' })], [provisioned('keycloak', 'HardcodedRoleProtocolMapper', {})]],
  },
};
