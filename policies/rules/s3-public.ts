import { provisioned, s3Policy } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachProvisioned, statementsOf, told } from '../tree';

const buckets = eachProvisioned('minio', ['S3Bucket'], ({ acl }) => acl !== 'private' && { path: 'acl', got: told(acl), fix: "set it to 'private'" });
const policies = eachProvisioned('minio', ['IamPolicy', 'S3BucketPolicy'], (spec, { kind }) =>
  statementsOf(spec.policy).flatMap(({ Effect, Principal }, index) =>
    Effect === 'Allow' && (anybody(Principal) || (kind === 'S3BucketPolicy' && Principal === undefined)) ? [{ path: `policy.Statement[${index}].Principal`, got: told(Principal), fix: 'grant to people and workloads by their tokens' }] : []));
const access = eachProvisioned('minio', ['S3BucketAnonymousAccess'], ({ accessType }) => ({ path: 'accessType', got: told(accessType), fix: 'remove it' }));

export const s3Public: Rule = {
  id: 's3-public',
  title: 'No bucket is public, in whole or in part',
  why: 'Anybody with the address reads it, and nothing tells who did.',
  sources: ['AWS Foundational Security: S3.2, S3.3'],
  severity: 'critical',
  mandatory: everywhere,
  check: (objects: readonly Manifest[]) => [...buckets(objects), ...policies(objects), ...access(objects)],
  examples: {
    pass: [[provisioned('minio', 'S3Bucket', { acl: 'private' })], [s3Policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' })]],
    fail: [
      [provisioned('minio', 'S3Bucket', { acl: 'public-read' })],
      [provisioned('minio', 'S3Bucket', {})],
      [s3Policy({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' })],
      [s3Policy({ Effect: 'Allow', Principal: { AWS: ['*'] }, Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' })],
      [provisioned('minio', 'S3BucketAnonymousAccess', { accessType: 'public' })],
    ],
  },
};

function anybody(principal: any): boolean {
  return principal === '*' || [principal?.AWS ?? []].flat().includes('*');
}
