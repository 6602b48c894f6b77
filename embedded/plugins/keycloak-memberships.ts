import type { KeycloakAdmin } from './keycloak-admin';
import { place, sorted } from './keycloak-fields';
import { setDifference } from './keycloak-objects';
import { userNamed } from './keycloak-people';
import type { Kind } from './provider-resources';
import type { Values } from './provider-values';

/** `keycloak:index/groupMemberships:GroupMemberships`: all members of a group, by user name. */
export const groupMemberships: Kind<KeycloakAdmin> = {
  name: ({ groupId, realmId }) => `members of the group ${groupId} of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    groupId: place({ required: true }),
    members: { required: true, canonical: sorted },
  },
  async create(admin, inputs) {
    await setMembers(admin, inputs);
    return `${inputs.realmId}/group-memberships/${inputs.groupId}`;
  },
  async read(admin, _id, { realmId, groupId }) {
    const members = await membersOf(admin, realmId, groupId);
    return members && { members: sorted(members.map(({ username }) => username)) };
  },
  update: (admin, _id, inputs) => setMembers(admin, inputs),
  async delete(admin, _id, { realmId, groupId, members }) {
    for (const { id, username } of (await membersOf(admin, realmId, groupId)) ?? []) {
      if (members.includes(username)) await admin.delete(['realms', realmId, 'users', id, 'groups', groupId]);
    }
  },
};

async function setMembers(admin: KeycloakAdmin, { realmId, groupId, members }: Values): Promise<void> {
  const there = await membersOf(admin, realmId, groupId);
  if (!there) throw new Error(`the realm has no group ${groupId}. Fix: run refresh, then up`);
  const { add, remove } = setDifference(members, there.map(({ username }) => username));
  for (const username of add) {
    const found = await userNamed(admin, realmId, username);
    if (!found) throw new Error(`members: got '${username}'; allowed: users of the realm. Fix: create the user first, and depend on it`);
    await admin.put(['realms', realmId, 'users', found.id, 'groups', groupId]);
  }
  for (const { id, username } of there) {
    if (remove.includes(username)) await admin.delete(['realms', realmId, 'users', id, 'groups', groupId]);
  }
}

const pageSize = 100;

async function membersOf(admin: KeycloakAdmin, realmId: string, groupId: string): Promise<Values[] | undefined> {
  const members: Values[] = [];
  for (;;) {
    const page: Values[] | undefined = await admin.get(['realms', realmId, 'groups', groupId, 'members'], { first: String(members.length), max: String(pageSize) });
    if (!page) return undefined;
    members.push(...page);
    if (page.length < pageSize) return members;
  }
}

/** `keycloak:index/defaultGroups:DefaultGroups`: the groups that every new user joins. */
export const defaultGroups: Kind<KeycloakAdmin> = {
  name: ({ realmId }) => `default groups of the realm '${realmId}'`,
  fields: { realmId: place({ required: true }), groupIds: { required: true, canonical: sorted } },
  async create(admin, inputs) {
    await setDefaultGroups(admin, inputs.realmId, inputs.groupIds);
    return `${inputs.realmId}/default-groups`;
  },
  async read(admin, _id, { realmId }) {
    const groupIds = await defaultGroupsOf(admin, realmId);
    return groupIds && { groupIds };
  },
  update: (admin, _id, { realmId, groupIds }) => setDefaultGroups(admin, realmId, groupIds),
  async delete(admin, _id, { realmId, groupIds }) {
    for (const id of groupIds) await admin.delete(['realms', realmId, 'default-groups', id]);
  },
};

async function setDefaultGroups(admin: KeycloakAdmin, realmId: string, groupIds: string[]): Promise<void> {
  const { add, remove } = setDifference(groupIds, (await defaultGroupsOf(admin, realmId)) ?? []);
  for (const id of add) await admin.put(['realms', realmId, 'default-groups', id]);
  for (const id of remove) await admin.delete(['realms', realmId, 'default-groups', id]);
}

async function defaultGroupsOf(admin: KeycloakAdmin, realmId: string): Promise<string[] | undefined> {
  const groups: Values[] | undefined = await admin.get(['realms', realmId, 'default-groups']);
  return groups && sorted(groups.map(({ id }) => id));
}

/** `keycloak:index/userRoles:UserRoles`: the roles of a user; all of them, unless `exhaustive` is false. */
export const userRoles: Kind<KeycloakAdmin> = {
  name: ({ userId, realmId }) => `roles of the user ${userId} of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    userId: place({ required: true }),
    roleIds: { required: true, canonical: sorted },
    exhaustive: { untold: true },
  },
  async create(admin, inputs) {
    await setRoles(admin, inputs, {});
    return `${inputs.realmId}/${inputs.userId}`;
  },
  async read(admin, _id, { realmId, userId, roleIds, exhaustive = true }) {
    const roles = await rolesOf(admin, realmId, userId);
    return roles && { roleIds: sorted(roles.map(({ id }) => id).filter((id) => exhaustive || roleIds.includes(id))), exhaustive };
  },
  update: (admin, _id, inputs, before) => setRoles(admin, inputs, before),
  async delete(admin, _id, { realmId, userId, roleIds }) {
    const roles = (await rolesOf(admin, realmId, userId)) ?? [];
    await changeRoles(admin, realmId, userId, 'delete', roles.filter(({ id }) => roleIds.includes(id)));
  },
};

async function setRoles(admin: KeycloakAdmin, { realmId, userId, roleIds, exhaustive = true }: Values, before: Values): Promise<void> {
  const there = await rolesOf(admin, realmId, userId);
  if (!there) throw new Error('the realm has no such user. Fix: run refresh, then up');
  const { add, remove } = setDifference(roleIds, there.map(({ id }) => id));
  const wanted = await Promise.all(
    add.map(async (id) => {
      const found = await admin.get(['realms', realmId, 'roles-by-id', id]);
      if (!found) throw new Error(`roleIds: got '${id}'; allowed: ids of roles of the realm. Fix: create the role first, and depend on it`);
      return found;
    }),
  );
  await changeRoles(admin, realmId, userId, 'post', wanted);
  const dropped = remove.filter((id) => exhaustive || before.roleIds?.includes(id));
  await changeRoles(admin, realmId, userId, 'delete', there.filter(({ id }) => dropped.includes(id)));
}

/** Roles of the realm and of each client have a path of their own. */
async function changeRoles(admin: KeycloakAdmin, realmId: string, userId: string, how: 'post' | 'delete', roles: Values[]): Promise<void> {
  const owners = sorted(roles.map(({ clientRole, containerId }) => (clientRole ? containerId : '')));
  for (const owner of owners) {
    const path = ['realms', realmId, 'users', userId, 'role-mappings', ...(owner ? ['clients', owner] : ['realm'])];
    await admin[how](path, roles.filter(({ clientRole, containerId }) => (clientRole ? containerId : '') === owner));
  }
}

async function rolesOf(admin: KeycloakAdmin, realmId: string, userId: string): Promise<Values[] | undefined> {
  const mappings = await admin.get(['realms', realmId, 'users', userId, 'role-mappings']);
  if (!mappings) return undefined;
  const ofClients = Object.values<Values>(mappings.clientMappings ?? {}).flatMap((one) => one.mappings);
  return [...(mappings.realmMappings ?? []), ...ofClients];
}
