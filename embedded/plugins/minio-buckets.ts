import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { MinioError, type MinioServer } from './minio-server';
import type { Kind } from './provider-resources';

/** `minio:index/s3Bucket:S3Bucket`. Its id is its name. */
export const bucket: Kind<MinioServer> = {
  name: (inputs) => `bucket '${inputs.bucket}'`,
  fields: {
    bucket: { required: true, replace: true },
    acl: { allowed: ['private'] },
    objectLocking: { replace: true },
    forceDestroy: { untold: true },
  },
  computed: ['arn', 'bucketDomainName'],

  find: async (server, inputs) => ((await exists(server, inputs.bucket)) ? inputs.bucket : undefined),

  async create(server, inputs) {
    await server.s3((s3) => s3.send(new CreateBucketCommand({ Bucket: inputs.bucket, ObjectLockEnabledForBucket: inputs.objectLocking || undefined })));
    return inputs.bucket;
  },

  async read(server, id) {
    if (!(await exists(server, id))) return undefined;
    return {
      bucket: id,
      arn: `arn:aws:s3:::${id}`,
      bucketDomainName: `${server.login().endpoint}/${id}`,
      acl: (await hasPolicy(server, id)) ? 'a bucket policy' : 'private',
      objectLocking: await hasLocking(server, id),
      forceDestroy: false,
    };
  },

  /** A bucket policy is all that can have changed: it opens the bucket to others, so it goes. */
  async update(server, id) {
    await server.s3((s3) => s3.send(new DeleteBucketPolicyCommand({ Bucket: id })));
  },

  async delete(server, id, inputs) {
    if (inputs.forceDestroy) await empty(server, id);
    try {
      await server.s3((s3) => s3.send(new DeleteBucketCommand({ Bucket: id })));
    } catch (error) {
      if (codeOf(error) === 'NoSuchBucket') return;
      if (codeOf(error) !== 'BucketNotEmpty') throw error;
      throw new Error('it is not empty (old versions and delete markers count). Fix: empty it, or set forceDestroy to true, run up, and then delete it');
    }
  },
};

/** `minio:index/s3BucketVersioning:S3BucketVersioning`. Its id is the name of the bucket. */
export const bucketVersioning: Kind<MinioServer> = {
  name: (inputs) => `versioning of the bucket '${inputs.bucket}'`,
  fields: { bucket: { required: true, replace: true }, versioningConfiguration: { required: true } },

  problems({ versioningConfiguration: { status, ...others } }) {
    const problems = Object.keys(others).map((key) => `versioningConfiguration.${key}: the embedded region's stand-in does not know this property. Fix: leave it out`);
    if (status !== 'Enabled' && status !== 'Suspended') problems.push(`versioningConfiguration.status: got ${JSON.stringify(status)}; allowed: Enabled, Suspended. Fix: set one of these`);
    return problems;
  },

  async create(server, inputs) {
    await setVersioning(server, inputs.bucket, inputs.versioningConfiguration.status);
    return inputs.bucket;
  },

  async read(server, id) {
    try {
      const { Status } = await server.s3((s3) => s3.send(new GetBucketVersioningCommand({ Bucket: id })));
      return { bucket: id, versioningConfiguration: Status ? { status: Status } : {} };
    } catch (error) {
      if (codeOf(error) === 'NoSuchBucket') return undefined;
      throw error;
    }
  },

  update: (server, id, inputs) => setVersioning(server, id, inputs.versioningConfiguration.status),

  /** A bucket can never be without versioning again; one with object locking cannot even suspend it. */
  async delete(server, id) {
    try {
      await setVersioning(server, id, 'Suspended');
    } catch (error) {
      if (!['NoSuchBucket', 'InvalidBucketState'].includes(codeOf(error))) throw error;
    }
  },
};

async function setVersioning(server: MinioServer, name: string, status: 'Enabled' | 'Suspended'): Promise<void> {
  await server.s3((s3) => s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: status } })));
}

/** A question with an answer in XML: a bare 404 might come from something in front of MinIO. */
async function exists(server: MinioServer, name: string): Promise<boolean> {
  return answered(server.s3((s3) => s3.send(new GetBucketLocationCommand({ Bucket: name }))), 'NoSuchBucket');
}

async function hasPolicy(server: MinioServer, name: string): Promise<boolean> {
  return answered(server.s3((s3) => s3.send(new GetBucketPolicyCommand({ Bucket: name }))), 'NoSuchBucketPolicy');
}

async function hasLocking(server: MinioServer, name: string): Promise<boolean> {
  return answered(server.s3((s3) => s3.send(new GetObjectLockConfigurationCommand({ Bucket: name }))), 'ObjectLockConfigurationNotFoundError');
}

/** Whether there is what was asked for: `absent` is the code that says there is not. */
async function answered(request: Promise<unknown>, absent: string): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (codeOf(error) === absent) return false;
    throw error;
  }
}

async function empty(server: MinioServer, name: string): Promise<void> {
  for (;;) {
    const page = await server.s3((s3) => s3.send(new ListObjectVersionsCommand({ Bucket: name })));
    const objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({ Key: Key!, VersionId }));
    if (!objects.length) return;
    const { Errors: errors = [] } = await server.s3((s3) => s3.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects: objects, Quiet: true } })));
    if (errors.length) throw new Error(`it could not be emptied: ${errors[0]!.Key}: ${errors[0]!.Message}`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof MinioError ? error.code : '';
}

