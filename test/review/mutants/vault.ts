import { json, provisioned, type Operator } from './operator';

const policies = provisioned('vault', 'Policy');
const named = (names: string) => provisioned('vault', 'Policy', ['spec'], (_spec, { metadata }) => new RegExp(names).test(metadata.name));
const roles = provisioned('vault', 'AuthBackendRole');
const logins = provisioned('vault', 'AuthBackend');
const path = (name: string, capabilities: string) => (spec: any) => { spec.policy += `\npath "${name}" {\n  capabilities = [${capabilities.split(' ').map((one) => `"${one}"`).join(', ')}]\n}\n`; };
const added = (kind: string, type: string, spec: object) => (_spec: any, { add }: any) => add({ apiVersion: 'provisioned/vault', kind, type, metadata: { name: 'helper', namespace: 'vault' }, spec });

/** Rights on secrets in Vault. */
export const vault: readonly Operator[] = [
  { id: 'sudo', rule: 'vault-capabilities', diff: 'security widens vault', critical: true, at: policies, act: (spec) => { spec.policy = spec.policy.replace('"read"', '"read", "sudo"'); } },
  { id: 'every path', rule: 'vault-capabilities', diff: 'security widens vault', critical: true, at: policies, act: path('*', 'read') },
  { id: 'the path of everything, differently', rule: 'vault-capabilities', diff: 'security widens vault', at: policies, act: path('+/*', 'read') },
  { id: "the server's own settings", rule: 'vault-capabilities', diff: 'security widens vault', critical: true, at: policies, act: path('sys/policies/acl/*', 'create update') },
  { id: 'logins of others', rule: 'vault-capabilities', diff: 'security widens vault', critical: true, at: policies, act: path('auth/jwt/role/*', 'create update') },
  { id: 'makes tokens', rule: 'vault-capabilities', diff: 'security widens vault', at: policies, act: path('auth/token/create', 'update') },
  { id: 'secrets of all persons', rule: 'vault-person-path', diff: 'security widens vault', critical: true, at: named('person'), act: (spec) => { spec.policy = spec.policy.replaceAll(/user-\{\{[^}]*\}[^}]*\}\}/g, 'user-*'); } },
  { id: 'secrets of all owners', rule: 'vault-person-path', diff: 'security widens vault', critical: true, at: policies, act: path('onyxia-kv/data/+/*', 'read') },
  { id: 'all secrets', rule: 'vault-person-path', diff: 'security widens vault', critical: true, at: policies, act: path('onyxia-kv/*', 'read list') },
  { id: 'secrets of one person', rule: 'vault-person-path', diff: 'security widens vault', at: policies, act: path('onyxia-kv/data/user-alice/*', 'read') },
  { id: 'secrets of another project', diff: 'security widens vault', at: named('project'), act: (spec, { object }) => path(`onyxia-kv/data/projet-${object.metadata.name.endsWith('ape') ? 'fideli' : 'ape'}/*`, 'read')(spec, ) },
  { id: 'a capability more', diff: 'security widens vault', at: policies, act: (spec) => { spec.policy = spec.policy.replace('"update"]', '"update", "delete"]'); } },
  { id: 'destroys versions', diff: 'security widens vault', at: named('project'), act: path('onyxia-kv/destroy/projet-ape/*', 'update') },
  { id: 'a refusal that goes with a block', diff: 'security narrows vault', at: policies, act: (spec) => { spec.policy = spec.policy.replace(/path "[^"]*" \{[^}]*\}\s*$/, ''); } },
  { id: 'a login without an audience', rule: 'vault-logins', diff: 'security widens', critical: true, at: roles, act: (spec) => { delete spec.boundAudiences; } },
  { id: 'a login of one more audience', diff: 'security widens', at: roles, act: ({ boundAudiences }) => boundAudiences.push('onyxia') },
  { id: 'a token for a year', rule: 'vault-logins', diff: 'security widens', at: roles, act: (spec) => { spec.tokenMaxTtl = 31536000; } },
  { id: 'a token renewed for ever', rule: 'vault-logins', diff: 'security widens', at: roles, act: (spec) => { spec.tokenPeriod = 3600; } },
  { id: 'no longest life', rule: 'vault-logins', diff: 'security widens', at: roles, act: (spec) => { delete spec.tokenMaxTtl; } },
  { id: 'a root login', rule: 'vault-logins', diff: 'security widens', critical: true, at: roles, act: ({ tokenPolicies }) => tokenPolicies.push('root') },
  { id: 'one more policy at login', diff: 'security widens', at: roles, act: ({ tokenPolicies }) => tokenPolicies.push('project-ape') },
  { id: 'the default policy', diff: 'security widens', at: roles, act: (spec) => { delete spec.tokenNoDefaultPolicy; } },
  { id: 'the name from another claim', diff: 'security widens', at: roles, act: (spec) => { spec.userClaim = 'email'; } },
  { id: 'the groups from another claim', diff: 'security widens', at: roles, act: (spec) => { spec.groupsClaim = 'groups'; } },
  { id: 'clocks that differ by a day', diff: 'security widens', at: roles, act: (spec) => { spec.clockSkewLeeway = 86400; } },
  { id: 'keys of somebody else', diff: 'security widens', critical: true, at: logins, act: (spec) => { spec.jwksUrl = 'https://mallory.example/certs'; } },
  { id: 'any issuer', diff: 'security widens', critical: true, at: logins, act: (spec) => { delete spec.boundIssuer; } },
  { id: 'a weak signature', diff: 'security widens', at: logins, act: ({ jwtSupportedAlgs }) => jwtSupportedAlgs.push('HS256') },
  { id: 'another login', diff: 'security widens', critical: true, at: logins, act: added('AuthBackend', 'index/authBackend:AuthBackend', { type: 'userpass', path: 'userpass' }) },
  { id: 'a role of a login', rule: 'vault-logins', diff: 'security widens', at: logins, act: added('AuthBackendRole', 'jwt/authBackendRole:AuthBackendRole', { backend: 'jwt', roleName: 'helper', roleType: 'jwt', userClaim: 'sub', tokenPolicies: ['person'] }) },
  { id: 'a policy', diff: 'security widens vault', at: logins, act: added('Policy', 'index/policy:Policy', { name: 'helper', policy: 'path "onyxia-kv/data/projet-ape/x" {\n  capabilities = ["read"]\n}\n' }) },
  { id: 'a token', diff: 'security widens', at: logins, act: added('Token', 'index/token:Token', { policies: ['person'], noParent: true }) },
  { id: 'one audit log less', rule: 'vault-audit', diff: 'security widens', critical: true, at: provisioned('vault', 'Audit'), act: (_spec, { drop }) => drop() },
  { id: 'secrets in the audit log', diff: 'security widens', at: provisioned('vault', 'Audit', ['spec', 'options']), act: (options) => { options.log_raw = 'true'; } },
  { id: 'an audit log to nowhere', diff: 'security widens', at: provisioned('vault', 'Audit', ['spec', 'options']), act: (options) => { options.file_path = '/dev/null'; } },
  { id: 'browsers of everywhere', diff: 'security widens', at: provisioned('vault', 'Endpoint'), act: (spec) => json(spec, 'dataJson', (data) => { data.allowed_origins = ['*']; }) },
  { id: 'a group with another policy', diff: 'security widens', critical: true, at: provisioned('vault', 'Group'), act: (spec, { object }) => spec.policies.push(object.metadata.name === 'ape' ? 'project-fideli' : 'project-ape') },
  { id: 'a group of other people', diff: 'security widens', at: provisioned('vault', 'GroupAlias'), act: (spec) => { spec.name = 'person'; } },
  { id: 'secrets without versions', diff: 'data widens|security widens', at: provisioned('vault', 'Mount'), act: ({ options }) => { options.version = '1'; } },
  { id: 'another address of Vault', diff: 'security widens', at: provisioned('vault', 'Provider'), act: (spec) => { spec.address = 'https://vault.mallory.example'; } },
  { id: 'parameters of a path', diff: 'security widens vault', at: policies, act: (spec) => { spec.policy = spec.policy.replace(/\n\}/, '\n  allowed_parameters = { "*" = [] }\n}'); } },
  { id: 'a capability in the old form', rule: 'vault-capabilities', diff: 'security widens vault', at: policies, act: (spec) => { spec.policy += '\npath "sys/raw/*" {\n  policy = "sudo"\n}\n'; } },
  { id: 'a policy as JSON', rule: 'vault-capabilities', diff: 'security widens vault', critical: true, at: policies, act: (spec) => { spec.policy = '{"path":{"*":{"capabilities":["sudo","read"]}}}'; } },
  { id: 'one version is kept', diff: 'data widens|security widens', at: provisioned('vault', 'Mount'), act: ({ options }) => { options.max_versions = '1'; } },
];
