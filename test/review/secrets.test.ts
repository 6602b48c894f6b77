import { compose } from '../../constructs/compose';
import { raised, type SecretVersions } from '../../model/secret-versions';
import { loadStack } from '../../model/stack';
import { rotationEffects, secretUses } from '../../review/secrets';

const stack = loadStack('ssp-cloud.paris');
const paris = (secrets: SecretVersions = stack.secrets) => compose({ ...stack, secrets });
const useOf = (name: string, secrets?: SecretVersions) => secretUses(paris(secrets)).find((use) => use.name === name);

test('every secret of a stack, with who is given it and whom a rotation restarts', () => {
  expect(useOf('keycloak/database')).toEqual({
    name: 'keycloak/database',
    label: 'keycloak/database@v1',
    usedBy: ['postgresql/job/database-keycloak-v1', 'keycloak/statefulset/keycloak'],
    restarts: ['keycloak/statefulset/keycloak'],
  });
  expect(useOf('minio/root')).toMatchObject({ usedBy: ['minio/statefulset/minio', 'minio/provider/minio'], restarts: ['minio/statefulset/minio'] });
  expect(useOf('postgresql/superuser')).toMatchObject({ usedBy: ['postgresql/statefulset/postgresql', 'postgresql/job/database-keycloak-v1'], restarts: [] });
  expect(secretUses(compose(loadStack('ls3.local'))).find(({ name }) => name === 'keycloak/demo-bob')).toMatchObject({ usedBy: ['keycloak/user/bob'], restarts: [] });
});

test('after a rotation the new version is told, and those before it are nobody’s', () => {
  expect(useOf('postgresql/superuser', raised(stack.secrets, ['postgresql/superuser']))).toMatchObject({
    label: 'postgresql/superuser@v2',
    usedBy: ['postgresql/statefulset/postgresql', 'postgresql/job/superuser-v2', 'postgresql/job/database-keycloak-v1'],
  });
});

test.each([
  ['keycloak/database', ['runs      postgresql/job/database-keycloak-v2', 'restarts  keycloak/statefulset/keycloak']],
  ['postgresql/superuser', ['runs      postgresql/job/superuser-v2']],
  ['minio/root', ['restarts  minio/statefulset/minio', 'logs in   minio/provider/minio, with the new value']],
  ['keycloak/bootstrap-admin', ['logs in   keycloak/provider/keycloak, with the new value', 'runs      keycloak/job/password-bootstrap-admin-v2']],
])('what the deployment of a rotation does: %s', (name, effects) => {
  expect(rotationEffects(paris(), paris(raised(stack.secrets, [name])))).toEqual(effects);
});

test('a new epoch changes every secret', () => {
  const old = secretUses(paris()).map(({ label }) => label);
  expect(secretUses(paris({ ...stack.secrets, epoch: 2 })).map(({ label }) => label)).toEqual(old.map((label) => label.replace('@', '@e2')));
});
