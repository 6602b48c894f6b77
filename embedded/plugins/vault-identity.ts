import type { Fields } from './provider-fields';
import type { Kind } from './provider-resources';
import { bodyOf, set, valuesOf } from './vault-fields';
import type { VaultServer } from './vault-server';

const groupFields: Fields = {
  name: { required: true },
  type: { required: true, allowed: ['external'], replace: true },
  policies: set,
  metadata: { exact: true },
};

/** `vault:identity/group:Group`: people whose membership a login tells. Vault makes its id. */
export const identityGroup: Kind<VaultServer> = {
  name: ({ name }) => `identity group '${name}'`,
  fields: groupFields,
  find: async (vault, { name }) => (await vault.read(`identity/group/name/${name}`))?.id,
  create: async (vault, inputs) => idOf(await vault.write('identity/group', bodyOf(groupFields, inputs))),
  async read(vault, id) {
    const found = await vault.read(`identity/group/id/${id}`);
    return found && valuesOf(groupFields, found);
  },
  async update(vault, id, inputs, before) {
    await vault.write(`identity/group/id/${id}`, bodyOf(groupFields, inputs, before));
  },
  delete: (vault, id) => vault.delete(`identity/group/id/${id}`),
};

const aliasFields: Fields = { name: { required: true }, mountAccessor: { required: true }, canonicalId: { required: true } };

/** `vault:identity/groupAlias:GroupAlias`: the name that an auth method has for a group. Vault makes its id. */
export const identityGroupAlias: Kind<VaultServer> = {
  name: ({ name }) => `alias '${name}' of an identity group`,
  fields: aliasFields,
  async find(vault, { name, mountAccessor }) {
    const aliases = Object.entries(await vault.list('identity/group-alias/id'));
    return aliases.find(([, alias]) => alias.name === name && alias.mount_accessor === mountAccessor)?.[0];
  },
  create: async (vault, inputs) => idOf(await vault.write('identity/group-alias', bodyOf(aliasFields, inputs))),
  async read(vault, id) {
    const found = await vault.read(`identity/group-alias/id/${id}`);
    return found && valuesOf(aliasFields, found);
  },
  async update(vault, id, inputs) {
    await vault.write(`identity/group-alias/id/${id}`, bodyOf(aliasFields, inputs));
  },
  delete: (vault, id) => vault.delete(`identity/group-alias/id/${id}`),
};

function idOf(answer: { readonly id?: string } | undefined): string {
  if (!answer?.id) throw new Error('Vault took it, but has it not: there is one of that name already');
  return answer.id;
}
