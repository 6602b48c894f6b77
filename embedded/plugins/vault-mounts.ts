import type { Kind } from './provider-resources';
import { isObject, type Values } from './provider-values';
import type { VaultServer } from './vault-server';

/** `vault:index/mount:Mount`: a secrets engine. Its id is its path. The official provider moves it to a new path; we make it anew. */
export const mount: Kind<VaultServer> = {
  name: ({ path }) => `secrets engine '${path}'`,
  fields: { path: { required: true, replace: true }, type: { required: true, replace: true }, options: {} },
  computed: ['accessor'],
  find: async (vault, { path }) => ((await mountAt(vault, 'sys/mounts', path)) ? path : undefined),
  async create(vault, { path, type, options = {} }) {
    await vault.write(`sys/mounts/${path}`, { type, options });
    return path;
  },
  async read(vault, id) {
    const found = await mountAt(vault, 'sys/mounts', id);
    return found && { path: id, type: found.type, options: found.options ?? {}, accessor: found.accessor };
  },
  async update(vault, id, { options = {} }) {
    await vault.write(`sys/mounts/${id}/tune`, { options });
  },
  delete: (vault, id) => vault.delete(`sys/mounts/${id}`),
};

/** `vault:index/audit:Audit`: an audit device. Its id is its path. */
export const audit: Kind<VaultServer> = {
  name: (inputs) => `audit device '${auditPath(inputs)}'`,
  fields: { path: { replace: true }, type: { required: true, replace: true }, options: { required: true, replace: true } },
  find: async (vault, inputs) => ((await mountAt(vault, 'sys/audit', auditPath(inputs))) ? auditPath(inputs) : undefined),
  async create(vault, inputs) {
    await vault.write(`sys/audit/${auditPath(inputs)}`, { type: inputs.type, options: inputs.options });
    return auditPath(inputs);
  },
  async read(vault, id) {
    const found = await mountAt(vault, 'sys/audit', id);
    return found && { path: id, type: found.type, options: found.options };
  },
  update: async () => undefined,
  delete: (vault, id) => vault.delete(`sys/audit/${id}`),
};

function auditPath({ path, type }: Values): string {
  return path ?? type;
}

/** What is mounted at a path: Vault lists mounts by path, with a slash at the end. */
export async function mountAt(vault: VaultServer, list: 'sys/mounts' | 'sys/auth' | 'sys/audit', path: string): Promise<Values | undefined> {
  return (await vault.read(list))?.[`${path}/`];
}

/** `vault:index/policy:Policy`. Its id is its name. */
export const policy: Kind<VaultServer> = {
  name: ({ name }) => `policy '${name}'`,
  fields: { name: { required: true, replace: true }, policy: { required: true } },
  problems({ name }) {
    if (name === name.toLowerCase()) return [];
    return [`name: got '${name}'; allowed: lower case, since Vault keeps it so. Fix: write '${name.toLowerCase()}'`];
  },
  find: async (vault, { name }) => ((await vault.read(`sys/policies/acl/${name}`)) ? name : undefined),
  async create(vault, { name, policy: text }) {
    await vault.write(`sys/policies/acl/${name}`, { policy: text });
    return name;
  },
  async read(vault, id) {
    const found = await vault.read(`sys/policies/acl/${id}`);
    return found && { name: id, policy: found.policy };
  },
  async update(vault, id, { policy: text }) {
    await vault.write(`sys/policies/acl/${id}`, { policy: text });
  },
  delete: (vault, id) => vault.delete(`sys/policies/acl/${id}`),
};

/** `vault:generic/endpoint:Endpoint`: anything that is read where it is written. Its id is its path. */
export const endpoint: Kind<VaultServer> = {
  name: ({ path }) => `endpoint '${path}'`,
  fields: {
    path: { required: true, replace: true },
    dataJson: { required: true, canonical: canonicalJson },
    ignoreAbsentFields: { required: true, untold: true },
  },
  async create(vault, { path, dataJson }) {
    await vault.write(path, JSON.parse(dataJson));
    return path;
  },
  async read(vault, id, { dataJson }) {
    const found = await vault.read(id);
    if (!found) return undefined;
    const written = Object.keys(JSON.parse(dataJson)).filter((key) => found[key] !== undefined);
    return { path: id, dataJson: canonicalJson(JSON.stringify(Object.fromEntries(written.map((key) => [key, found[key]])))) };
  },
  async update(vault, id, { dataJson }) {
    await vault.write(id, JSON.parse(dataJson));
  },
  delete: (vault, id) => vault.delete(id),
};

/** JSON in the one spelling of all that mean the same: no space, keys in order. @throws Error for what is no object */
function canonicalJson(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isObject(value)) throw new Error('got a text that is not a JSON object; allowed: the data to write. Fix: write it with JSON.stringify');
  return JSON.stringify(inOrder(value));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, inOrder(value[key])]));
}
