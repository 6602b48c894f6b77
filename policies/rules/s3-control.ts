import { s3Policy } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, statementsOf } from '../tree';

const control = /^s3:(PutBucketPolicy|DeleteBucketPolicy|PutBucketAcl|PutObjectAcl|PutBucketVersioning|DeleteBucket|ForceDeleteBucket|PutReplicationConfiguration|PutLifecycleConfiguration|PutBucketNotification|PutEncryptionConfiguration|BypassGovernanceRetention|PutBucketObjectLockConfiguration)$/;

export const s3Control: Rule = {
  id: 's3-control',
  title: "No one who works with a bucket's objects changes the bucket itself: policy, versioning, lifecycle, deletion",
  why: 'A policy opens it to the world, a replication rule copies it out, a lifecycle rule deletes it tomorrow.',
  sources: ['AWS Foundational Security: S3.6'],
  severity: 'high',
  mandatory: everywhere,
  check: eachProvisioned('minio', ['IamPolicy', 'S3BucketPolicy'], ({ policy }) =>
    statementsOf(policy).flatMap(({ Effect, Action }, index) =>
      Effect === 'Allow' ? Action.filter((action) => control.test(action)).map((action) => ({ path: `policy.Statement[${index}].Action`, got: action, fix: 'remove it' })) : [])),
  examples: {
    pass: [[s3Policy({ Effect: 'Allow', Action: ['s3:PutObject'], Resource: 'arn:aws:s3:::a/*' }, { Effect: 'Deny', Action: ['s3:PutBucketPolicy'] })]],
    fail: ['s3:PutBucketPolicy', 's3:PutBucketVersioning', 's3:DeleteBucket', 's3:BypassGovernanceRetention'].map((Action) => [s3Policy({ Effect: 'Allow', Action, Resource: 'arn:aws:s3:::a' })]),
  },
};
