import { entriesOf } from '../../constructs/objects';
import { packageOf } from '../../constructs/tokens';
import { confidential, open } from '../model/base';
import { appIn, objectsOf } from './base';
import { vaultPlatform } from './vault-platform';

const own = `
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
`;

const below = (mount: string, folder: string) => `path "${mount}/data/${folder}/*" {
  capabilities = ["create", "read", "update"]
}

path "${mount}/metadata/${folder}/*" {
  capabilities = ["delete", "list", "read"]
}
`;

const specs = (definition = confidential()) => {
  const { platform } = vaultPlatform(definition);
  const provisioned = entriesOf(platform).filter(({ object }) => packageOf(object) === 'vault' && object.kind !== 'Provider');
  return Object.fromEntries(provisioned.map(({ id, object }) => [id, { type: object.type, ...(object.spec as Record<string, any>) }]));
};

test('what there is in an instance with two projects', () => {
  const all = specs();
  const policies = Object.fromEntries(Object.entries(all).filter(([id]) => id.startsWith('vault/policy/')));
  expect(policies).toEqual({
    'vault/policy/person': { type: 'index/policy:Policy', name: 'person', policy: `${below('onyxia-kv', 'user-{{identity.entity.aliases.${output:vault/authbackend/jwt#accessor}.name}}')}${own}` },
    'vault/policy/project-health': { type: 'index/policy:Policy', name: 'project-health', policy: below('onyxia-kv', 'projet-health') },
    'vault/policy/project-income': { type: 'index/policy:Policy', name: 'project-income', policy: below('onyxia-kv', 'projet-income') },
  });
  const rest = Object.fromEntries(Object.entries(all).filter(([id]) => !id.startsWith('vault/policy/')));
  expect(rest).toEqual({
    'vault/audit/file': { path: 'file', type: 'file', options: { file_path: '/vault/audit/audit.log' } },
    'vault/audit/stdout': { path: 'stdout', type: 'file', options: { file_path: 'stdout' } },
    'vault/mount/onyxia-kv': { path: 'onyxia-kv', type: 'kv', options: { version: '2' } },
    'vault/authbackend/jwt': {
      path: 'jwt',
      type: 'jwt',
      jwksUrl: 'http://keycloak.keycloak.svc.cluster.local:8080/realms/demo/protocol/openid-connect/certs',
      boundIssuer: 'https://auth.lab.example.org/realms/demo',
      jwtSupportedAlgs: ['RS256'],
      defaultRole: 'onyxia-user',
    },
    'vault/authbackendrole/onyxia-user': {
      type: 'jwt/authBackendRole:AuthBackendRole',
      backend: '${output:vault/authbackend/jwt#id}',
      roleName: 'onyxia-user',
      roleType: 'jwt',
      boundAudiences: ['vault'],
      userClaim: 'preferred_username',
      groupsClaim: 'policy',
      clockSkewLeeway: 5,
      tokenTtl: 3600,
      tokenMaxTtl: 36000,
      tokenNoDefaultPolicy: true,
      tokenPolicies: ['person'],
    },
    'vault/endpoint/cors': { type: 'generic/endpoint:Endpoint', path: 'sys/config/cors', dataJson: '{"allowed_origins":["https://lab.example.org"],"enabled":true}', ignoreAbsentFields: true },
    'vault/group/health': { type: 'external', name: 'health', policies: ['project-health'] },
    'vault/group/income': { type: 'external', name: 'income', policies: ['project-income'] },
    'vault/groupalias/health': { type: 'identity/groupAlias:GroupAlias', name: 'project-health', mountAccessor: '${output:vault/authbackend/jwt#accessor}', canonicalId: '${output:vault/group/health#id}' },
    'vault/groupalias/income': { type: 'identity/groupAlias:GroupAlias', name: 'project-income', mountAccessor: '${output:vault/authbackend/jwt#accessor}', canonicalId: '${output:vault/group/income#id}' },
  });
});

test('without projects there are people only, and their tokens last up to 12 hours where sessions are longer', () => {
  const all = specs(open());
  expect(Object.keys(all).filter((id) => /group|project/.test(id))).toEqual([]);
  expect(all['vault/authbackendrole/onyxia-user']).toMatchObject({ tokenMaxTtl: 43200 });
});

test('both audit devices are there before anything else is made, one after the other', () => {
  const { platform } = vaultPlatform();
  const entries = entriesOf(platform).filter(({ object }) => packageOf(object) === 'vault');
  for (const { id, object, after } of entries) {
    if (object.kind === 'Provider') expect(after).toContain('vault/statefulset/vault');
    else if (id !== 'vault/audit/file') expect(after).toContain(id === 'vault/audit/stdout' ? 'vault/audit/file' : 'vault/audit/stdout');
  }
});

test('the secrets of people are data: they outlive the platform', () => {
  const { platform } = vaultPlatform();
  expect(entriesOf(platform).filter(({ stateful, object }) => stateful && packageOf(object) === 'vault').map(({ id }) => id)).toEqual(['vault/mount/onyxia-kv']);
});

test('Vault reaches the keys of the realm, and waits for it', () => {
  const { platform } = vaultPlatform();
  const entry = entriesOf(platform).find(({ id }) => id === 'vault/statefulset/vault')!;
  expect(entry.after).toEqual(expect.arrayContaining(['keycloak/realm/demo', 'keycloak/statefulset/keycloak']));
  const { egress } = objectsOf(platform)['vault/networkpolicy/vault']!.spec;
  expect(JSON.stringify(egress)).toContain('"app.kubernetes.io/name":"keycloak"');
});

test('a grant gives a workload its paths, role, token, variables and edge, and nothing to its neighbour', () => {
  const { platform, access } = vaultPlatform();
  const writer = appIn(platform, {}, 'writer');
  const reader = appIn(platform, {}, 'reader', writer.node.scope as never);
  appIn(platform, {}, 'idle', writer.node.scope as never);
  const path = access.secretPath('mlflow');
  path.grantReadWrite(writer);
  path.grantRead(reader);
  access.secretPath('other').grantRead(reader);
  const objects = objectsOf(platform);
  expect(objects['vault/policy/app.writer']!.spec.policy).toBe(`${own.slice(1)}\n${below('platform-kv', 'mlflow')}`);
  const read = (folder: string) => below('platform-kv', folder).replace('"create", "read", "update"', '"read"').replace('"delete", "list", "read"', '"list", "read"');
  expect(objects['vault/policy/app.reader']!.spec.policy).toBe(`${own.slice(1)}\n${read('mlflow')}\n${read('other')}`);
  expect(objects['vault/authbackendrole/app.writer']!.spec).toEqual({
    backend: 'workloads', roleName: 'app.writer', roleType: 'jwt', boundAudiences: ['vault'], boundSubject: 'system:serviceaccount:app:writer', userClaim: 'sub',
    tokenTtl: 3600, tokenMaxTtl: 43200, tokenNoDefaultPolicy: true, tokenPolicies: ['app.writer'],
  });
  expect(objects['vault/mount/platform-kv']).toMatchObject({ spec: { path: 'platform-kv' }, metadata: { annotations: { 'datalab-stacks/stateful': 'true' } } });
  const { containers, volumes } = objects['app/deployment/writer']!.spec.template.spec;
  expect(containers[0].env).toEqual([
    { name: 'VAULT_ADDR', value: 'http://vault.vault.svc.cluster.local:8200' },
    { name: 'VAULT_AUTH_PATH', value: 'workloads' },
    { name: 'VAULT_JWT_FILE', value: '/var/run/secrets/datalab/vault/token' },
    { name: 'VAULT_ROLE', value: 'app.writer' },
  ]);
  expect(volumes).toEqual([expect.objectContaining({ projected: expect.objectContaining({ sources: [{ serviceAccountToken: { audience: 'vault', expirationSeconds: 3600, path: 'token' } }] }) })]);
  expect(entriesOf(platform).find(({ id }) => id === 'app/deployment/writer')!.after).toEqual(expect.arrayContaining(['vault/authbackendrole/app.writer', 'vault/mount/platform-kv', 'vault/statefulset/vault']));
  expect(JSON.stringify(objects['app/networkpolicy/writer']!.spec.egress)).toContain('"port":8200');
  expect(objects['app/deployment/idle']!.spec.template.spec.volumes).toBeUndefined();
  expect(Object.keys(objects).filter((id) => id.includes('idle') && id.startsWith('vault/'))).toEqual([]);
});
