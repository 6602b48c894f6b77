import { Gateway } from '../../constructs/gateway';
import { Minio } from '../../constructs/minio';
import type { Size } from '../../model/region';
import { entryOf, objectsOf, platformWith, yamlOf } from './base';

const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };

function minioIn(size: Size) {
  const platform = platformWith({ size, nodePools, quotas: { user: none, group: none }, storageClasses: { default: 'block', objects: 'xfs' } });
  const minio = new Minio(platform, 'minio', { routes: new Gateway(platform, 'gateway') });
  const objects = objectsOf(platform);
  const { spec } = objects['minio/statefulset/minio']!;
  return { platform, minio, objects, spec, container: spec.template.spec.containers[0] };
}

test('defaults', () => {
  expect(yamlOf(minioIn('standard').platform, 'minio')).toMatchSnapshot();
});

test.each([
  ['small', 1, 1, '50Gi', '/data0'],
  ['standard', 4, 2, '4Ti', 'http://minio-{0...3}.minio-headless.minio.svc.cluster.local:9000/data{0...1}'],
  ['ha', 4, 4, '6Ti', 'http://minio-{0...3}.minio-headless.minio.svc.cluster.local:9000/data{0...3}'],
] as const)('size %s: %d pods with %d drives of %s each, as the server is told', (size, pods, drives, capacity, storage) => {
  const { spec, container } = minioIn(size);
  expect(spec.replicas).toBe(pods);
  expect(container.args).toEqual(['server', storage, '--console-address', ':9001']);
  const names = Array.from({ length: drives }, (_, drive) => `data${drive}`);
  expect(spec.volumeClaimTemplates.map(({ metadata, spec: claim }: any) => [metadata.name, claim.storageClassName, claim.resources.requests.storage])).toEqual(
    names.map((name) => [name, 'xfs', capacity]),
  );
  expect(container.volumeMounts).toEqual(expect.arrayContaining(names.map((name) => ({ name, mountPath: `/${name}` }))));
});

test('its pods reach each other where there are several, and through nothing but the S3 port', () => {
  const itself = { matchLabels: { 'app.kubernetes.io/name': 'minio', 'app.kubernetes.io/instance': 'minio' } };
  const ports = [{ port: 9000, protocol: 'TCP' }];
  expect(minioIn('ha').objects['minio/networkpolicy/minio']!.spec.egress).toContainEqual({ to: [expect.objectContaining({ podSelector: itself })], ports });
  expect(minioIn('small').objects['minio/networkpolicy/minio']!.spec.egress).toEqual([]);
});

test('it is ready when the whole cluster of it is, and its pods find each other before', () => {
  const { container, objects } = minioIn('standard');
  expect(container.readinessProbe.httpGet).toEqual({ path: '/minio/health/cluster', port: 's3' });
  expect(container.livenessProbe.httpGet).toEqual({ path: '/minio/health/live', port: 's3' });
  expect(objects['minio/service/minio-headless']!.spec.publishNotReadyAddresses).toBe(true);
});

test('S3 and the console have a host each', () => {
  const { minio, container } = minioIn('small');
  expect([minio.url, minio.consoleUrl]).toEqual(['https://minio.lab.example.org', 'https://minio-console.lab.example.org']);
  expect(container.env).toEqual(expect.arrayContaining([
    { name: 'MINIO_SERVER_URL', value: 'https://minio.lab.example.org' },
    { name: 'MINIO_BROWSER_REDIRECT_URL', value: 'https://minio-console.lab.example.org' },
  ]));
});

test('it holds data: its namespace and its StatefulSet are protected', () => {
  const { platform } = minioIn('small');
  expect(entryOf(platform, '_cluster/namespace/minio').stateful).toBe(true);
  expect(entryOf(platform, 'minio/statefulset/minio').stateful).toBe(true);
});
