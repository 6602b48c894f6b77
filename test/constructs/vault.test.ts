import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import { Minio } from '../../constructs/minio';
import { Postgresql } from '../../constructs/postgresql';
import { Realm } from '../../constructs/realm';
import { Vault } from '../../constructs/vault';
import type { RegionDefinition, Size } from '../../model/region';
import { entryOf, objectsOf, platformWith, yamlOf } from './base';

const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };
type Seal = RegionDefinition['vault']['seal'];
const pgp: Seal = { kind: 'pgp' };
const transit: Seal = { kind: 'transit', address: 'https://vault.example.org:8200', mount: 'transit', key: 'lab', cidrs: ['10.9.0.0/28'] };

function vaultIn(size: Size, seal: Seal = pgp) {
  const platform = platformWith({ size, nodePools, quotas: { user: none, group: none }, vault: { seal, threshold: 2 } });
  const routes = new Gateway(platform, 'gateway');
  const identity = new Realm(new Keycloak(platform, 'keycloak', { routes, database: new Postgresql(platform, 'postgresql') }), 'realm');
  const vault = new Vault(platform, 'vault', { routes, identity });
  const objects = objectsOf(platform);
  const { spec, metadata } = objects['vault/statefulset/vault']!;
  return { platform, routes, identity, vault, objects, spec, metadata, container: spec.template.spec.containers[0], hcl: objects['vault/configmap/config']!.data['vault.hcl'] as string };
}

const cidrs = (rules: any[], field: 'from' | 'to') => rules.flatMap((rule) => rule[field].flatMap(({ ipBlock }: any) => (ipBlock ? [[ipBlock.cidr, rule.ports[0].port]] : [])));

test('defaults', () => {
  expect(yamlOf(vaultIn('standard').platform, 'vault')).toMatchSnapshot();
});

test.each([
  ['small', 1, undefined, 0],
  ['standard', 3, 'OnDelete', 3],
  ['ha', 3, 'OnDelete', 3],
] as const)('size %s: %d pods; those of several join each other and are replaced by hand', (size, pods, strategy, members) => {
  const { spec, hcl, objects } = vaultIn(size);
  expect(spec.replicas).toBe(pods);
  expect(spec.updateStrategy?.type).toBe(strategy);
  expect(hcl.match(/leader_api_addr = "http:\/\/vault-\d\.vault-headless\.vault\.svc\.cluster\.local:8200"/g) ?? []).toHaveLength(members);
  const itself = objects['vault/networkpolicy/vault']!.spec.egress.filter(({ to }: any) => to[0].podSelector?.matchLabels['app.kubernetes.io/name'] === 'vault');
  expect(itself.flatMap(({ ports }: any) => ports.map(({ port }: any) => port))).toEqual(pods === 1 ? [] : [8200, 8201]);
});

test('sealed, it is not ready and not restarted; deployments do not wait for operators', () => {
  const { container, metadata, objects } = vaultIn('standard');
  expect(container.readinessProbe.httpGet.path).toBe('/v1/sys/health?standbyok=true');
  expect(container.livenessProbe.httpGet.path).toBe('/v1/sys/health?standbyok=true&sealedcode=204&uninitcode=204');
  expect(container.startupProbe.httpGet.path).toBe(container.livenessProbe.httpGet.path);
  expect(metadata.annotations!['pulumi.com/skipAwait']).toBe('true');
  expect(objects['vault/service/vault-headless']!.spec.publishNotReadyAddresses).toBe(true);
  expect(objects['vault/service/vault']!.spec.publishNotReadyAddresses).toBeUndefined();
});

test('it needs no capability, and listens at the address of its pod', () => {
  const { container, hcl, spec } = vaultIn('small');
  expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  expect(spec.template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 100 });
  expect(hcl).toContain('disable_mlock = true');
  const { value } = container.env.find(({ name }: any) => name === 'VAULT_LOCAL_CONFIG');
  expect(JSON.parse(value)).toEqual({ listener: { tcp: { address: '$(POD_IP):8200', cluster_address: '$(POD_IP):8201', tls_disable: true } } });
  const names = container.env.map(({ name }: any) => name);
  expect(names.indexOf('POD_IP')).toBeLessThan(names.indexOf('VAULT_LOCAL_CONFIG')); // else it is not expanded
});

test('only the gateway, its own pods, workloads with a grant and the API server reach it', () => {
  const { objects } = vaultIn('small');
  const { ingress } = objects['vault/networkpolicy/vault']!.spec;
  expect(cidrs(ingress, 'from')).toEqual([['10.0.0.0/28', 8200]]);
  expect(ingress).toHaveLength(2);
});

test('operators open it with shares: nothing secret is mounted', () => {
  const { hcl, container, spec, objects } = vaultIn('standard');
  expect(hcl).not.toContain('seal "');
  expect(container.env.some(({ valueFrom }: any) => valueFrom?.secretKeyRef)).toBe(false);
  expect(spec.template.spec.volumes.some(({ secret }: any) => secret)).toBe(false);
  expect(cidrs(objects['vault/networkpolicy/vault']!.spec.egress, 'to')).toEqual([['10.0.0.0/28', 6443]]);
});

test('another Vault opens it: with a token that operators give, over TLS, and a way there', () => {
  const { hcl, container, spec, objects } = vaultIn('standard', transit);
  expect(hcl).toContain('address     = "https://vault.example.org:8200"');
  expect(hcl).toContain('tls_ca_cert = "/vault/seal/ca.crt"');
  expect(container.env).toContainEqual({ name: 'VAULT_TOKEN', valueFrom: { secretKeyRef: { name: 'transit-seal', key: 'token' } } });
  expect(spec.template.spec.volumes).toContainEqual({ name: 'vault-seal', secret: { secretName: 'transit-seal', defaultMode: 0o440 } });
  expect(objects['vault/secret/transit-seal']).toBeUndefined();
  expect(cidrs(objects['vault/networkpolicy/vault']!.spec.egress, 'to')).toContainEqual(['10.9.0.0/28', 8200]);
});

test('it holds data: its namespace and its StatefulSet are protected', () => {
  const { platform } = vaultIn('small');
  expect(entryOf(platform, '_cluster/namespace/vault').stateful).toBe(true);
  expect(entryOf(platform, 'vault/statefulset/vault').stateful).toBe(true);
});

test('Pulumi logs in with the token of a service account that no pod has, and the tree holds none', () => {
  const { objects } = vaultIn('small');
  expect(objects['vault/serviceaccount/pulumi']!.automountServiceAccountToken).toBe(false);
  expect(objects['vault/provider/vault']!.spec).toEqual({
    address: 'https://vault.lab.example.org', skipChildToken: 'true', authLoginJwt: '{"mount":"workloads","role":"pulumi"}',
  });
});

test('who trusts workloads shares one permission to read the keys of their tokens', () => {
  const { platform, routes, identity } = vaultIn('small');
  new Minio(platform, 'minio', { routes, identity });
  const objects = objectsOf(platform);
  expect(Object.keys(objects).filter((id) => id.startsWith('_cluster/clusterrolebinding/'))).toEqual(['_cluster/clusterrolebinding/datalab-issuer-discovery']);
  for (const name of ['minio/networkpolicy/minio', 'vault/networkpolicy/vault']) expect(cidrs(objects[name]!.spec.egress, 'to')).toContainEqual(['10.0.0.0/28', 6443]);
});
