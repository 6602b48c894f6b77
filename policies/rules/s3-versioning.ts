import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned } from '../tree';

const bucket = provisioned('minio', 'S3Bucket', { bucket: 'data' });
const versioning = (status: string, name = 'data') => provisioned('minio', 'S3BucketVersioning', { bucket: name, versioningConfiguration: { status } });

export const s3Versioning: Rule = {
  id: 's3-versioning',
  title: 'Each bucket keeps versions of its objects',
  why: 'Whoever overwrites or deletes by mistake, or encrypts for ransom, has done it for good.',
  sources: ['AWS Foundational Security: S3.14'],
  severity: 'medium',
  mandatory: everywhere,
  together: true,
  check: eachProvisioned('minio', ['S3Bucket'], (spec, { metadata }, objects) =>
    !objects.some((each) => each.kind === 'S3BucketVersioning' && each.spec.versioningConfiguration?.status === 'Enabled' && [spec.bucket, `\${output:${metadata.namespace}/s3bucket/${metadata.name}#id}`].includes(each.spec.bucket)) && {
      path: 'bucket', got: `${spec.bucket} without versions`, fix: 'add an S3BucketVersioning that is Enabled',
    }),
  examples: { pass: [[bucket, versioning('Enabled')]], fail: [[bucket], [bucket, versioning('Suspended')], [bucket, versioning('Enabled', 'another')]] },
};
