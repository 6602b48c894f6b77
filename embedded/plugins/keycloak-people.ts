import type { KeycloakAdmin } from './keycloak-admin';
import { attributes, flag, place, sorted, text, texts } from './keycloak-fields';
import { keycloakObject, setDifference } from './keycloak-objects';
import type { Kind } from './provider-resources';
import type { Values } from './provider-values';

/** `keycloak:index/group:Group` */
export const group = keycloakObject({
  name: ({ name, realmId }) => `group '${name}' of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    parentId: place(),
    name: text('name', { required: true }),
    description: text('description'),
    attributes: attributes(),
  },
  computed: ['path'],
  apart: ['access', 'subGroups', 'subGroupCount'],
  collection: ({ realmId, parentId }) => ['realms', realmId, 'groups', ...(parentId ? [parentId, 'children'] : [])],
  object: ({ realmId }, id) => ['realms', realmId, 'groups', id],
  async find(admin, { realmId, parentId, name }) {
    const path = ['realms', realmId, 'groups', ...(parentId ? [parentId, 'children'] : [])];
    const found: Values[] = (await admin.get(path, { search: name, exact: 'true' })) ?? [];
    return found.find((one) => one.name === name)?.id;
  },
  more: async (_admin, { path }) => ({ path }),
});

/** `keycloak:index/role:Role`: of the realm, or of a client. */
export const role: Kind<KeycloakAdmin> = {
  ...keycloakObject({
    name: ({ name, realmId }) => `role '${name}' of the realm '${realmId}'`,
    fields: {
      realmId: place({ required: true }),
      clientId: place(),
      name: text('name', { required: true }),
      description: text('description'),
      attributes: attributes(),
      compositeRoles: { ...texts('composites'), write: () => ({}), read: () => undefined },
      import: place(),
    },
    apart: ['composites'],
    collection: ({ realmId, clientId }) => ['realms', realmId, ...(clientId ? ['clients', clientId] : []), 'roles'],
    object: ({ realmId }, id) => ['realms', realmId, 'roles-by-id', id],
    async find(admin, { realmId, clientId, name }) {
      return (await admin.get(['realms', realmId, ...(clientId ? ['clients', clientId] : []), 'roles', name]))?.id;
    },
    more: async (admin, { id }, { realmId }) => ({ compositeRoles: await compositesOf(admin, realmId, id) }),
  }),

  async complete(admin, id, { realmId, compositeRoles }, before) {
    if (!compositeRoles && !before.compositeRoles) return;
    const { add, remove } = setDifference(compositeRoles ?? [], await compositesOf(admin, realmId, id));
    const path = ['realms', realmId, 'roles-by-id', id, 'composites'];
    if (add.length) await admin.post(path, add.map((one) => ({ id: one })));
    if (remove.length) await admin.delete(path, remove.map((one) => ({ id: one })));
  },
};

async function compositesOf(admin: KeycloakAdmin, realmId: string, id: string): Promise<string[]> {
  const composites: Values[] = (await admin.get(['realms', realmId, 'roles-by-id', id, 'composites'])) ?? [];
  return sorted(composites.map((one) => one.id));
}

/** `keycloak:index/user:User` */
export const user = keycloakObject({
  name: ({ username, realmId }) => `user '${username}' of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    username: text('username', { required: true, replace: true }),
    email: text('email'),
    emailVerified: flag('emailVerified'),
    firstName: text('firstName'),
    lastName: text('lastName'),
    enabled: flag('enabled', { initial: true }),
    attributes: attributes(),
    requiredActions: texts('requiredActions'),
    initialPassword: {
      once: true,
      untold: true,
      write: ({ value, temporary = false }) => ({ credentials: [{ type: 'password', value, temporary }] }),
      read: () => undefined,
    },
    import: place(),
  },
  secrets: [['initialPassword', 'value']],
  apart: ['access'],
  collection: ({ realmId }) => ['realms', realmId, 'users'],
  find: async (admin, { realmId, username }) => (await userNamed(admin, realmId, username))?.id,
  problems({ username }) {
    if (username === username.toLowerCase()) return [];
    return [`username: got '${username}'; allowed: lower case, since Keycloak keeps it so. Fix: write '${username.toLowerCase()}'`];
  },
});

export async function userNamed(admin: KeycloakAdmin, realmId: string, username: string): Promise<Values | undefined> {
  return (await admin.get(['realms', realmId, 'users'], { username, exact: 'true' }))?.[0];
}
