import { ExternalS3 } from '../../constructs/external-s3';
import { System } from '../../constructs/system';
import { Workload } from '../../constructs/workload';
import { objectsOf, platformWith } from './base';

const objectStore = {
  endpoint: 'https://s3.example.org', stsEndpoint: 'https://sts.example.org:8443', signingRegion: 'default', audience: 'rgw', rolePrefix: 'arn:aws:iam::datalab:role/', cidrs: ['10.9.0.0/24'],
};

function external() {
  const platform = platformWith({ objectStore });
  const store = new ExternalS3(platform, 'object-store');
  const app = new System(platform, 'app');
  const workload = (name: string) => new Workload(app, name, { kind: 'Deployment', image: { repository: 'a/b', tag: '1' }, cpu: '1', memory: '1Gi', user: 1000 });
  store.bucket('data').grantReadWrite(workload('writer'));
  workload('idle');
  return objectsOf(platform);
}

test('a grant gives the pod the service, its role, and a token that the service accepts', () => {
  const { containers, volumes } = external()['app/deployment/writer']!.spec.template.spec;
  const env = Object.fromEntries(containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]));
  expect(env).toEqual({
    AWS_DEFAULT_REGION: 'default',
    AWS_ENDPOINT_URL_S3: 'https://s3.example.org',
    AWS_ENDPOINT_URL_STS: 'https://sts.example.org:8443',
    AWS_ROLE_ARN: 'arn:aws:iam::datalab:role/app-writer',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/datalab/rgw/token',
  });
  expect(volumes[0].projected.sources).toEqual([{ serviceAccountToken: { audience: 'rgw', expirationSeconds: 3600, path: 'token' } }]);
});

test('only pods with a grant reach the service, at its two ports', () => {
  const objects = external();
  const to = [{ ipBlock: { cidr: '10.9.0.0/24' } }];
  const ports = [443, 8443].map((port) => ({ port, protocol: 'TCP' }));
  expect(objects['app/networkpolicy/writer']!.spec.egress).toContainEqual({ to, ports });
  expect(objects['app/networkpolicy/idle']!.spec.egress).toEqual([]);
});

test("the administrators of the service are told each role's policy, bound to the service account", () => {
  const { data } = external()['object-store/configmap/s3-roles']!;
  expect(Object.keys(data)).toEqual(['app-writer.json']);
  const { Statement } = JSON.parse(data['app-writer.json']);
  for (const { Condition } of Statement) expect(Condition).toEqual({ StringEquals: { 'jwt:sub': ['system:serviceaccount:app:writer'] } });
  expect(Statement.flatMap(({ Resource }: { Resource: string[] }) => Resource)).toEqual(['arn:aws:s3:::data', 'arn:aws:s3:::data/*']);
});
