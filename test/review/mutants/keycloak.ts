import { provisioned, type Operator } from './operator';

const clients = provisioned('keycloak', 'Client');
const realms = provisioned('keycloak', 'Realm');
const profiles = provisioned('keycloak', 'RealmUserProfile');
const groups = provisioned('keycloak', 'Group');
const added = (kind: string, type: string, spec: object) => (_spec: any, { add }: any) => add({ apiVersion: 'provisioned/keycloak', kind, type, metadata: { name: 'helper', namespace: 'keycloak' }, spec });
const set = (change: object) => (spec: any) => { Object.assign(spec, change); };
const unset = (key: string) => (spec: any) => { delete spec[key]; };

/** Logins and tokens. */
export const keycloak: readonly Operator[] = [
  { id: 'every address after login', rule: 'keycloak-redirects', diff: 'security widens login', critical: true, at: clients, act: set({ validRedirectUris: ['*'] }) },
  { id: 'every path after login', rule: 'keycloak-redirects', diff: 'security widens login', critical: true, at: clients, act: ({ validRedirectUris }) => { validRedirectUris[0] += '*'; } },
  { id: 'an address without TLS', rule: 'keycloak-redirects', diff: 'security widens login', critical: true, at: clients, act: ({ validRedirectUris }) => { validRedirectUris[0] = validRedirectUris[0].replace('https', 'http'); } },
  { id: 'an address of somebody else', diff: 'security widens login', critical: true, at: clients, act: ({ validRedirectUris }) => validRedirectUris.push('https://mallory.example/') },
  { id: 'every address after logout', rule: 'keycloak-redirects', diff: 'security widens login', at: clients, act: set({ validPostLogoutRedirectUris: ['*'] }) },
  { id: 'every origin', rule: 'keycloak-redirects', diff: 'security widens login', critical: true, at: clients, act: set({ webOrigins: ['*'] }) },
  { id: 'one more origin', diff: 'security widens login', at: clients, act: ({ webOrigins }) => webOrigins.push('https://mallory.example') },
  { id: 'passwords to the client', rule: 'keycloak-client-flows', diff: 'security widens login', critical: true, at: clients, act: set({ directAccessGrantsEnabled: true }) },
  { id: 'tokens in addresses', rule: 'keycloak-client-flows', diff: 'security widens login', critical: true, at: clients, act: set({ implicitFlowEnabled: true }) },
  { id: 'no PKCE', rule: 'keycloak-client-flows', diff: 'security widens login', critical: true, at: clients, act: unset('pkceCodeChallengeMethod') },
  { id: 'PKCE in the clear', rule: 'keycloak-client-flows', diff: 'security widens login', at: clients, act: set({ pkceCodeChallengeMethod: 'plain' }) },
  { id: 'all roles in the token', rule: 'keycloak-client-flows', diff: 'security widens login', at: clients, act: set({ fullScopeAllowed: true }) },
  { id: 'a client that logs in by itself', rule: 'keycloak-client-flows', diff: 'security widens login', at: clients, act: set({ accessType: 'CONFIDENTIAL', serviceAccountsEnabled: true }) },
  { id: 'logins by device', rule: 'keycloak-client-flows', diff: 'security widens login', at: clients, act: set({ oauth2DeviceAuthorizationGrantEnabled: true }) },
  { id: 'another root of addresses', diff: 'security widens login', at: clients, act: set({ rootUrl: 'https://mallory.example', baseUrl: '/' }) },
  { id: 'tokens of a day for one client', diff: 'security widens limit', at: clients, act: set({ accessTokenLifespan: '86400' }) },
  { id: 'tokens that outlive the login', diff: 'security widens login', at: clients, act: set({ clientOfflineSessionMaxLifespan: '31536000' }) },
  { id: 'a client', rule: 'keycloak-redirects', diff: 'security widens login', at: profiles, act: added('Client', 'openid/client:Client', { clientId: 'helper', accessType: 'PUBLIC', standardFlowEnabled: true, pkceCodeChallengeMethod: 'S256', directAccessGrantsEnabled: false, implicitFlowEnabled: false, fullScopeAllowed: false, validRedirectUris: ['https://mallory.example/*'] }) },
  { id: 'a right for everybody', rule: 'keycloak-mappers', diff: 'security widens login', critical: true, at: clients, act: (_spec, { object, add }) => added('HardcodedClaimProtocolMapper', 'openid/hardcodedClaimProtocolMapper:HardcodedClaimProtocolMapper', { clientId: `\${output:keycloak/client/${object.metadata.name}#id}`, claimName: 'policy', claimValue: 'administration' })(_spec, { add }) },
  { id: 'a role for everybody', rule: 'keycloak-mappers', diff: 'security widens login', at: clients, act: (_spec, { object, add }) => added('HardcodedRoleProtocolMapper', 'openid/hardcodedRoleProtocolMapper:HardcodedRoleProtocolMapper', { clientId: `\${output:keycloak/client/${object.metadata.name}#id}`, roleId: 'admin' })(_spec, { add }) },
  { id: 'one more audience', diff: 'security widens login', at: clients, act: (_spec, { object, add }) => added('AudienceProtocolMapper', 'openid/audienceProtocolMapper:AudienceProtocolMapper', { clientId: `\${output:keycloak/client/${object.metadata.name}#id}`, includedCustomAudience: 'kubernetes', addToAccessToken: true })(_spec, { add }) },
  { id: 'the audience of another server', diff: 'security widens login', at: provisioned('keycloak', 'AudienceProtocolMapper'), act: set({ includedCustomAudience: 'elsewhere' }) },
  { id: 'rights from another attribute', diff: 'security widens login', critical: true, at: provisioned('keycloak', 'UserAttributeProtocolMapper'), act: set({ userAttribute: 'firstName' }) },
  { id: 'an attribute as another claim', diff: 'security widens login', at: provisioned('keycloak', 'UserAttributeProtocolMapper'), act: set({ claimName: 'roles' }) },
  { id: 'people write their attributes', rule: 'keycloak-profile', diff: 'security widens login', critical: true, at: profiles, act: set({ unmanagedAttributePolicy: 'ENABLED' }) },
  { id: 'people write one attribute', rule: 'keycloak-profile', diff: 'security widens login', critical: true, at: profiles, act: ({ attributes }) => attributes.push({ name: 'policy', permissions: { views: ['admin', 'user'], edits: ['admin', 'user'] }, validators: [] }) },
  { id: 'people rename themselves in the profile', rule: 'keycloak-profile', diff: 'security widens login', at: profiles, act: ({ attributes }) => attributes[0].permissions.edits.push('user') },
  { id: 'names without a pattern', diff: 'security widens login', at: profiles, act: ({ attributes }) => { attributes[0].validators = []; } },
  { id: 'anybody registers', rule: 'keycloak-realm', diff: 'security widens login', critical: true, at: realms, act: set({ registrationAllowed: true }) },
  { id: 'people rename themselves', rule: 'keycloak-realm', diff: 'security widens login', critical: true, at: realms, act: set({ editUsernameAllowed: true }) },
  { id: 'guessing is not slowed', rule: 'keycloak-realm', diff: 'security widens login', at: realms, act: unset('securityDefenses') },
  { id: 'guessing is hardly slowed', diff: 'security widens login', at: realms, act: ({ securityDefenses }) => { securityDefenses.bruteForceDetection.maxLoginFailures = 100000; } },
  { id: 'logins without TLS', rule: 'keycloak-realm', diff: 'security widens login', critical: true, at: realms, act: set({ sslRequired: 'none' }) },
  { id: 'logins without TLS inside', diff: 'security widens login', at: realms, act: set({ sslRequired: 'external' }) },
  { id: 'tokens of a day', rule: 'keycloak-realm', diff: 'security widens limit', at: realms, act: set({ accessTokenLifespan: '24h' }) },
  { id: 'sessions of a month', diff: 'security widens limit', at: realms, act: set({ ssoSessionMaxLifespan: '720h', ssoSessionIdleTimeout: '720h' }) },
  { id: 'passwords reset by mail', diff: 'security widens login', at: realms, act: set({ resetPasswordAllowed: true }) },
  { id: 'logins remembered', diff: 'security widens login', at: realms, act: set({ rememberMe: true }) },
  { id: 'a word on passwords where there was none', diff: 'security narrows login', at: realms, act: set({ passwordPolicy: 'length(1)' }) },
  { id: 'mail through somebody', diff: 'security widens login', at: realms, act: set({ smtpServer: { host: 'smtp.mallory.example', from: 'x@mallory.example' } }) },
  { id: 'a group with more rights', diff: 'security widens login', critical: true, at: groups, act: ({ attributes }) => { attributes.policy += '##root'; } },
  { id: 'a group with the rights of administrators', diff: 'security widens login', critical: true, at: provisioned('keycloak', 'Group', ['spec'], (_spec, { metadata }) => metadata.name !== 'datalab-admins'), act: ({ attributes }) => { attributes.policy = 'administration'; } },
  { id: 'a group of another project', diff: 'security widens login', at: groups, act: ({ attributes }) => { attributes.project = 'secret'; } },
  { id: 'everybody is an administrator', diff: 'security widens login', critical: true, at: provisioned('keycloak', 'DefaultGroups'), act: ({ groupIds }) => groupIds.push('${output:keycloak/group/datalab-admins#id}') },
  { id: 'one more member', diff: 'security widens login', at: provisioned('keycloak', 'GroupMemberships'), act: ({ members }) => members.push('mallory') },
  { id: 'one more person', diff: 'security widens login', at: profiles, act: added('User', 'index/user:User', { username: 'mallory', enabled: true, initialPassword: { value: '${secret:keycloak/demo-mallory@v1}', temporary: false } }) },
  { id: 'a password of a person in plain sight', diff: 'security widens login', at: provisioned('keycloak', 'User', ['spec', 'initialPassword']), act: set({ value: 'Tr0ub4dor3' }) },
  { id: 'logins by somebody else', diff: 'security widens login', critical: true, at: profiles, act: added('IdentityProvider', 'oidc/identityProvider:IdentityProvider', { alias: 'mallory', trustEmail: true, authorizationUrl: 'https://mallory.example/', tokenUrl: 'https://mallory.example/', clientId: 'x' }) },
  { id: 'a role of a group', diff: 'security widens login', critical: true, at: profiles, act: added('GroupRoles', 'index/groupRoles:GroupRoles', { groupId: '${output:keycloak/group/datalab-users#id}', roleIds: ['realm-admin'] }) },
  { id: 'an authentication flow', diff: 'security widens login', at: profiles, act: added('Bindings', 'authentication/bindings:Bindings', { browserFlow: 'no password' }) },
  { id: 'an address that begins like ours', diff: 'security widens login', critical: true, at: clients, act: ({ validRedirectUris }) => { validRedirectUris[0] = validRedirectUris[0].replace(/\/$/, '.mallory.example/'); } },
  { id: 'an address of this computer', rule: 'keycloak-redirects', diff: 'security widens login', at: clients, act: ({ validRedirectUris }) => validRedirectUris.push('http://localhost:8080/') },
  { id: 'a setting of the realm that nobody knows', diff: 'security widens login', at: realms, act: set({ attributes: { 'userProfileEnabled': 'false' } }) },
  { id: 'rights from a property of a person', diff: 'security widens login', at: clients, act: (_spec, { object, add }) => added('UserPropertyProtocolMapper', 'openid/userPropertyProtocolMapper:UserPropertyProtocolMapper', { clientId: `\${output:keycloak/client/${object.metadata.name}#id}`, userProperty: 'email', claimName: 'policy' })(_spec, { add }) },
];
