import type { AdminPath, KeycloakAdmin } from './keycloak-admin';
import { merged, readFields, representationOf, type KeycloakFields } from './keycloak-fields';
import type { Kind } from './provider-resources';
import { withoutNulls, type Values } from './provider-values';

export interface KeycloakObject extends Omit<Kind<KeycloakAdmin>, 'create' | 'read' | 'update' | 'delete' | 'find'> {
  readonly fields: KeycloakFields;
  /** Where objects of this kind are created. */
  collection(inputs: Values): AdminPath;
  /** @default `<collection>/<id>` */
  object?(inputs: Values, id: string): AdminPath;
  find(admin: KeycloakAdmin, inputs: Values): Promise<string | undefined>;
  /** What the representation says for every object of this kind. */
  readonly fixed?: Values;
  /** Parts of the representation that are kept by calls of their own, and must not be sent back. */
  readonly apart?: readonly string[];
  /** Outputs that take calls of their own. */
  more?(admin: KeycloakAdmin, representation: Values, inputs: Values): Promise<Values>;
}

/** A kind of object that Keycloak keeps under an id, as one JSON representation. */
export function keycloakObject(object: KeycloakObject): Kind<KeycloakAdmin> {
  const { fields, fixed = {}, apart = [] } = object;
  const path = (inputs: Values, id: string) => object.object?.(inputs, id) ?? [...object.collection(inputs), id];
  return {
    ...object,

    async create(admin, inputs) {
      await admin.post(object.collection(inputs), merged(representationOf(fields, inputs), fixed));
      const id = await object.find(admin, inputs);
      if (id === undefined) throw new Error('Keycloak took it, but has it not');
      return id;
    },

    async read(admin, id, inputs) {
      const representation = await admin.get(path(inputs, id));
      if (!representation) return undefined;
      return { ...readFields(fields, representation, inputs), ...(await object.more?.(admin, representation, inputs)) };
    },

    async update(admin, id, inputs, before) {
      const live = await admin.get(path(inputs, id));
      if (!live) throw new Error('it is not there any more. Fix: run refresh, then up');
      const rest = Object.fromEntries(Object.entries(live).filter(([key]) => !apart.includes(key)));
      const wanted = merged(rest, representationOf(fields, inputs, before, live));
      await admin.put(path(inputs, id), withoutNulls(merged(wanted, fixed)));
    },

    delete: (admin, id, inputs) => admin.delete(path(inputs, id)),
  };
}

/** What has to be added to and removed from a set on the server. */
export function setDifference(wanted: readonly string[], there: readonly string[]): { add: string[]; remove: string[] } {
  return { add: wanted.filter((one) => !there.includes(one)), remove: there.filter((one) => !wanted.includes(one)) };
}
