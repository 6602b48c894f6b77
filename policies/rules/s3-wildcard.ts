import { s3Policy } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, statementsOf } from '../tree';

/** Actions on the list of buckets; they have no one bucket to name. */
const ofTheService = ['s3:ListAllMyBuckets', 's3:GetBucketLocation'];

export const s3Wildcard: Rule = {
  id: 's3-wildcard',
  title: 'S3 policies name their actions, and the bucket exactly',
  why: '`s3:*` holds the right to make a bucket public; `user-*` is everybody\'s bucket.',
  sources: ['AWS Foundational Security: IAM.1, IAM.21'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachProvisioned('minio', ['IamPolicy', 'S3BucketPolicy'], ({ policy }) =>
    statementsOf(policy).flatMap(({ Effect, Action, Resource, ...rest }, index) => {
      if (Effect !== 'Allow') return [];
      const path = `policy.Statement[${index}]`;
      const service = Action.every((action) => ofTheService.includes(action));
      return [
        ...Action.filter((action) => action.includes('*') || action.startsWith('admin:')).map((action) => ({ path: `${path}.Action`, got: action, fix: 'name the actions on objects and lists' })),
        ...(rest as any).NotAction || (rest as any).NotResource ? [{ path, got: 'everything but', fix: 'name what is allowed' }] : [],
        ...Resource.filter((resource) => !service && /[*?]/.test(bucketOf(resource))).map((resource) => ({ path: `${path}.Resource`, got: resource, fix: 'name the bucket; people by ${jwt:preferred_username}' })),
      ];
    })),
  examples: {
    pass: [
      [s3Policy({ Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::user-${jwt:preferred_username}/*'] })],
      [s3Policy({ Effect: 'Allow', Action: ['s3:ListAllMyBuckets'], Resource: ['arn:aws:s3:::*'] })],
      [s3Policy({ Effect: 'Deny', Action: ['admin:*'] })],
    ],
    fail: [
      [s3Policy({ Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::a/*' })],
      [s3Policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::*' })],
      [s3Policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::user-*/*' })],
      [s3Policy({ Effect: 'Allow', Action: 'admin:ServerInfo' })],
      [s3Policy({ Effect: 'Allow', NotAction: 's3:DeleteBucket', Resource: 'arn:aws:s3:::a' })],
    ],
  },
};

function bucketOf(resource: string): string {
  return resource.replace(/^arn:aws:s3:::/, '').split('/')[0]!;
}
