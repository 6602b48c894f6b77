import type { Workload } from './workload';

export type Capability = 'create' | 'read' | 'update' | 'delete' | 'list' | 'sudo';

/** What may be done where: paths of Vault's API, which end in `*` for all that begins so, and capabilities there. */
export type Paths = Readonly<Record<string, readonly Capability[]>>;

/** Secrets of a kv-v2 engine below a folder; to delete one is to delete its versions with it. */
export function secretsBelow(mount: string, folder: string, access: 'read' | 'read-write'): Paths {
  const write = access === 'read-write';
  return {
    [`${mount}/data/${folder}/*`]: write ? ['create', 'read', 'update'] : ['read'],
    [`${mount}/metadata/${folder}/*`]: write ? ['delete', 'list', 'read'] : ['list', 'read'],
  };
}

/** A token may see itself, last longer and end itself. Vault's policy `default` gives more, so no login has that. */
export const ownToken: Paths = {
  'auth/token/lookup-self': ['read'],
  'auth/token/renew-self': ['update'],
  'auth/token/revoke-self': ['update'],
};

/** The text of a policy. */
export function vaultPolicy(paths: Paths): string {
  return Object.entries(paths)
    .map(([path, capabilities]) => `path "${path}" {\n  capabilities = [${capabilities.map((capability) => `"${capability}"`).join(', ')}]\n}\n`)
    .join('\n');
}

/** Name of a workload's policy and role. A namespace has no dot, so no two workloads have the same. */
export function roleOf(workload: Workload): string {
  return `${workload.namespace}.${workload.serviceAccount}`;
}
