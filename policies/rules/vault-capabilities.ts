import { provisioned } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachProvisioned, type Place } from '../tree';
import { pathsOf } from '../vault-policy';

const policy = (text: string) => provisioned('vault', 'Policy', { name: 'example', policy: text });

export const vaultCapabilities: Rule = {
  id: 'vault-capabilities',
  title: 'Vault policies hold no sudo and no path of everything, and touch neither sys/ nor auth/',
  why: 'sudo on sys/raw or a write to sys/policies is root; a path of one star is every secret.',
  sources: ['Vault production hardening'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachProvisioned('vault', ['Policy'], (spec): Place[] =>
    pathsOf(spec.policy).flatMap(({ path, capabilities }) => [
      ...(capabilities.includes('sudo') || capabilities.includes('root') ? [{ path: `policy '${path}'`, got: 'sudo', fix: 'remove it' }] : []),
      ...(/^[*+]|^[^/]*\*/.test(path) ? [{ path: `policy '${path}'`, got: path, fix: 'name the mount and the path' }] : []),
      ...(/^(sys|auth|identity|cubbyhole)\//.test(path) && !harmless.test(path) && capabilities.some((each) => each !== 'deny') ? [{ path: `policy '${path}'`, got: `${capabilities.join(', ')} ${path}`, fix: 'remove it' }] : []),
    ])),
  examples: {
    pass: [
      [policy('path "onyxia-kv/data/user-{{identity.entity.aliases.a.name}}/*" { capabilities = ["read"] }')],
      [policy('path "auth/token/lookup-self" { capabilities = ["read"] }')],
      [policy('path "sys/*" { capabilities = ["deny"] }')],
    ],
    fail: ['path "*" { capabilities = ["read"] }', 'path "onyxia-kv/*" { capabilities = ["read", "sudo"] }', 'path "sys/policies/acl/*" { capabilities = ["update"] }', 'path "auth/jwt/role/a" { capabilities = ["create"] }', 'path "onyxia*" { capabilities = ["read"] }'].map((text) => [policy(text)]),
  },
};

/** What each token may do with itself, as Vault's own default policy. */
const harmless = /^(auth\/token\/(lookup|renew|revoke)-self|sys\/capabilities-self|sys\/internal\/ui\/.*)$/;
