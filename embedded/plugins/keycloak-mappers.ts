import { place, text, textFlag, type KeycloakFields } from './keycloak-fields';
import { keycloakObject } from './keycloak-objects';
import type { Values } from './provider-values';

const config = (key: string) => ['config', key];

const addToIdToken = textFlag(config('id.token.claim'), { initial: true });
const addToAccessToken = textFlag(config('access.token.claim'), { initial: true });
const addToUserinfo = textFlag(config('userinfo.token.claim'), { initial: true });
const addToTokenIntrospection = textFlag(config('introspection.token.claim'), { initial: true });
const claimName = text(config('claim.name'), { required: true });
const claimValueType = text(config('jsonType.label'), { initial: 'String', unset: 'String', allowed: ['String', 'long', 'int', 'boolean', 'JSON'] });
const multivalued = textFlag(config('multivalued'));

/** `keycloak:openid/groupMembershipProtocolMapper:GroupMembershipProtocolMapper` */
export const groupMembershipMapper = mapper('oidc-group-membership-mapper', {
  addToIdToken,
  addToAccessToken,
  addToUserinfo,
  addToTokenIntrospection,
  claimName,
  fullPath: textFlag(config('full.path'), { initial: true }),
});

/** `keycloak:openid/audienceProtocolMapper:AudienceProtocolMapper` */
export const audienceMapper = mapper('oidc-audience-mapper', {
  addToIdToken,
  addToAccessToken,
  addToTokenIntrospection,
  includedClientAudience: text(config('included.client.audience')),
  includedCustomAudience: text(config('included.custom.audience')),
});

/** `keycloak:openid/userAttributeProtocolMapper:UserAttributeProtocolMapper` */
export const userAttributeMapper = mapper('oidc-usermodel-attribute-mapper', {
  addToIdToken,
  addToAccessToken,
  addToUserinfo,
  addToTokenIntrospection,
  userAttribute: text(config('user.attribute'), { required: true }),
  claimName,
  claimValueType,
  multivalued,
  aggregateAttributes: textFlag(config('aggregate.attrs')),
});

/** `keycloak:openid/userRealmRoleProtocolMapper:UserRealmRoleProtocolMapper` */
export const userRealmRoleMapper = mapper('oidc-usermodel-realm-role-mapper', {
  addToIdToken,
  addToAccessToken,
  addToUserinfo,
  addToTokenIntrospection,
  claimName,
  claimValueType,
  multivalued,
  realmRolePrefix: text(config('usermodel.realmRoleMapping.rolePrefix')),
});

/** `keycloak:openid/hardcodedClaimProtocolMapper:HardcodedClaimProtocolMapper` */
export const hardcodedClaimMapper = mapper('oidc-hardcoded-claim-mapper', {
  addToIdToken,
  addToAccessToken,
  addToUserinfo,
  claimName,
  claimValue: text(config('claim.value'), { required: true }),
  claimValueType,
});

function mapper(protocolMapper: string, fields: KeycloakFields) {
  const models = ({ realmId, clientId, clientScopeId }: Values) => {
    const owner = clientId ? ['clients', clientId] : ['client-scopes', clientScopeId];
    return ['realms', realmId, ...owner, 'protocol-mappers', 'models'];
  };
  return keycloakObject({
    name: ({ name, realmId }) => `mapper '${name}' of the realm '${realmId}'`,
    fields: { name: text('name', { required: true }), realmId: place({ required: true }), clientId: place(), clientScopeId: place(), ...fields },
    fixed: { protocol: 'openid-connect', protocolMapper },
    collection: models,
    async find(admin, inputs) {
      const all: Values[] = (await admin.get(models(inputs))) ?? [];
      return all.find(({ name }) => name === inputs.name)?.id;
    },
    problems({ clientId, clientScopeId }) {
      if (Boolean(clientId) !== Boolean(clientScopeId)) return [];
      return [`clientId, clientScopeId: got ${clientId ? 'both' : 'neither'}; allowed: one of them. Fix: name what the mapper belongs to`];
    },
  });
}
