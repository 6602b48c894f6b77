import type { KeycloakAdmin } from './keycloak-admin';
import { place, sorted } from './keycloak-fields';
import type { Kind } from './provider-resources';
import { isObject, mapValues, withoutNulls, type Values } from './provider-values';

/** `keycloak:index/realmUserProfile:RealmUserProfile`: which attributes users have, and who may see and change them. */
export const realmUserProfile: Kind<KeycloakAdmin> = {
  name: ({ realmId }) => `user profile of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    attributes: { canonical: (list: Values[]) => list.map(fromAttribute).map(toAttribute) },
    groups: {},
    unmanagedAttributePolicy: { allowed: ['DISABLED', 'ENABLED', 'ADMIN_VIEW', 'ADMIN_EDIT'] },
  },
  async create(admin, inputs) {
    await put(admin, inputs);
    return inputs.realmId;
  },
  async read(admin, _id, { realmId }) {
    const profile = await admin.get(['realms', realmId, 'users', 'profile']);
    if (!profile) return undefined;
    return {
      attributes: (profile.attributes ?? []).map(toAttribute),
      groups: (profile.groups ?? []).map(({ annotations, ...group }: Values) => withoutNulls({ ...group, annotations: annotations && asTexts(annotations) })),
      unmanagedAttributePolicy: profile.unmanagedAttributePolicy ?? 'DISABLED',
    };
  },
  update: (admin, _id, inputs) => put(admin, inputs),
  // A realm always has a profile, and Keycloak insists on these two attributes.
  delete: (admin, _id, { realmId }) => put(admin, { realmId, attributes: [{ name: 'username' }, { name: 'email' }] }),
};

async function put(admin: KeycloakAdmin, { realmId, attributes = [], groups = [], unmanagedAttributePolicy }: Values): Promise<void> {
  await admin.put(['realms', realmId, 'users', 'profile'], {
    attributes: attributes.map(fromAttribute),
    groups: groups.map(({ annotations, ...group }: Values) => ({ ...group, annotations: annotations && asValues(annotations) })),
    unmanagedAttributePolicy: unmanagedAttributePolicy === 'DISABLED' ? undefined : unmanagedAttributePolicy,
  });
}

/** Pulumi's words for an attribute in Keycloak's. */
function fromAttribute({ name, displayName, group, defaultValue, multiValued, enabledWhenScopes, requiredForRoles, requiredForScopes, permissions, validators, annotations }: Values): Values {
  const required = requiredForRoles || requiredForScopes ? { roles: requiredForRoles ?? [], scopes: requiredForScopes ?? [] } : undefined;
  return {
    name,
    displayName,
    group,
    defaultValue,
    multivalued: multiValued ?? false,
    selector: enabledWhenScopes && { scopes: enabledWhenScopes },
    required,
    permissions: permissions && { view: permissions.views, edit: permissions.edits },
    validations: validators && Object.fromEntries(validators.map((one: Values) => [one.name, asValues(one.config ?? {})])),
    annotations: annotations && asValues(annotations),
  };
}

function toAttribute({ name, displayName, group, defaultValue, multivalued, selector, required, permissions, validations, annotations }: Values): Values {
  const set = (values: string[] | undefined) => (values?.length ? sorted(values) : undefined);
  return withoutNulls({
    name,
    displayName,
    group,
    defaultValue,
    multiValued: multivalued,
    enabledWhenScopes: set(selector?.scopes),
    requiredForRoles: set(required?.roles),
    requiredForScopes: set(required?.scopes),
    permissions: permissions && { views: sorted(permissions.view ?? []), edits: sorted(permissions.edit ?? []) },
    validators: validations && sorted(Object.keys(validations)).map((one) => ({ name: one, config: asTexts(validations[one]) })),
    annotations: annotations && asTexts(annotations),
  });
}

/** Pulumi knows maps of texts only, where Keycloak has lists, numbers and objects too. */
function asTexts(values: Values): Values {
  return mapValues(values, (value) => (isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)));
}

function asValues(values: Values): Values {
  return mapValues(values, (value) => (/^[[{]/.test(value) ? JSON.parse(value) : value));
}
