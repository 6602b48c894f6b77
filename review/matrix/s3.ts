import { createHash } from 'node:crypto';
import { roleArn, workloadAudience } from '../../constructs/minio';
import { signedHeaders } from '../../model/s3-signature';
import { projectOf, workloadOf, type Caller } from './callers';
import { accessName, allowed, any, send, type Answer, type RegionAccess } from './region';
import { canMintStaticKey, longestAllowed, longestSession, s3KeysOf, type SendToS3, type TemporaryKeys } from './s3-keys';

/** A name that no object has: nothing is read, and nothing is written. */
const nobody = 'datalab-verify-no-such-object';

/** The object store's columns. A write that may be done fails by its wrong checksum, so no bucket changes. */
export async function askS3(region: RegionAccess, caller: Caller): Promise<Record<string, () => Promise<string>>> {
  const keys = caller.injected ? keysIn(caller.injected) : caller.token && (await exchange(region, caller));
  const refused = caller.token && !keys;
  const ask = (method: string, path: string, body = '', headers: Record<string, string> = {}) => call(region, keys, method, path, body, headers);
  const may = (answer: Promise<Answer>) => allowed(answer, [403], [200, 204, 400, 404]);
  const access = async (name: string) => {
    if (refused) return 'no';
    const read = await any([may(ask('GET', `/${name}/${nobody}`)), may(ask('GET', `/${name}?list-type=2&max-keys=1`))]);
    const wrongChecksum = createHash('md5').update('something else').digest('base64');
    return accessName(read, await may(ask('PUT', `/${name}/${nobody}`, 'text', { 'content-md5': wrongChecksum })));
  };
  const yes = (may: boolean) => (may && !refused ? 'yes' : 'no');
  const sender: SendToS3 = (url, options) => send(region, url, options);
  const { bucket } = caller.own;
  const { objectStore } = region.platform.region;
  const project = projectOf(region.platform);
  const platform = workloadOf(region.platform)?.bucket;
  return {
    ...(bucket ? { own: () => access(bucket), policy: async () => yes(await may(ask('PUT', `/${bucket}?policy`, '{"no":"policy"}'))) } : {}),
    another: () => access(caller.another.bucket),
    ...(project ? { project: () => access(`projet-${project}`) } : {}),
    ...(platform ? { platform: () => access(platform) } : {}),
    list: async () => {
      const answer = await ask('GET', '/');
      if (!(await allowed(Promise.resolve(answer), [403], [200]))) return 'no';
      const listed = [...answer.text.matchAll(/<Bucket><Name>([^<]+)</g)].map(([, name]) => name!);
      return yes(listed.length === 0 || listed.some((name) => !caller.buckets.includes(name)));
    },
    ...(objectStore ? {} : { key: async () => yes(keys !== undefined && (await canMintStaticKey(sender, region.servers.s3, keys))) }),
    '>12 h': async () => {
      const seconds = caller.token ? await longestSession(sender, stsOf(region), await caller.token('minio'), roleOf(region, caller)) : 0;
      return yes(seconds > longestAllowed);
    },
  };
}

/** Temporary credentials for the caller's token; undefined when the store refuses it. */
async function exchange(region: RegionAccess, caller: Caller): Promise<TemporaryKeys | undefined> {
  const role = roleOf(region, caller);
  const query = {
    Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', DurationSeconds: '3600', WebIdentityToken: await caller.token!('minio'),
    ...(role ? { RoleArn: role, RoleSessionName: 'datalab-verify' } : {}),
  };
  const answer = await send(region, stsOf(region), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(Object.entries(query)).toString(),
  });
  if (!(await allowed(Promise.resolve(answer), [400, 401, 403], [200]))) return undefined;
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.text)?.[1] ?? '';
  return { AWS_ACCESS_KEY_ID: field('AccessKeyId'), AWS_SECRET_ACCESS_KEY: field('SecretAccessKey'), AWS_SESSION_TOKEN: field('SessionToken') };
}

function stsOf({ platform, servers }: RegionAccess): string {
  return platform.region.objectStore?.stsEndpoint ?? servers.s3;
}

/** The role that a workload asks for; people ask for none. */
function roleOf({ platform }: RegionAccess, { issuer, own }: Caller): string | undefined {
  if (issuer === 'realm') return undefined;
  const { objectStore } = platform.region;
  return objectStore ? `${objectStore.rolePrefix}${own.namespace}` : roleArn(workloadAudience);
}

function keysIn(injected: Readonly<Record<string, string>>): TemporaryKeys {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN = '' } = injected;
  return { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN };
}

/** One call, signed with the keys; without keys it is anonymous. */
async function call(region: RegionAccess, keys: TemporaryKeys | undefined, method: string, path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const url = new URL(`${region.servers.s3}${path}`);
  const { signingRegion = 'us-east-1' } = region.platform.region.objectStore ?? {};
  return send(region, url.href, { method, body, headers: keys ? await signedHeaders(s3KeysOf(keys), { method, url, body, headers, region: signingRegion }) : headers });
}
