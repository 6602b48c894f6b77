import { pulumiRole } from '../../constructs/vault';
import { peopleMount, peopleRole, peopleSecrets as mount, workloadsMount } from '../../constructs/vault-access';
import { projectOf, type Caller } from './callers';
import { accessName, allowed, any, send, type Call, type RegionAccess } from './region';

/** A name that no secret has. */
const nobody = 'datalab-verify-no-such-secret';

/** Vault's columns. A write that may be done fails by its wrong version number, so nothing is written. */
export async function askVault(region: RegionAccess, caller: Caller): Promise<Record<string, () => Promise<string>>> {
  const token = caller.injected ? caller.injected.VAULT_TOKEN : await tokenOf(region, caller);
  const call = (path: string, { headers, ...rest }: Call = {}) =>
    send(region, `${region.servers.vault}/v1/${path}`, { ...rest, headers: { ...headers, ...(token ? { 'x-vault-token': token } : {}) } });
  const may = (path: string, options: Call, done: number[]) => allowed(call(path, options), [403], done);
  const write = (path: string, body: object, method = 'POST') => may(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, [400, 405]);
  const secrets = async (path: string) => {
    const read = await any([may(`${mount}/data/${path}/${nobody}`, {}, [404]), may(`${mount}/metadata/${path}?list=true`, {}, [200, 404])]);
    return accessName(read, await write(`${mount}/data/${path}/${nobody}`, { options: { cas: 7 }, data: {} }));
  };
  const project = projectOf(region.platform);
  return {
    own: () => secrets(caller.own.path),
    another: () => secrets(caller.another.path),
    ...(project ? { project: () => secrets(`projet-${project}`) } : {}),
    sys: async () => {
      const read = await any(['sys/mounts', 'sys/auth', 'sys/audit', 'sys/policies/acl?list=true'].map((path) => may(path, {}, [200])));
      return accessName(read, await write('sys/policies/acl/datalab-verify', {}, 'PUT'));
    },
  };
}

/** A token of Vault for what the caller has; undefined when no role takes it, as for a caller who has nothing. */
async function tokenOf(region: RegionAccess, caller: Caller): Promise<string | undefined> {
  if (!caller.token) return undefined;
  const jwt = await caller.token('vault');
  const logins = caller.issuer === 'realm' ? [[peopleMount, peopleRole]] : rolesOf(region).map((role) => [workloadsMount, role]);
  for (const [auth, role] of logins) {
    const login = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ role, jwt }) };
    const answer = await send(region, `${region.servers.vault}/v1/auth/${auth}/login`, login);
    if (await allowed(Promise.resolve(answer), [400, 403], [200])) return (JSON.parse(answer.text) as { auth: { client_token: string } }).auth.client_token;
  }
  return undefined;
}

/** Roles of workloads: the one that the bootstrap makes, and those of the tree. */
function rolesOf({ platform }: RegionAccess): string[] {
  const roles = platform.node.findAll().map((node) => node as { kind?: string; name?: string }).filter(({ kind }) => kind === 'AuthBackendRole');
  return [pulumiRole, ...roles.map(({ name }) => name!)];
}
