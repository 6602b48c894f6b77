import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import { Minio, roleArn } from '../../constructs/minio';
import { Postgresql } from '../../constructs/postgresql';
import { Realm } from '../../constructs/realm';
import { System } from '../../constructs/system';
import { Workload } from '../../constructs/workload';
import type { Size } from '../../model/region';
import { entryOf, objectsOf, platformWith, yamlOf } from './base';

const nodePools = [{ name: 'cpu', count: 4, cpus: 16, memory: '128G', labels: { pool: 'cpu' } }];
const none = { 'requests.cpu': '1', 'requests.memory': '1Gi', 'requests.storage': '1Gi', 'count/pods': 1, 'requests.nvidia.com/gpu': 0 };

function minioIn(size: Size) {
  const platform = platformWith({ size, nodePools, quotas: { user: none, group: none }, storageClasses: { default: 'block', objects: 'xfs' } });
  const routes = new Gateway(platform, 'gateway');
  const keycloak = new Keycloak(platform, 'keycloak', { routes, database: new Postgresql(platform, 'postgresql') });
  const minio = new Minio(platform, 'minio', { routes, identity: new Realm(keycloak, 'realm') });
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
  expect(container.args).toEqual(['server', storage, '--console-address', ':9001', '--certs-dir', '/certs']);
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
  const peers = minioIn('small').objects['minio/networkpolicy/minio']!.spec.egress.flatMap(({ to }: any) => to);
  expect(peers).not.toContainEqual(expect.objectContaining({ podSelector: itself }));
});

test('its pods are replaced together where there are several: they know each other by the password of root', () => {
  expect(minioIn('standard').spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } });
  expect(minioIn('small').spec.updateStrategy).toBeUndefined();
});

test('a rotation of root restarts the workloads with buckets, whose credentials are signed with it; a job is not run again', () => {
  const { platform, minio } = minioIn('small');
  const system = new System(platform, 'app');
  for (const kind of ['Deployment', 'Job'] as const) {
    const workload = new Workload(system, kind.toLowerCase(), { kind, image: { repository: 'docker.io/example/app', tag: '1' }, cpu: '10m', memory: '16Mi', user: 1000 });
    minio.bucket(`data-${kind.toLowerCase()}`).grantRead(workload);
  }
  const objects = objectsOf(platform);
  expect(objects['app/deployment/deployment']!.spec.template.metadata.annotations).toEqual({ 'datalab-stacks/secrets': 'minio/root@v1' });
  expect(objects['app/job/job']!.spec.template.metadata.annotations).toBeUndefined();
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

test('a grant gives a workload its statements, token, variables and edge, and nothing to its neighbour', () => {
  const { platform, minio } = minioIn('small');
  const system = new System(platform, 'app');
  const workload = (name: string) => new Workload(system, name, { kind: 'Deployment', image: { repository: 'a/b', tag: '1' }, cpu: '1', memory: '1Gi', user: 1000 });
  const [writer, reader] = [workload('writer'), workload('reader')];
  workload('idle');
  const bucket = minio.bucket('data');
  bucket.grantReadWrite(writer!);
  bucket.grantRead(reader!);
  const objects = objectsOf(platform);
  const { Statement } = JSON.parse(objects['minio/iampolicy/workloads']!.spec.policy);
  const of = (name: string) => Statement.filter((statement: any) => statement.Condition?.StringEquals['jwt:sub'][0] === `system:serviceaccount:app:${name}`);
  expect(of('writer').map((statement: any) => statement.Resource)).toEqual([['arn:aws:s3:::data'], ['arn:aws:s3:::data/*']]);
  expect(of('reader').flatMap((statement: any) => statement.Action)).not.toContain('s3:PutObject');
  expect(of('idle')).toEqual([]);
  expect(Statement).toContainEqual({ Effect: 'Deny', Action: ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount'] });
  const allowed = Statement.filter(({ Effect }: any) => Effect === 'Allow');
  expect(allowed.flatMap((statement: any) => statement.Action).filter((action: string) => /[*]|Policy|Delete(?!Object$)/.test(action))).toEqual([]);
  const { containers, volumes } = objects['app/deployment/writer']!.spec.template.spec;
  expect(containers[0].env).toContainEqual({ name: 'AWS_ROLE_ARN', value: roleArn('minio-workloads') });
  expect(volumes).toContainEqual(expect.objectContaining({ projected: expect.objectContaining({ sources: [{ serviceAccountToken: { audience: 'minio-workloads', expirationSeconds: 3600, path: 'token' } }] }) }));
  expect(objects['app/deployment/idle']!.spec.template.spec.volumes).toBeUndefined();
});

test('the role of a client is the ARN that MinIO makes of its id', () => {
  expect(roleArn('minio')).toBe('arn:minio:iam:::role/MHR2BeH2-q1dHO2yx5U9Mf-tP9Q');
});
