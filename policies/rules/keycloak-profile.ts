import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, told, type Place } from '../tree';

const profile = (unmanagedAttributePolicy: string | undefined, edits: string[] = ['admin']) =>
  provisioned('keycloak', 'RealmUserProfile', { unmanagedAttributePolicy, attributes: [{ name: 'username', permissions: { edits } }] });

export const keycloakProfile: Rule = {
  id: 'keycloak-profile',
  title: 'People cannot give themselves attributes that tokens carry',
  why: 'The claim `policy` is an attribute: whoever edits theirs chooses their own rights in the object store.',
  sources: ['Keycloak: user profile, unmanaged attributes'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachProvisioned('keycloak', ['RealmUserProfile'], ({ unmanagedAttributePolicy, attributes = [] }): Place[] => [
    ...([undefined, 'ENABLED'].includes(unmanagedAttributePolicy) ? [{ path: 'unmanagedAttributePolicy', got: told(unmanagedAttributePolicy), fix: "set it to 'DISABLED'" }] : []),
    ...(attributes as any[]).flatMap(({ name, permissions }, index) =>
      ['username', 'email', 'policy'].includes(name) && permissions?.edits?.includes('user') ? [{ path: `attributes[${index}].permissions.edits`, got: `user, for ${name}`, fix: "leave 'admin' alone" }] : []),
  ]),
  examples: { pass: [[profile('DISABLED')], [profile('ADMIN_VIEW')]], fail: [[profile(undefined)], [profile('ENABLED')], [profile('DISABLED', ['admin', 'user'])]] },
};
