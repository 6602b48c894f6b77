import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { unordered } from '../canonical';
import { list, reference, settingsOf, type Fact } from './fact';

const uris = ['validRedirectUris', 'validPostLogoutRedirectUris', 'webOrigins'];
/** What opens when it is true, and what closes. */
const opens = ['standardFlowEnabled', 'directAccessGrantsEnabled', 'implicitFlowEnabled', 'serviceAccountsEnabled', 'oauth2DeviceAuthorizationGrantEnabled', 'registrationAllowed', 'editUsernameAllowed', 'resetPasswordAllowed', 'rememberMe', 'registrationEmailAsUsername', 'duplicateEmailsAllowed', 'loginWithEmailAllowed'];
const closes = ['consentRequired', 'verifyEmail', 'revokeRefreshToken', 'otpPolicy', 'passwordPolicy', 'webAuthnPolicy'];
const durations = ['accessTokenLifespan', 'accessTokenLifespanForImplicitFlow', 'accessCodeLifespan', 'accessCodeLifespanLogin', 'accessCodeLifespanUserAction', 'actionTokenGeneratedByUserLifespan', 'actionTokenGeneratedByAdminLifespan', 'ssoSessionIdleTimeout', 'ssoSessionMaxLifespan', 'ssoSessionIdleTimeoutRememberMe', 'ssoSessionMaxLifespanRememberMe', 'offlineSessionIdleTimeout', 'offlineSessionMaxLifespan', 'clientSessionIdleTimeout', 'clientSessionMaxLifespan', 'oauth2DeviceCodeLifespan'];
/** To which realm, client or group a thing belongs. */
const references = ['realmId', 'clientId', 'clientScopeId', 'groupId'];
const words = ['displayName', 'displayNameHtml', 'description', 'loginTheme', 'accountTheme', 'adminTheme', 'emailTheme', 'internationalization', 'firstName', 'lastName', 'realm', 'name', ...references];

/** Who gets which token, what is in it, for how long, and where it is sent. */
export function loginFacts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => isProvisioned(object, 'keycloak')).flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata } = object;
    const id = idOf(object);
    const subject = subjectOf(kind, spec, metadata.name);
    const make = (text: string, rest: Partial<Fact> = {}): Fact => ({ topic: 'login', sense: 'permits', text: `${subject}: ${text}`, subjects: [subject], object: id, ...rest });
    const read = [...uris, ...opens, ...closes, ...durations, ...words];
    const rest = (...more: string[]) => settingsOf(object, { topic: 'login', subject, value: spec, known: new RegExp(`^(${[...read, ...more].join('|')})(\\.|\\[|$)`) });
    const common = [
      ...references.filter((field) => spec[field] !== undefined && (kind !== 'Client' || field === 'realmId')).map((field) => make(`belongs to ${field}`, { sense: 'sets', value: String(spec[field]), within: id })),
      ...opens.filter((field) => spec[field] === true).map((field) => make(field)),
      ...closes.filter((field) => spec[field]).map((field) => make(field, { sense: 'guards', value: unordered(spec[field]), within: id })),
      ...durations.filter((field) => spec[field]).map((field) => make(field, { topic: 'limit', value: String(spec[field]), within: id, ...(kind === 'Client' ? { sense: 'sets' } : { amount: secondsOf(String(spec[field])) }) })),
    ];
    switch (kind) {
      case 'Client':
        return [
          ...uris.flatMap((field) => list(spec[field]).map((uri) => make(`${field} ${uri}`, { covers: [subject, field, uri] }))),
          ...(spec.fullScopeAllowed === false ? [] : [make('fullScopeAllowed: tokens carry every role')]),
          ...(spec.pkceCodeChallengeMethod === 'S256' ? [] : [make('login without PKCE')]),
          ...common,
          ...rest('fullScopeAllowed', 'pkceCodeChallengeMethod'),
        ];
      case 'Realm':
        return [
          ...(spec.sslRequired === 'all' ? [] : [make(`TLS is required for ${spec.sslRequired ?? 'external'} only`)]),
          ...(spec.securityDefenses?.bruteForceDetection ? [] : [make('guessing passwords is not slowed down')]),
          ...common,
          ...rest('sslRequired'),
        ];
      case 'RealmUserProfile':
        return [
          make('is declared, and keeps people to it', { sense: 'guards' }),
          ...(spec.unmanagedAttributePolicy === 'DISABLED' ? [] : [make(`attributes beyond the profile: ${spec.unmanagedAttributePolicy ?? 'by default'}`)]),
          ...list(spec.attributes).flatMap(({ name, permissions = {}, validators, ...others }) => [
            ...['edits', 'views'].flatMap((right) => list(permissions[right]).map((who) => make(`${who} ${right} ${name}`))),
            ...list(validators).map((validator) => make(`${name} is checked: ${unordered(validator)}`, { sense: 'guards', within: id })),
            ...settingsOf(object, { topic: 'login', subject: `${subject}: ${name}`, value: others, known: /^(displayName|annotations)/ }),
          ]),
          ...common,
          ...rest('unmanagedAttributePolicy', 'attributes'),
        ];
      case 'Group':
        return [...Object.entries(spec.attributes ?? {}).flatMap(([key, value]) => String(value).split('##').map((each) => make(`members have ${key} ${each}`))), ...common, ...rest('attributes')];
      case 'GroupMemberships':
        return [...list(spec.members).map((member) => make(`${member} is a member`)), ...common, ...rest('members')];
      case 'DefaultGroups':
        return [...list(spec.groupIds).map((group) => make(`everybody is a member of ${reference(group)}`)), ...common, ...rest('groupIds')];
      case 'User':
        return [
          ...(spec.enabled === false ? [] : [make('may log in')]),
          ...['email', 'emailVerified'].map((field) => make(field, { sense: 'sets', value: String(spec[field]), within: id })),
          ...common,
          ...rest('email', 'emailVerified', 'username', 'enabled'),
        ];
      case 'Provider':
        return [...common, ...rest()];
      default:
        return [...common, make(`${kind} with ${Object.keys(spec).filter((key) => !['realmId', 'clientId', 'clientScopeId', 'name'].includes(key)).sort().map((key) => `${key} ${unordered(spec[key])}`).join(', ')}`)];
    }
  });
}

function subjectOf(kind: string, spec: any, name: string): string {
  if (kind === 'Client') return `client ${spec.clientId}`;
  if (kind === 'Realm') return `realm ${spec.realm}`;
  if (/Mapper$/.test(kind)) return `mapper ${spec.name ?? name} of ${reference(spec.clientId ?? spec.clientScopeId ?? '')}`;
  if (kind === 'GroupMemberships') return `group ${reference(spec.groupId ?? name)}`;
  return `${kind.toLowerCase()} ${spec.username ?? spec.name ?? name}`;
}

/** `1h30m` in seconds; what is no duration has no end. */
function secondsOf(duration: string): number {
  const found = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(duration);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = (found ?? []).slice(1).map((part) => Number(part ?? 0));
  return found ? days * 86400 + hours * 3600 + minutes * 60 + seconds : Infinity;
}
