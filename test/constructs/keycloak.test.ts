import { compose } from '../../constructs/compose';
import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import { Postgresql } from '../../constructs/postgresql';
import type { Size } from '../../model/region';
import { loadStack } from '../../model/stack';
import { entryOf, objectsOf, platformWith, yamlOf } from './base';

const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };

function keycloakIn(size: Size) {
  const platform = platformWith({ size, nodePools, quotas: { user: none, group: none } });
  const keycloak = new Keycloak(platform, 'keycloak', { database: new Postgresql(platform, 'postgresql'), routes: new Gateway(platform, 'gateway') });
  const objects = objectsOf(platform);
  const { spec } = objects['keycloak/statefulset/keycloak']!;
  const env = Object.fromEntries(spec.template.spec.containers[0].env.map(({ name, value }: { name: string; value?: string }) => [name, value ?? 'from a Secret']));
  return { platform, keycloak, objects, spec, container: spec.template.spec.containers[0], env };
}

test('defaults', () => {
  expect(yamlOf(keycloakIn('standard').platform, 'keycloak')).toMatchSnapshot();
});

test('it runs in production mode on its own database', () => {
  const { container, env, platform } = keycloakIn('small');
  expect(container.args).toEqual(['start']);
  expect(env).toMatchObject({
    KC_HOSTNAME: 'https://auth.lab.example.org',
    KC_DB: 'postgres',
    KC_DB_URL: 'jdbc:postgresql://postgresql.postgresql.svc.cluster.local:5432/keycloak',
    KC_DB_USERNAME: 'keycloak',
    KC_DB_PASSWORD: 'from a Secret',
    KC_BOOTSTRAP_ADMIN_PASSWORD: 'from a Secret',
  });
  expect(entryOf(platform, 'keycloak/statefulset/keycloak').after).toContain('postgresql/job/database-keycloak-v1');
});

test('from outside realms, their resources and the admin REST interface are reached, not the admin console', () => {
  const { objects, keycloak } = keycloakIn('small');
  expect(keycloak.url).toBe('https://auth.lab.example.org');
  const [{ matches }] = objects['keycloak/httproute/auth-lab-example-org']!.spec.rules;
  expect(matches.map(({ path }: { path: { value: string } }) => path.value)).toEqual(['/realms/', '/resources/', '/admin/realms', '/admin/serverinfo']);
});

test.each([
  ['small', 1, '500m', '1Gi'],
  ['standard', 2, '1', '2Gi'],
  ['ha', 3, '2', '2Gi'],
] as const)('size %s: %d pods of %s cores and %s', (size, pods, cpu, memory) => {
  const { spec, container } = keycloakIn(size);
  expect(spec.replicas).toBe(pods);
  expect(container.resources).toEqual({ requests: { cpu, memory }, limits: { memory } });
});

test('one pod keeps its cache to itself and opens no port for others', () => {
  const { env, container, objects } = keycloakIn('small');
  expect(env.KC_CACHE).toBe('local');
  expect(container.ports.map(({ containerPort }: { containerPort: number }) => containerPort)).toEqual([8080, 9000]);
  expect(objects['keycloak/networkpolicy/keycloak']!.spec.ingress).toHaveLength(1);
});

test.each(['standard', 'ha'] as const)('size %s: the pods share their cache, over ports that only they reach', (size) => {
  const { env, objects } = keycloakIn(size);
  expect(env).toMatchObject({ KC_CACHE: 'ispn', KC_CACHE_STACK: 'jdbc-ping' });
  const itself = { matchLabels: { 'app.kubernetes.io/name': 'keycloak', 'app.kubernetes.io/instance': 'keycloak' } };
  const policy = objects['keycloak/networkpolicy/keycloak']!.spec;
  const ports = [{ port: 7800, protocol: 'TCP' }, { port: 57800, protocol: 'TCP' }];
  expect(policy.ingress).toContainEqual({ from: [expect.objectContaining({ podSelector: itself })], ports });
  expect(policy.egress).toContainEqual({ to: [expect.objectContaining({ podSelector: itself })], ports });
});

test('people are made when the realm says which attributes they have', () => {
  expect(entryOf(compose(loadStack('ssp-cloud.local')), 'keycloak/user/alice').after).toContain('keycloak/realmuserprofile/profile');
});

describe('a rotation', () => {
  const before = objectsOf(compose(loadStack('ssp-cloud.local')));
  const rotated = (name: string) => {
    const platform = compose({ ...loadStack('ssp-cloud.local'), secrets: { epoch: 1, versions: { [name]: 2 } } });
    return { platform, objects: objectsOf(platform) };
  };

  test("of the bootstrap administrator's password sets it before Pulumi logs in with it, and restarts nothing", () => {
    const { platform, objects } = rotated('keycloak/bootstrap-admin');
    const job = 'keycloak/job/password-bootstrap-admin-v2';
    expect(entryOf(platform, job).after).toContain('keycloak/statefulset/keycloak');
    expect(entryOf(platform, 'keycloak/provider/keycloak').after).toContain(job);
    expect(objects['keycloak/secret/password-bootstrap-admin']!.stringData).toEqual({
      password: '${secret:keycloak/bootstrap-admin@v2}',
      administrator: '${secret:keycloak/bootstrap-admin@v2} ${secret:keycloak/bootstrap-admin@v1}',
    });
    expect(objects['keycloak/statefulset/keycloak']).toEqual(before['keycloak/statefulset/keycloak']);
  });

  test("of a demo person's password sets it when the person is there", () => {
    const { platform, objects } = rotated('keycloak/demo-alice');
    expect(entryOf(platform, 'keycloak/job/password-alice-v2').after).toContain('keycloak/user/alice');
    expect(objects['keycloak/secret/password-alice']!.stringData).toEqual({
      password: '${secret:keycloak/demo-alice@v2}',
      administrator: '${secret:keycloak/bootstrap-admin@v1}',
    });
    expect(Object.keys(objects).filter((id) => id.startsWith('keycloak/job/'))).toEqual(['keycloak/job/password-alice-v2']);
  });

  test('puts no password into an argument or into the script', () => {
    const { objects } = rotated('keycloak/bootstrap-admin');
    const [container] = objects['keycloak/job/password-bootstrap-admin-v2']!.spec.template.spec.containers;
    expect(container.command).toEqual(['sh', '/set-password/set-password.sh']);
    const script: string = objects['keycloak/configmap/set-password']!.data['set-password.sh'];
    expect(script).not.toMatch(/--(new-)?password/);
  });
});
