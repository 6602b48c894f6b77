import { vaultPolicy } from '../constructs/vault-policy';

/**
 * What Pulumi may do in Vault: engines, login methods, policies, groups, audit devices, CORS. It reads no secret of a person
 * or project, and cannot change its own policy and role; but whoever writes policies decides who reads, so its plans are reviewed.
 */
export const pulumiPolicy = vaultPolicy({
  'sys/mounts': ['read'],
  'sys/mounts/*': ['create', 'read', 'update', 'delete', 'list', 'sudo'],
  'sys/auth': ['read'],
  'sys/auth/*': ['create', 'read', 'update', 'delete', 'list', 'sudo'],
  'sys/policies/acl': ['list'],
  'sys/policies/acl/*': ['create', 'read', 'update', 'delete', 'list'],
  'sys/policies/acl/pulumi': ['read'],
  'sys/audit': ['read', 'list', 'sudo'],
  'sys/audit/*': ['create', 'read', 'update', 'delete', 'list', 'sudo'],
  'sys/config/cors': ['create', 'read', 'update', 'delete', 'sudo'],
  // Settings of a kv-v2 engine: how many versions it keeps.
  '+/config': ['create', 'read', 'update'],
  'auth/+/config': ['create', 'read', 'update'],
  'auth/+/role': ['list'],
  'auth/+/role/*': ['create', 'read', 'update', 'delete', 'list'],
  'auth/workloads/config': ['read'],
  'auth/workloads/role/pulumi': ['read'],
  'identity/group': ['create', 'read', 'update', 'list'],
  'identity/group/*': ['create', 'read', 'update', 'delete', 'list'],
  'identity/group-alias': ['create', 'read', 'update', 'list'],
  'identity/group-alias/*': ['create', 'read', 'update', 'delete', 'list'],
  'identity/lookup/group': ['create', 'update'],
});
