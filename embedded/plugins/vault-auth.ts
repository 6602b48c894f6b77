import type { Fields } from './provider-fields';
import type { Kind } from './provider-resources';
import { mountAt } from './vault-mounts';
import type { VaultServer } from './vault-server';
import { bodyOf, seconds, set, valuesOf } from './vault-fields';

/** Which tokens a JWT auth method trusts: Vault takes it as a whole. */
const configuration: Fields = {
  boundIssuer: {},
  defaultRole: {},
  jwksUrl: { required: true },
  jwtSupportedAlgs: set,
};

/** `vault:jwt/authBackend:AuthBackend`. Its id is its path. The official provider moves it to a new path; we make it anew. */
export const jwtAuthBackend: Kind<VaultServer> = {
  name: ({ path }) => `auth method '${path}'`,
  fields: { path: { required: true, replace: true }, type: { allowed: ['jwt'], replace: true }, ...configuration },
  computed: ['accessor'],
  find: async (vault, { path }) => ((await mountAt(vault, 'sys/auth', path)) ? path : undefined),
  async create(vault, { path }) {
    await vault.write(`sys/auth/${path}`, { type: 'jwt' });
    return path;
  },
  async complete(vault, id, inputs) {
    await vault.write(`auth/${id}/config`, bodyOf(configuration, inputs));
  },
  async read(vault, id) {
    const found = await mountAt(vault, 'sys/auth', id);
    if (!found) return undefined;
    const config = (await vault.read(`auth/${id}/config`)) ?? {};
    return { path: id, type: found.type, accessor: found.accessor, ...valuesOf(configuration, config) };
  },
  update: async () => undefined,
  delete: (vault, id) => vault.delete(`sys/auth/${id}`),
};

const role: Fields = {
  roleType: { required: true, allowed: ['jwt'], replace: true },
  boundAudiences: { required: true, ...set },
  boundSubject: {},
  userClaim: { required: true },
  groupsClaim: {},
  clockSkewLeeway: seconds,
  tokenTtl: seconds,
  tokenMaxTtl: seconds,
  tokenNoDefaultPolicy: {},
  tokenPolicies: set,
};

/** `vault:jwt/authBackendRole:AuthBackendRole`. Its id is `auth/<path>/role/<name>`. */
export const jwtAuthBackendRole: Kind<VaultServer> = {
  name: ({ backend, roleName }) => `role '${roleName}' of the auth method '${backend}'`,
  fields: { backend: { required: true, replace: true }, roleName: { required: true, replace: true }, ...role },
  async find(vault, { backend, roleName }) {
    const id = `auth/${backend}/role/${roleName}`;
    return (await vault.read(id)) ? id : undefined;
  },
  async create(vault, inputs) {
    const id = `auth/${inputs.backend}/role/${inputs.roleName}`;
    await vault.write(id, bodyOf(role, inputs));
    return id;
  },
  async read(vault, id, { backend, roleName }) {
    const found = await vault.read(id);
    return found && { backend, roleName, ...valuesOf(role, found) };
  },
  async update(vault, id, inputs, before) {
    await vault.write(id, bodyOf(role, inputs, before));
  },
  delete: (vault, id) => vault.delete(id),
};
