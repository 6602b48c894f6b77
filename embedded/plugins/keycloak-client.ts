import { flag, joinedTexts, place, someAttributes, text, textFlag, texts, type KeycloakField } from './keycloak-fields';
import { keycloakObject } from './keycloak-objects';

/** Keycloak keeps most settings of OpenID clients as attributes. */
const attribute = (name: string) => ['attributes', name];

const accessType: KeycloakField = {
  required: true,
  allowed: ['PUBLIC', 'CONFIDENTIAL', 'BEARER-ONLY'],
  write: (type) => ({ publicClient: type === 'PUBLIC', bearerOnly: type === 'BEARER-ONLY' }),
  read: ({ publicClient, bearerOnly }) => (publicClient ? 'PUBLIC' : bearerOnly ? 'BEARER-ONLY' : 'CONFIDENTIAL'),
};

/** `keycloak:openid/client:Client` */
export const client = keycloakObject({
  name: ({ clientId, realmId }) => `client '${clientId}' of the realm '${realmId}'`,
  fields: {
    realmId: place({ required: true }),
    clientId: text('clientId', { required: true }),
    accessType,
    clientSecret: text('secret', { unset: undefined }),
    clientAuthenticatorType: text('clientAuthenticatorType', { initial: 'client-secret', unset: 'client-secret' }),
    name: text('name'),
    description: text('description'),
    enabled: flag('enabled', { initial: true }),
    import: place({ untold: true }),

    standardFlowEnabled: flag('standardFlowEnabled'),
    implicitFlowEnabled: flag('implicitFlowEnabled'),
    directAccessGrantsEnabled: flag('directAccessGrantsEnabled'),
    serviceAccountsEnabled: flag('serviceAccountsEnabled'),
    oauth2DeviceAuthorizationGrantEnabled: textFlag(attribute('oauth2.device.authorization.grant.enabled')),
    oauth2DeviceCodeLifespan: text(attribute('oauth2.device.code.lifespan')),
    oauth2DevicePollingInterval: text(attribute('oauth2.device.polling.interval')),
    standardTokenExchangeEnabled: textFlag(attribute('standard.token.exchange.enabled')),
    allowRefreshTokenInStandardTokenExchange: text(attribute('standard.token.exchange.enableRefreshRequestedTokenType')),
    pkceCodeChallengeMethod: text(attribute('pkce.code.challenge.method'), { allowed: ['plain', 'S256'] }),
    requireDpopBoundTokens: textFlag(attribute('dpop.bound.access.tokens')),

    rootUrl: text('rootUrl'),
    baseUrl: text('baseUrl'),
    adminUrl: text('adminUrl'),
    validRedirectUris: texts('redirectUris'),
    validPostLogoutRedirectUris: joinedTexts(attribute('post.logout.redirect.uris')),
    webOrigins: texts('webOrigins'),
    frontchannelLogoutEnabled: flag('frontchannelLogout'),
    frontchannelLogoutUrl: text(attribute('frontchannel.logout.url')),
    backchannelLogoutUrl: text(attribute('backchannel.logout.url')),
    backchannelLogoutSessionRequired: textFlag(attribute('backchannel.logout.session.required'), { initial: true }),
    backchannelLogoutRevokeOfflineSessions: textFlag(attribute('backchannel.logout.revoke.offline.tokens')),

    accessTokenLifespan: text(attribute('access.token.lifespan')),
    clientSessionIdleTimeout: text(attribute('client.session.idle.timeout')),
    clientSessionMaxLifespan: text(attribute('client.session.max.lifespan')),
    clientOfflineSessionIdleTimeout: text(attribute('client.offline.session.idle.timeout')),
    clientOfflineSessionMaxLifespan: text(attribute('client.offline.session.max.lifespan')),
    useRefreshTokens: textFlag(attribute('use.refresh.tokens'), { initial: true }),
    useRefreshTokensClientCredentials: textFlag(attribute('client_credentials.use_refresh_token')),
    excludeSessionStateFromAuthResponse: textFlag(attribute('exclude.session.state.from.auth.response')),
    excludeIssuerFromAuthResponse: textFlag(attribute('exclude.issuer.from.auth.response')),

    fullScopeAllowed: flag('fullScopeAllowed', { initial: true }),
    consentRequired: flag('consentRequired'),
    consentScreenText: text(attribute('consent.screen.text')),
    displayOnConsentScreen: textFlag(attribute('display.on.consent.screen')),
    alwaysDisplayInConsole: flag('alwaysDisplayInConsole'),
    loginTheme: text(attribute('login_theme')),
    // Keycloak keeps those attributes of a client that a request does not name.
    extraConfig: someAttributes(''),
  },
  computed: ['clientSecret', 'resourceServerId', 'serviceAccountUserId'],
  secrets: [['clientSecret']],
  fixed: { protocol: 'openid-connect' },
  // Mappers are resources of their own, and others may be at work on them.
  apart: ['protocolMappers', 'access'],
  collection: ({ realmId }) => ['realms', realmId, 'clients'],
  find: async (admin, { realmId, clientId }) => (await admin.get(['realms', realmId, 'clients'], { clientId }))?.[0]?.id,

  problems({ accessType: type, standardFlowEnabled, implicitFlowEnabled, serviceAccountsEnabled, validRedirectUris }) {
    const problems: string[] = [];
    if ((standardFlowEnabled || implicitFlowEnabled) && !validRedirectUris?.length) {
      problems.push('validRedirectUris: got none; allowed: at least one with the standard or implicit flow. Fix: name the exact addresses, or switch the flow off');
    }
    if (serviceAccountsEnabled && ['PUBLIC', 'BEARER-ONLY'].includes(type)) {
      problems.push(`serviceAccountsEnabled: got true for a client of type ${type}; allowed: CONFIDENTIAL. Fix: change accessType, or leave it out`);
    }
    return problems;
  },

  async more(admin, { id, serviceAccountsEnabled }, { realmId }) {
    const user = serviceAccountsEnabled ? await admin.get(['realms', realmId, 'clients', id, 'service-account-user']) : undefined;
    return { resourceServerId: '', serviceAccountUserId: user?.id ?? '' };
  },
});
