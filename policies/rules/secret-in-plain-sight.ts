import { object, podWith } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachContainer, eachOf, type Place } from '../tree';

const named = /(^|_)(PASSWORD|PASSWD|SECRET|SECRET_KEY|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|PRIVATE_KEY|CREDENTIALS)$/i;
const shaped = /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bhvs\.[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|:\/\/[^/\s:@$]+:[^/\s:@${]+@/;
const assigned = /(password|passwd|secret|token|api-?key)[=:]\s*[^\s${%<]{4,}/i;
const member = /"(\w*_)?(password|passwd|secret|token|api_?key)"\s*:\s*"[^"\s${%<]{4,}"/i;
const fix = 'put it into a Secret and refer to its key';

const containers = eachContainer(({ env = [], args = [], command = [] }) => [
  ...(env as any[]).flatMap(({ name, value }, index) =>
    value && ((named.test(name) && !/^(\/|https?:\/\/|\$\()/.test(value) && !/^(true|false|\d+)$/.test(value)) || shaped.test(value)) ? [{ path: `env[${index}].value`, got: `${name} in the manifest`, fix }] : []),
  ...[...(command as string[]), ...(args as string[])].flatMap((text, index): Place[] => (shaped.test(text) || assigned.test(text) ? [{ path: `args[${index}]`, got: 'what looks like a password', fix }] : [])),
]);
const configMaps = eachOf(['ConfigMap'], ({ data = {} }) =>
  Object.entries(data as Record<string, string>).flatMap(([key, text]) =>
    shaped.test(text) || member.test(text) || (named.test(key) && text.trim()) ? [{ path: `data['${key}']`, got: 'what looks like a secret', fix }] : []));

export const secretInPlainSight: Rule = {
  id: 'secret-in-plain-sight',
  title: 'No secret stands in the environment, the arguments or a ConfigMap',
  why: 'Whoever may read manifests, reviews or logs has it.',
  sources: ['CIS 5.4.1', 'kube-linter env-var-secret', 'Polaris sensitiveContainerEnvVar, sensitiveConfigmapContent', 'C-0012'],
  severity: 'critical',
  mandatory: everywhere,
  check: (objects: readonly Manifest[]) => [...containers(objects), ...configMaps(objects)],
  examples: {
    pass: [
      [podWith({ env: [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }] })],
      [podWith({ env: [{ name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/token' }, { name: 'VAULT_TOKEN', value: '' }] })],
      [object('v1', 'ConfigMap', { data: { 'app.conf': 'password_encryption = scram-sha-256' } })],
    ],
    fail: [
      [podWith({ env: [{ name: 'DB_PASSWORD', value: 'correct-horse' }] })],
      [podWith({ env: [{ name: 'DATABASE_URL', value: 'postgresql://app:horse@db/app' }] })],
      [podWith({ args: ['--password=correct-horse'] })],
      [object('v1', 'ConfigMap', { data: { key: '-----BEGIN PRIVATE KEY-----\nMIIE' } })],
    ],
  },
};
