import { createHash } from 'node:crypto';
import { Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import { images } from './images';
import { grantIssuerKeys } from './issuer';
import { Provisioned, Provisioner } from './provisioned';
import { bucketStatements, minioPolicy, subjectIs, type Statement } from './s3-policy';
import { DerivedSecret, SecretObject } from './secrets';
import type { Bucket, Identity, ObjectStore, Routes } from './spi';
import { System } from './system';
import { Workload } from './workload';

export interface MinioProps {
  readonly routes: Routes;
  readonly identity: Identity;
}

/** Audience of people's access tokens. */
export const minioAudience = 'minio';

/** Audience of workloads' service-account tokens; the two must differ. */
export const workloadAudience = 'minio-workloads';

/**
 * Object storage with the S3 interface. One pod in size `small`; else four pods that survive the loss of one.
 * It trusts two issuers: the realm for people, by the claim `policy`, and the cluster for workloads, by their
 * service-account token and one statement for each grant. Nobody has a static key but the break-glass root.
 */
export class Minio extends System implements ObjectStore {
  readonly server: Workload;
  override readonly url: string;
  readonly consoleUrl: string;
  private readonly password: DerivedSecret;
  private readonly provisioner: Provisioner;
  private readonly grants: Statement[] = [];

  constructor(scope: Construct, id: string, props: MinioProps) {
    super(scope, id, { stateful: true });
    const { platform } = this;
    const pods = platform.sized({ small: 1, standard: 4, ha: 4 });
    const drives = platform.sized({ small: 1, standard: 2, ha: 4 });
    this.password = new DerivedSecret(this, 'minio/root');
    const root = new SecretObject(this, 'root', this.namespace, { user: 'root-break-glass', password: this.password.token });
    const host = platform.host('objectStore', 'minio');
    const consoleHost = platform.host('objectStoreConsole', 'minio-console');
    const storage = pods === 1 ? '/data0' : `http://minio-{0...${pods - 1}}.minio-headless.${this.namespace}.svc.cluster.local:9000/data{0...${drives - 1}}`;
    this.server = new Workload(this, 'minio', {
      kind: 'StatefulSet',
      image: images.minio,
      args: ['server', storage, '--console-address', ':9001', '--certs-dir', '/certs'],
      env: {
        MINIO_ROOT_USER: root.key('user'),
        MINIO_ROOT_PASSWORD: root.key('password'),
        MINIO_SERVER_URL: platform.url(host),
        MINIO_BROWSER_REDIRECT_URL: platform.url(consoleHost),
        // Else a caller may ask for credentials of a year.
        MINIO_STS_DURATION: '12h',
        MINIO_IDENTITY_OPENID_CLIENT_ID: minioAudience,
        MINIO_IDENTITY_OPENID_CLAIM_NAME: 'policy',
        MINIO_IDENTITY_OPENID_CONFIG_URL_WORKLOADS: `${platform.region.cluster.serviceAccountIssuer}/.well-known/openid-configuration`,
        MINIO_IDENTITY_OPENID_CLIENT_ID_WORKLOADS: workloadAudience,
        MINIO_IDENTITY_OPENID_ROLE_POLICY_WORKLOADS: 'workloads',
      },
      ports: { s3: 9000, console: 9001 },
      // Live and ready answer 200 while an identity issuer is away and every call fails; cluster tells the truth.
      ready: { path: '/minio/health/cluster', port: 's3' },
      live: { path: '/minio/health/live', port: 's3' },
      cpu: platform.sized({ small: '250m', standard: '2', ha: '4' }),
      memory: platform.sized({ small: '1Gi', standard: '8Gi', ha: '32Gi' }),
      replicas: pods,
      // They know each other by the root's password, so a pod with a new one is not ready beside those with the old.
      updateTogether: pods > 1,
      user: 1000,
      claims: Object.fromEntries(
        Array.from({ length: drives }, (_, drive) => [
          `data${drive}`,
          {
            mountPath: `/data${drive}`,
            size: platform.sized({ small: '50Gi', standard: '4Ti', ha: '6Ti' }),
            storageClass: platform.storageClass('objects'),
          },
        ]),
      ),
      scratch: ['/tmp'],
      // The authority of the API server, which every namespace has.
      configFiles: { '/certs/CAs': { configMap: 'kube-root-ca.crt', items: { 'ca.crt': 'kubernetes.crt' } } },
    });
    if (pods > 1) this.server.connectTo(this.server, 's3', 'its own cluster');
    this.server.addEnv('MINIO_IDENTITY_OPENID_CONFIG_URL', props.identity.grantDiscovery(this.server));
    grantIssuerKeys(this.server);
    this.url = props.routes.route({ host, workload: this.server, port: 's3' });
    this.consoleUrl = props.routes.route({ host: consoleHost, workload: this.server, port: 'console' });
    this.provisioner = new Provisioner(this, 'provisioner', {
      package: 'minio',
      workload: this.server,
      config: {
        minioServer: this.url.slice('https://'.length),
        minioSsl: 'true',
        minioUser: 'root-break-glass',
        minioPassword: this.password.token,
      },
    });
    this.policies();
  }

  bucket(name: string): Bucket {
    const bucket = this.provision('index/s3Bucket:S3Bucket', name, { bucket: name, acl: 'private' }, true);
    this.provision('index/s3BucketVersioning:S3BucketVersioning', name, {
      bucket: bucket.output('id'),
      versioningConfiguration: { status: 'Enabled' },
    });
    const grant = (workload: Workload, access: 'read' | 'read-write') => {
      this.grants.push(...bucketStatements(name, access, subjectIs(workload)));
      this.connect(workload);
      workload.deployed.node.addDependency(bucket);
    };
    return { grantRead: (workload) => grant(workload, 'read'), grantReadWrite: (workload) => grant(workload, 'read-write') };
  }

  /** What the AWS SDKs need to get temporary credentials with the pod's own token. */
  private connect(workload: Workload): void {
    const endpoint = `http://${this.server.host}:${this.server.port('s3')}`;
    workload.connectTo(this.server, 's3', 'its buckets');
    // Temporary credentials are signed with the root's password, and the AWS SDKs ask for others only when they expire.
    workload.restartWith(this.password);
    workload.addEnv('AWS_WEB_IDENTITY_TOKEN_FILE', workload.addToken(workloadAudience));
    workload.addEnv('AWS_ROLE_ARN', roleArn(workloadAudience));
    workload.addEnv('AWS_ENDPOINT_URL_S3', endpoint);
    workload.addEnv('AWS_ENDPOINT_URL_STS', endpoint);
    workload.addEnv('AWS_DEFAULT_REGION', 'us-east-1');
  }

  private policies(): void {
    const policy = (name: string, statements: () => readonly Statement[]) =>
      this.provision('index/iamPolicy:IamPolicy', name, { name, policy: Lazy.any({ produce: () => minioPolicy(statements()) }) });
    policy('workloads', () => this.grants);
    policy('person', () => [
      ...bucketStatements('user-${jwt:preferred_username}', 'read-write'),
      { Effect: 'Allow', Action: ['s3:CreateBucket'], Resource: ['arn:aws:s3:::user-${jwt:preferred_username}'] },
    ]);
    policy('administration', () => [{ Effect: 'Allow', Action: ['s3:ListAllMyBuckets', 's3:GetBucketLocation'], Resource: ['arn:aws:s3:::*'] }]);
    for (const project of this.platform.instance.projects) {
      this.bucket(`projet-${project.name}`);
      policy(`project-${project.name}`, () => bucketStatements(`projet-${project.name}`, 'read-write'));
    }
  }

  private provision(type: string, name: string, inputs: Record<string, unknown>, stateful = false): Provisioned {
    return new Provisioned(this, { provisioner: this.provisioner, type, name, inputs, stateful });
  }
}

/** MinIO's name for the role of a provider with a role policy: made of the client id alone. */
export function roleArn(clientId: string): string {
  return `arn:minio:iam:::role/${createHash('sha1').update(clientId).digest('base64url')}`;
}
