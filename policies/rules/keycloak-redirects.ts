import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, told, type Place } from '../tree';

const client = (spec: object) => provisioned('keycloak', 'Client', { standardFlowEnabled: true, ...spec });

export const keycloakRedirects: Rule = {
  id: 'keycloak-redirects',
  title: 'Login sends people back to exact https addresses, and to no other',
  why: 'Through a wildcard the code of a login, and with it the person, is sent to whoever has a page below it.',
  sources: ['RFC 9700 (OAuth 2.0 security) §2.1, §4.1', 'RFC 8252 §7.3: a port of 127.0.0.1 for command lines'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachProvisioned('keycloak', ['Client'], ({ validRedirectUris = [], validPostLogoutRedirectUris = [], webOrigins = [] }): Place[] => [
    ...[['validRedirectUris', validRedirectUris], ['validPostLogoutRedirectUris', validPostLogoutRedirectUris]].flatMap(([field, uris]) =>
      (uris as string[]).flatMap((uri, index) => (isExact(uri) ? [] : [{ path: `${field}[${index}]`, got: told(uri), fix: 'name the exact https address' }]))),
    ...(webOrigins as string[]).flatMap((origin, index) => (origin === '*' || origin.includes('*') ? [{ path: `webOrigins[${index}]`, got: origin, fix: 'name the origin' }] : [])),
  ]),
  examples: {
    pass: [[client({ validRedirectUris: ['https://a.example.org/callback'], webOrigins: ['https://a.example.org'] })], [client({ validRedirectUris: ['http://127.0.0.1:8250/callback'] })]],
    fail: [
      ...['https://a.example.org/*', '*', 'http://a.example.org/callback', 'https://*.example.org/', '/callback', '+'].map((uri) => [client({ validRedirectUris: [uri] })]),
      [client({ validPostLogoutRedirectUris: ['https://a.example.org/*'] })],
      [client({ webOrigins: ['*'] })],
    ],
  },
};

function isExact(uri: string): boolean {
  return !uri.includes('*') && (uri.startsWith('https://') || /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+\//.test(uri));
}
