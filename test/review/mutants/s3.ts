import { json, provisioned, type Operator } from './operator';

const policies = provisioned('minio', 'IamPolicy');
const mine = provisioned('minio', 'IamPolicy', ['spec'], ({ policy }) => /"Allow"/.test(policy));
const buckets = provisioned('minio', 'S3Bucket');
const bucket = (names: string) => provisioned('minio', 'IamPolicy', ['spec'], (_spec, { metadata }) => new RegExp(names).test(metadata.name));
const statements = (change: (statements: any[]) => void) => (spec: any) => json(spec, 'policy', ({ Statement }) => change(Statement));
const allows = (action: string, resource?: string) => statements((list) => list.push({ Effect: 'Allow', Action: [action], Resource: [resource ?? list[0].Resource?.[0] ?? 'arn:aws:s3:::x'] }));
const first = (change: (statement: any) => void) => statements((list) => change(list[0]));

/** Rights on buckets. */
export const s3: readonly Operator[] = [
  { id: 'every action', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: mine, act: first((one) => { one.Action = ['s3:*']; }) },
  { id: 'every action of all servers', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: mine, act: first((one) => { one.Action = '*'; }) },
  { id: 'every action that reads', rule: 's3-wildcard', diff: 'security widens s3', at: mine, act: first((one) => one.Action.push('s3:Get*')) },
  { id: 'every action but one', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: mine, act: first((one) => { delete one.Action; one.NotAction = ['s3:DeleteBucket']; }) },
  { id: 'every bucket', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: bucket('person|project'), act: first((one) => { one.Resource = ['arn:aws:s3:::*']; }) },
  { id: 'every bucket but one', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: bucket('person|project'), act: first((one) => { delete one.Resource; one.NotResource = ['arn:aws:s3:::other']; }) },
  { id: 'every bucket of persons', rule: 's3-wildcard', diff: 'security widens s3', critical: true, at: bucket('person'), act: (spec) => { spec.policy = spec.policy.replaceAll('${jwt:preferred_username}', '*'); } },
  { id: 'buckets that begin like it', rule: 's3-wildcard', diff: 'security widens s3', at: bucket('project'), act: first((one) => { one.Resource = one.Resource.map((arn: string) => `${arn}*`); }) },
  { id: 'the bucket of another project', diff: 'security widens s3', at: bucket('project'), act: (spec, { object }) => statements((list) => list.push({ Effect: 'Allow', Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${object.metadata.name.endsWith('ape') ? 'projet-fideli' : 'projet-ape'}/*`] }))(spec) },
  { id: 'writes the policy of the bucket', rule: 's3-control', diff: 'security widens s3', critical: true, at: bucket('person|project'), act: allows('s3:PutBucketPolicy') },
  { id: 'stops versioning', rule: 's3-control', diff: 'security widens s3', at: bucket('person|project'), act: allows('s3:PutBucketVersioning') },
  { id: 'sets the lifecycle', rule: 's3-control', diff: 'security widens s3', at: bucket('person|project'), act: allows('s3:PutLifecycleConfiguration') },
  { id: 'removes the bucket', rule: 's3-control', diff: 'security widens s3', at: bucket('person|project'), act: allows('s3:DeleteBucket') },
  { id: 'removes versions', diff: 'security widens s3', at: bucket('person|project'), act: allows('s3:DeleteObjectVersion') },
  { id: 'passes retention by', diff: 'security widens s3', at: bucket('person|project'), act: allows('s3:BypassGovernanceRetention') },
  { id: 'administers the server', diff: 'security widens s3', critical: true, at: policies, act: allows('admin:*') },
  { id: 'makes keys', rule: 's3-static-keys', diff: 'security widens s3', critical: true, at: policies, act: statements((list) => { list.splice(list.findIndex(({ Effect }) => Effect === 'Deny'), 1); }) },
  { id: 'the refusal permits', diff: 'security widens s3', at: policies, act: statements((list) => { list.find(({ Effect }) => Effect === 'Deny').Effect = 'Allow'; }) },
  { id: 'the refusal has a condition', rule: 's3-static-keys', diff: 'security widens s3', at: policies, act: statements((list) => { list.find(({ Effect }) => Effect === 'Deny').Condition = { StringEquals: { 'jwt:preferred_username': 'nobody' } }; }) },
  { id: 'a permission has a condition', diff: 'security narrows s3|security widens s3', at: bucket('person|project'), act: first((one) => { one.Condition = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }; }) },
  { id: 'more rights for workloads', diff: 'security widens s3', at: bucket('workloads'), act: allows('s3:GetObject', 'arn:aws:s3:::projet-ape/*') },
  { id: 'a public bucket', rule: 's3-public', diff: 'security widens s3', critical: true, at: buckets, act: (spec) => { spec.acl = 'public-read'; } },
  { id: 'a bucket that all may write', rule: 's3-public', diff: 'security widens s3', critical: true, at: buckets, act: (spec) => { spec.acl = 'public-read-write'; } },
  { id: 'no word on who may', rule: 's3-public', diff: 'security widens s3', at: buckets, act: (spec) => { delete spec.acl; } },
  {
    id: 'a policy that makes a bucket public', rule: 's3-public', diff: 'security widens s3', critical: true, at: buckets,
    act: (spec, { object, add }) => add({
      apiVersion: 'provisioned/minio', kind: 'S3BucketPolicy', type: 'index/s3BucketPolicy:S3BucketPolicy', metadata: { name: object.metadata.name, namespace: 'minio' },
      spec: { bucket: spec.bucket, policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: ['*'] }, Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${spec.bucket}/open/*`] }] }) },
    }),
  },
  {
    id: 'a user with a key', rule: 's3-static-keys', diff: 'security widens', critical: true, at: bucket('administration'),
    act: (_spec, { add }) => add({ apiVersion: 'provisioned/minio', kind: 'IamUser', type: 'index/iamUser:IamUser', metadata: { name: 'robot', namespace: 'minio' }, spec: { name: 'robot' } }),
  },
  {
    id: 'a key of a service', rule: 's3-static-keys', diff: 'security widens', at: bucket('administration'),
    act: (_spec, { add }) => add({ apiVersion: 'provisioned/minio', kind: 'IamServiceAccount', type: 'index/iamServiceAccount:IamServiceAccount', metadata: { name: 'robot', namespace: 'minio' }, spec: { targetUser: 'robot' } }),
  },
  {
    id: 'a group with a policy', diff: 'security widens', at: bucket('administration'),
    act: (_spec, { add }) => add({ apiVersion: 'provisioned/minio', kind: 'IamGroupPolicyAttachment', type: 'index/iamGroupPolicyAttachment:IamGroupPolicyAttachment', metadata: { name: 'all', namespace: 'minio' }, spec: { groupName: 'all', policyName: 'administration' } }),
  },
  { id: 'buckets by one character', rule: 's3-wildcard', diff: 'security widens s3', at: bucket('project'), act: first((one) => { one.Resource = one.Resource.map((arn: string) => arn.replace(/.$/, '?')); }) },
  { id: 'the bucket of the name in another claim', diff: 'security widens s3', critical: true, at: bucket('person'), act: (spec) => { spec.policy = spec.policy.replaceAll('jwt:preferred_username', 'jwt:email'); } },
];
