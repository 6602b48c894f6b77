import type { KeycloakAdmin } from './keycloak-admin';
import { block, duration, flag, number, place, someAttributes, text, texts, type KeycloakField } from './keycloak-fields';
import { keycloakObject } from './keycloak-objects';
import type { Kind } from './provider-resources';

/** A header that is no longer named goes back to what Keycloak sets by itself. */
const header = (key: string, unset: string) => text(['browserSecurityHeaders', key], { unset });

const headers: KeycloakField = {
  ...block({
    contentSecurityPolicy: header('contentSecurityPolicy', "frame-src 'self'; frame-ancestors 'self'; object-src 'none';"),
    contentSecurityPolicyReportOnly: header('contentSecurityPolicyReportOnly', ''),
    referrerPolicy: header('referrerPolicy', 'no-referrer'),
    strictTransportSecurity: header('strictTransportSecurity', 'max-age=31536000; includeSubDomains'),
    xContentTypeOptions: header('xContentTypeOptions', 'nosniff'),
    xFrameOptions: header('xFrameOptions', 'SAMEORIGIN'),
    xRobotsTag: header('xRobotsTag', 'none'),
    xXssProtection: header('xXSSProtection', '1; mode=block'),
  }),
  unset: {},
};

const bruteForceDetection = block(
  {
    failureResetTimeSeconds: number('maxDeltaTimeSeconds'),
    maxFailureWaitSeconds: number('maxFailureWaitSeconds'),
    maxLoginFailures: number('failureFactor'),
    minimumQuickLoginWaitSeconds: number('minimumQuickLoginWaitSeconds'),
    permanentLockout: flag('permanentLockout'),
    quickLoginCheckMilliSeconds: number('quickLoginCheckMilliSeconds'),
    waitIncrementSeconds: number('waitIncrementSeconds'),
  },
  'bruteForceProtected',
);

const otpPolicy = block({
  algorithm: text('otpPolicyAlgorithm'),
  codeReusable: flag('otpPolicyCodeReusable'),
  digits: number('otpPolicyDigits'),
  initialCounter: number('otpPolicyInitialCounter'),
  lookAheadWindow: number('otpPolicyLookAheadWindow'),
  period: number('otpPolicyPeriod'),
  type: text('otpPolicyType'),
});

const object = keycloakObject({
  name: ({ realm }) => `realm '${realm}'`,
  fields: {
    realm: text('realm', { required: true, replace: true }),
    internalId: text('id', { replace: true }),
    enabled: flag('enabled', { initial: true }),
    displayName: text('displayName'),
    displayNameHtml: text('displayNameHtml'),
    attributes: someAttributes(),
    terraformDeletionProtection: { ...place(), replace: undefined },

    userManagedAccess: flag('userManagedAccessAllowed'),
    organizationsEnabled: flag('organizationsEnabled'),
    adminPermissionsEnabled: flag('adminPermissionsEnabled'),
    registrationAllowed: flag('registrationAllowed'),
    registrationEmailAsUsername: flag('registrationEmailAsUsername'),
    editUsernameAllowed: flag('editUsernameAllowed'),
    resetPasswordAllowed: flag('resetPasswordAllowed'),
    rememberMe: flag('rememberMe'),
    verifyEmail: flag('verifyEmail'),
    loginWithEmailAllowed: flag('loginWithEmailAllowed'),
    duplicateEmailsAllowed: flag('duplicateEmailsAllowed'),
    sslRequired: text('sslRequired', { initial: 'external', unset: 'external', allowed: ['external', 'none', 'all'] }),
    passwordPolicy: text('passwordPolicy'),
    securityDefenses: { ...block({ headers, bruteForceDetection }), unset: {} },
    otpPolicy,

    loginTheme: text('loginTheme'),
    accountTheme: text('accountTheme'),
    adminTheme: text('adminTheme'),
    emailTheme: text('emailTheme'),
    internationalization: block({ defaultLocale: text('defaultLocale'), supportedLocales: texts('supportedLocales') }, 'internationalizationEnabled'),

    defaultSignatureAlgorithm: text('defaultSignatureAlgorithm'),
    revokeRefreshToken: flag('revokeRefreshToken'),
    refreshTokenMaxReuse: number('refreshTokenMaxReuse', { initial: 0 }),
    accessTokenLifespan: duration('accessTokenLifespan'),
    accessTokenLifespanForImplicitFlow: duration('accessTokenLifespanForImplicitFlow'),
    accessCodeLifespan: duration('accessCodeLifespan'),
    accessCodeLifespanLogin: duration('accessCodeLifespanLogin'),
    accessCodeLifespanUserAction: duration('accessCodeLifespanUserAction'),
    actionTokenGeneratedByAdminLifespan: duration('actionTokenGeneratedByAdminLifespan'),
    actionTokenGeneratedByUserLifespan: duration('actionTokenGeneratedByUserLifespan'),
    clientSessionIdleTimeout: duration('clientSessionIdleTimeout'),
    clientSessionMaxLifespan: duration('clientSessionMaxLifespan'),
    offlineSessionIdleTimeout: duration('offlineSessionIdleTimeout'),
    offlineSessionMaxLifespan: duration('offlineSessionMaxLifespan'),
    offlineSessionMaxLifespanEnabled: flag('offlineSessionMaxLifespanEnabled'),
    ssoSessionIdleTimeout: duration('ssoSessionIdleTimeout'),
    ssoSessionIdleTimeoutRememberMe: duration('ssoSessionIdleTimeoutRememberMe'),
    ssoSessionMaxLifespan: duration('ssoSessionMaxLifespan'),
    ssoSessionMaxLifespanRememberMe: duration('ssoSessionMaxLifespanRememberMe'),
    oauth2DeviceCodeLifespan: duration('oauth2DeviceCodeLifespan'),
    oauth2DevicePollingInterval: number('oauth2DevicePollingInterval'),
  },
  computed: ['internalId'],
  collection: () => ['realms'],
  find: async (admin, { realm }) => (await admin.get(['realms', realm])) && realm,
});

/** `keycloak:index/realm:Realm`. Its id is the name of the realm. */
export const realm: Kind<KeycloakAdmin> = {
  ...object,
  async delete(admin, id, inputs) {
    if (inputs.terraformDeletionProtection) throw new Error('it is protected. Fix: set terraformDeletionProtection to false and run up, then delete it');
    await object.delete(admin, id, inputs);
  },
};
