import { provisioned, s3Policy } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachProvisioned, statementsOf } from '../tree';

const policies = eachProvisioned('minio', ['IamPolicy'], ({ policy }) =>
  !statementsOf(policy).some(({ Effect, Action, Condition }) => Effect === 'Deny' && !Condition && Action.some((action) => ['admin:CreateServiceAccount', 'admin:*', '*'].includes(action))) && {
    path: 'policy', got: 'no denial of admin:CreateServiceAccount', fix: 'make it with minioPolicy(), which adds the denial',
  });
const keys = eachProvisioned('minio', ['IamUser', 'IamServiceAccount', 'AccessKey', 'IamGroupUserAttachment'], (_spec, { kind }) => ({ path: 'kind', got: kind, fix: 'use tokens: people by login, workloads by their service account' }));

export const s3StaticKeys: Rule = {
  id: 's3-static-keys',
  title: 'Nobody has a static S3 key, and nobody can make one',
  why: 'MinIO lets everybody make keys that never end, and a key that leaks is a login for ever.',
  sources: ['AWS Foundational Security: IAM.3, IAM.4'],
  severity: 'high',
  mandatory: everywhere,
  check: (objects: readonly Manifest[]) => [...policies(objects), ...keys(objects)],
  examples: {
    pass: [[s3Policy({ Effect: 'Deny', Action: ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount'] })]],
    fail: [[s3Policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' })], [provisioned('minio', 'IamUser', {})], [provisioned('minio', 'IamServiceAccount', {})]],
  },
};
