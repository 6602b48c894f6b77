import { readFileSync } from 'node:fs';
import { KeycloakAdmin, type KeycloakLogin } from './keycloak-admin';
import { client } from './keycloak-client';
import { audienceMapper, groupMembershipMapper, hardcodedClaimMapper, userAttributeMapper, userRealmRoleMapper } from './keycloak-mappers';
import { defaultGroups, groupMemberships, userRoles } from './keycloak-memberships';
import { group, role, user } from './keycloak-people';
import { realmUserProfile } from './keycloak-profile';
import { realm } from './keycloak-realm';
import { agentsOf, type Access } from './provider-http';
import { ServerResources, type Kind } from './provider-resources';
import { serveProvider, type ResourceProvider, type RunningProvider } from './provider-server';
import { settingsOf } from './provider-settings';
import type { Properties } from './provider-values';

export interface KeycloakPluginOptions extends Access {
  /** Take over objects that exist already. @default false */
  readonly adopt?: boolean;
  /** URNs of resources whose creation was interrupted: what exists of them is taken over. @default none */
  readonly interrupted?: ReadonlySet<string>;
}

const kinds: Record<string, Kind<KeycloakAdmin>> = {
  'keycloak:index/realm:Realm': realm,
  'keycloak:index/realmUserProfile:RealmUserProfile': realmUserProfile,
  'keycloak:openid/client:Client': client,
  'keycloak:openid/audienceProtocolMapper:AudienceProtocolMapper': audienceMapper,
  'keycloak:openid/groupMembershipProtocolMapper:GroupMembershipProtocolMapper': groupMembershipMapper,
  'keycloak:openid/hardcodedClaimProtocolMapper:HardcodedClaimProtocolMapper': hardcodedClaimMapper,
  'keycloak:openid/userAttributeProtocolMapper:UserAttributeProtocolMapper': userAttributeMapper,
  'keycloak:openid/userRealmRoleProtocolMapper:UserRealmRoleProtocolMapper': userRealmRoleMapper,
  'keycloak:index/group:Group': group,
  'keycloak:index/defaultGroups:DefaultGroups': defaultGroups,
  'keycloak:index/groupMemberships:GroupMemberships': groupMemberships,
  'keycloak:index/role:Role': role,
  'keycloak:index/user:User': user,
  'keycloak:index/userRoles:UserRoles': userRoles,
};

/** The stand-in for the Pulumi plugin `keycloak`: the engine attaches to it with PULUMI_DEBUG_PROVIDERS=keycloak:PORT. */
export async function startKeycloakPlugin(options: KeycloakPluginOptions = {}): Promise<RunningProvider> {
  const official = JSON.parse(readFileSync(require.resolve('@pulumi/keycloak/package.json'), 'utf8')) as { version: string };
  return serveProvider({ name: 'keycloak', version: official.version, identity: [], configure: (config) => keycloakResources(config, options) });
}

/** `initialLogin` and `clientTimeout` have no effect: the login is at the first request, and none is given up early. */
const accepted = ['url', 'realm', 'clientId', 'username', 'password', 'initialLogin', 'clientTimeout', 'rootCaCertificate'];

function keycloakResources(config: Properties, { adopt = false, interrupted, addresses, ca }: KeycloakPluginOptions): ResourceProvider {
  const settings = settingsOf('keycloak', config, accepted);
  const authorities = [ca, settings.optional('rootCaCertificate')].filter(Boolean).join('\n');
  const agents = agentsOf({ addresses, ca: authorities || undefined });
  const login = (): KeycloakLogin => ({
    url: settings.required('url'),
    realm: settings.optional('realm') ?? 'master',
    clientId: settings.required('clientId'),
    username: settings.required('username'),
    password: settings.required('password'),
  });
  return new ServerResources({ plugin: 'keycloak', kinds, server: new KeycloakAdmin(login, agents), adopt, interrupted });
}
