import type { Construct } from 'constructs';
import { images } from './images';
import { DerivedSecret, SecretObject } from './secrets';
import type { Routes } from './spi';
import { System } from './system';
import { Workload } from './workload';

export interface MinioProps {
  readonly routes: Routes;
}

/** Object storage with the S3 interface. One pod in size `small`; else four pods that survive the loss of one. */
export class Minio extends System {
  readonly server: Workload;
  override readonly url: string;
  readonly consoleUrl: string;

  constructor(scope: Construct, id: string, props: MinioProps) {
    super(scope, id, { stateful: true });
    const { platform } = this;
    const pods = platform.sized({ small: 1, standard: 4, ha: 4 });
    const drives = platform.sized({ small: 1, standard: 2, ha: 4 });
    const root = new SecretObject(this, 'root', this.namespace, {
      user: 'root-break-glass',
      password: new DerivedSecret('minio/root').token,
    });
    const host = platform.host('objectStore', 'minio');
    const consoleHost = platform.host('objectStoreConsole', 'minio-console');
    const storage = pods === 1 ? '/data0' : `http://minio-{0...${pods - 1}}.minio-headless.${this.namespace}.svc.cluster.local:9000/data{0...${drives - 1}}`;
    this.server = new Workload(this, 'minio', {
      kind: 'StatefulSet',
      image: images.minio,
      args: ['server', storage, '--console-address', ':9001'],
      env: {
        MINIO_ROOT_USER: root.key('user'),
        MINIO_ROOT_PASSWORD: root.key('password'),
        MINIO_SERVER_URL: `https://${host}`,
        MINIO_BROWSER_REDIRECT_URL: `https://${consoleHost}`,
      },
      ports: { s3: 9000, console: 9001 },
      // Live and ready answer 200 while an identity issuer is away and every call fails; cluster tells the truth.
      ready: { path: '/minio/health/cluster', port: 's3' },
      live: { path: '/minio/health/live', port: 's3' },
      cpu: platform.sized({ small: '250m', standard: '2', ha: '4' }),
      memory: platform.sized({ small: '1Gi', standard: '8Gi', ha: '32Gi' }),
      replicas: pods,
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
    });
    if (pods > 1) this.server.connectTo(this.server, 's3', 'its own cluster');
    this.url = props.routes.route({ host, workload: this.server, port: 's3' });
    this.consoleUrl = props.routes.route({ host: consoleHost, workload: this.server, port: 'console' });
  }
}
