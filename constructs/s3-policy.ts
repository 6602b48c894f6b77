import type { Workload } from './workload';

/** One statement of an S3 policy document. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  /** @default none, as for actions of the administration */
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

const readBucket = ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketVersions'];
const readObject = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging'];
const writeBucket = ['s3:ListBucketMultipartUploads'];
const writeObject = ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];

/** Reading and writing objects of one bucket; never its policy, its versioning or its deletion. */
export function bucketStatements(bucket: string, access: 'read' | 'read-write', condition?: Statement['Condition']): Statement[] {
  const write = access === 'read-write';
  const conditions = condition ? { Condition: condition } : {};
  return [
    { Effect: 'Allow', Action: [...readBucket, ...(write ? writeBucket : [])], Resource: [`arn:aws:s3:::${bucket}`], ...conditions },
    { Effect: 'Allow', Action: [...readObject, ...(write ? writeObject : [])], Resource: [`arn:aws:s3:::${bucket}/*`], ...conditions },
  ];
}

/** The condition that a token is of the workload's service account. */
export function subjectIs(workload: Workload): Statement['Condition'] {
  return { StringEquals: { 'jwt:sub': [`system:serviceaccount:${workload.namespace}:${workload.serviceAccount}`] } };
}

/** MinIO lets everybody make access keys of their own, which never end, unless a policy denies it. */
const noKeys: Statement = { Effect: 'Deny', Action: ['admin:CreateServiceAccount', 'admin:UpdateServiceAccount'] };

/** A policy document of MinIO: the statements, and never a static key. */
export function minioPolicy(statements: readonly Statement[]): string {
  return policyDocument([...statements, noKeys]);
}

/** A policy document. */
export function policyDocument(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
