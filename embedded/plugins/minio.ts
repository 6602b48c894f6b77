import { readFileSync } from 'node:fs';
import { bucket, bucketVersioning } from './minio-buckets';
import { iamPolicy } from './minio-policy';
import { MinioServer, type MinioLogin } from './minio-server';
import { agentsOf, type Access } from './provider-http';
import { ServerResources, type Kind } from './provider-resources';
import { serveProvider, type ResourceProvider, type RunningProvider } from './provider-server';
import { settingsOf } from './provider-settings';
import type { Properties } from './provider-values';

export interface MinioPluginOptions extends Access {
  /** Take over objects that exist already. @default false */
  readonly adopt?: boolean;
  /** URNs of resources whose creation was interrupted: what exists of them is taken over. @default none */
  readonly interrupted?: ReadonlySet<string>;
}

const kinds: Record<string, Kind<MinioServer>> = {
  'minio:index/s3Bucket:S3Bucket': bucket,
  'minio:index/s3BucketVersioning:S3BucketVersioning': bucketVersioning,
  'minio:index/iamPolicy:IamPolicy': iamPolicy,
};

/** The stand-in for the Pulumi plugin `minio`: the engine attaches to it with PULUMI_DEBUG_PROVIDERS=minio:PORT. */
export async function startMinioPlugin(options: MinioPluginOptions = {}): Promise<RunningProvider> {
  const official = JSON.parse(readFileSync(require.resolve('@pulumi/minio/package.json'), 'utf8')) as { version: string };
  return serveProvider({ name: 'minio', version: official.version, identity: [], configure: (config) => minioResources(config, options) });
}

const accepted = ['minioServer', 'minioUser', 'minioPassword', 'minioSsl', 'minioRegion', 'minioCacertFile'];

function minioResources(config: Properties, { adopt = false, interrupted, addresses, ca }: MinioPluginOptions): ResourceProvider {
  const settings = settingsOf('minio', config, accepted);
  const file = settings.optional('minioCacertFile');
  const authorities = [ca, file && readFileSync(file, 'utf8')].filter(Boolean).join('\n');
  const login = (): MinioLogin => ({
    endpoint: `${settings.optional('minioSsl') === 'true' ? 'https' : 'http'}://${settings.required('minioServer')}`,
    region: settings.optional('minioRegion') ?? 'us-east-1',
    user: settings.required('minioUser'),
    password: settings.required('minioPassword'),
  });
  return new ServerResources({ plugin: 'minio', kinds, server: new MinioServer(login, agentsOf({ addresses, ca: authorities || undefined })), adopt, interrupted });
}
