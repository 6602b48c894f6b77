import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Minio, workloadAudience } from '../../constructs/minio';
import type { Platform } from '../../constructs/platform';
import { Provisioned } from '../../constructs/provisioned';
import { System } from '../../constructs/system';
import { vaultAudience } from '../../constructs/vault-access';
import { send, type Audience, type RegionAccess } from './region';

/** Where things of one owner are: a person's and a project's have the same name on every server. */
export interface Place {
  /** @default they have none */
  readonly bucket?: string;
  readonly namespace: string;
  readonly path: string;
}

/** One who asks the servers. */
export interface Caller {
  readonly who: string;
  readonly own: Place;
  /** Of somebody that they are not. */
  readonly another: Required<Place>;
  /** Buckets that they may know of. */
  readonly buckets: readonly string[];
  /** Who signs their tokens: the realm for people, the cluster for workloads. */
  readonly issuer: 'realm' | 'cluster';
  /** What they show to a server. @default nothing */
  readonly token?: (audience: Audience) => Promise<string>;
  /** Credentials that they were given instead, by variable name. */
  readonly injected?: Readonly<Record<string, string>>;
}

/** One who cannot ask in this region, and why. */
export interface Absent {
  readonly who: string;
  readonly why: string;
}

/** A namespace and service accounts that exist only while the region is verified. */
export interface Throwaway {
  readonly namespace: string;
  remove(): Promise<void>;
}

export function place(name: string): Required<Place> {
  return { bucket: name, namespace: name, path: name };
}

export async function makeThrowaway({ operator }: RegionAccess): Promise<Throwaway> {
  const namespace = `datalab-verify-${randomBytes(3).toString('hex')}`;
  const remove = () => operator('DELETE', `/api/v1/namespaces/${namespace}`).then(() => undefined);
  await operator('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'datalab-stacks/verify': 'throwaway' } } });
  try {
    await operator('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'stranger' } });
  } catch (error) {
    await remove();
    throw error;
  }
  return { namespace, remove };
}

/** Everybody whom the matrix names, in its order, with what they show. People who cannot log in here are absent. */
export async function callersOf(region: RegionAccess, throwaway: Throwaway): Promise<(Caller | Absent)[]> {
  const { platform, people } = region;
  const { person, other, member, administrator, project } = cast(platform, throwaway);
  const theirs = { own: place(`user-${person}`), another: place(`user-${other}`), buckets: [], issuer: 'realm' as const };
  const serviceAccount = (namespace: string, name: string) => (audience: Audience) => tokenOf(region, namespace, name, audience);
  const humans = (name: string | undefined, who: string, why: string): Caller | Absent => {
    if (!people) return { who, why: 'nobody logs in without a browser' };
    if (!name) return { who, why };
    const own = place(`user-${name}`);
    const buckets = [own.bucket, ...(name === member && project ? [`projet-${project}`] : [])];
    return { who, own, another: place(`user-${name === person ? other : person}`), buckets, issuer: 'realm', token: (audience) => people.token(name, audience) };
  };
  const workload = workloadOf(platform);
  const stranger = { ...theirs, own: place(throwaway.namespace), issuer: 'cluster' as const, token: serviceAccount(throwaway.namespace, 'stranger') };
  const expired = people && (await people.expiredToken(person));
  const otherRealm = people && (await people.otherRealmToken());
  const injected = people && (await people.injected(person));
  return [
    humans(person, 'a person', ''),
    humans(other, 'another person', ''),
    humans(member, 'a member of the project', 'no demo person is a member of a project'),
    humans(administrator, 'an administrator', 'no demo person is an administrator'),
    { ...theirs, who: 'anonymous' },
    expired ? { ...theirs, who: 'an expired token', token: async () => expired } : { who: 'an expired token', why: 'nobody logs in without a browser' },
    otherRealm
      ? { ...theirs, who: 'a token of another realm', token: async () => otherRealm }
      : { who: 'a token of another realm', why: 'nobody logs in without a browser' },
    people
      ? { ...theirs, who: 'another audience', token: (audience) => people.token(person, audience === 'kubernetes' ? 'minio' : 'kubernetes') }
      : { ...stranger, who: 'another audience', token: () => requestToken(region, throwaway.namespace, 'stranger', ['datalab-verify']) },
    { ...theirs, who: 'a forged signature', token: (audience) => forged(region, person, audience) },
    workload && people
      ? { ...theirs, who: 'a platform workload', own: { ...workload, path: workload.namespace }, buckets: workload.bucket ? [workload.bucket] : [], issuer: 'cluster', token: serviceAccount(workload.namespace, workload.name) }
      : { who: 'a platform workload', why: people ? 'there is no object store of our own' : 'no token of an account that is in use is asked for' },
    { ...stranger, who: 'another workload' },
    people
      ? { ...theirs, who: "a person's pod, own token", issuer: 'cluster', token: serviceAccount(`user-${person}`, 'default') }
      : { who: "a person's pod, own token", why: 'no namespace of a demo person' },
    injected
      ? { ...theirs, who: "a person's pod, injected", buckets: [`user-${person}`], injected: { ...injected, KUBERNETES_TOKEN: await people.token(person, 'kubernetes') } }
      : { who: "a person's pod, injected", why: 'nobody logs in without a browser' },
  ];
}

/** Which people play which part. Without demo people the first two are nobody. */
function cast({ region, instance }: Platform, { namespace }: Throwaway) {
  const people = Object.entries(region.demoUsers);
  const plain = people.filter(([, { admin, projects }]) => !admin && !projects.length).map(([name]) => name);
  const [person = namespace, other = `${namespace}-other`] = plain;
  const [member] = people.find(([, { projects }]) => projects.length) ?? [];
  const [administrator] = people.find(([, { admin }]) => admin) ?? [];
  return { person, other, member, administrator, project: projectOf({ region, instance }) };
}

/** The project of the matrix: one that a demo person is a member of, else the first. */
export function projectOf({ region, instance }: Pick<Platform, 'region' | 'instance'>): string | undefined {
  return Object.values(region.demoUsers).flatMap(({ projects }) => projects)[0] ?? instance.projects[0]?.name;
}

/** Namespaces of the platform's systems. */
export function platformNamespaces(platform: Platform): string[] {
  return platform.node.children.filter((child): child is System => child instanceof System).map(({ namespace }) => namespace);
}

/** A workload that is granted a bucket of the platform, read from the policy of workloads; else the object store itself. */
export function workloadOf(platform: Platform): { namespace: string; name: string; bucket?: string } | undefined {
  const minio = platform.node.children.find((child): child is Minio => child instanceof Minio);
  const policies = (minio?.node.findAll() ?? []).filter((node): node is Provisioned => node instanceof Provisioned).map((node) => node.toJson());
  const document = policies.find(({ kind, metadata }: any) => kind === 'IamPolicy' && metadata.name === 'workloads')?.spec.policy as string | undefined;
  for (const { Resource, Condition } of document ? (JSON.parse(document).Statement as any[]) : []) {
    const [, , namespace, name] = (Condition?.StringEquals['jwt:sub'][0] as string | undefined)?.split(':') ?? [];
    const bucket = /^arn:aws:s3:::([^/*]+)$/.exec(Resource?.[0] ?? '')?.[1];
    if (namespace && name && bucket && !bucket.startsWith('projet-')) return { namespace, name, bucket };
  }
  return minio && { namespace: minio.namespace, name: minio.server.serviceAccount };
}

function tokenOf(region: RegionAccess, namespace: string, name: string, audience: Audience): Promise<string> {
  const s3 = region.platform.region.objectStore?.audience ?? workloadAudience;
  return requestToken(region, namespace, name, { minio: [s3], vault: [vaultAudience], kubernetes: [] }[audience]);
}

/** A service-account token of ten minutes; without audiences it is for the API server. */
async function requestToken({ operator }: RegionAccess, namespace: string, name: string, audiences: readonly string[]): Promise<string> {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, expirationSeconds: 600 } };
  const answer = await operator('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, request);
  return answer.status.token as string;
}

/** A token as the realm would sign it for the person, with the name of the realm's key, signed by another. */
async function forged(region: RegionAccess, person: string, audience: Audience): Promise<string> {
  const { issuer } = region.servers;
  const { text } = await send(region, `${issuer}/protocol/openid-connect/certs`);
  const { keys } = JSON.parse(text) as { keys: { kid: string; use: string; alg: string }[] };
  const now = Math.floor(Date.now() / 1000);
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const head = part({ alg: 'RS256', typ: 'JWT', kid: keys.find(({ use, alg }) => use === 'sig' && alg === 'RS256')?.kid });
  const body = part({ iss: issuer, aud: audience, azp: audience, sub: person, preferred_username: person, policy: ['person'], groups: ['datalab-users'], iat: now, exp: now + 300 });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return `${head}.${body}.${createSign('RSA-SHA256').update(`${head}.${body}`).sign(privateKey, 'base64url')}`;
}
