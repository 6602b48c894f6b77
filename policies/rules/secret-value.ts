import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

export const secretValue: Rule = {
  id: 'secret-value',
  title: 'No Secret holds a value in what is rendered',
  why: 'Rendered files are in pull requests and in the logs of their jobs.',
  sources: ['CIS 5.4.1', 'C-0012'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Secret'], ({ data = {}, stringData = {} }) => [
    ...Object.entries(data as Record<string, string>).flatMap(([key, value]) => (value ? [{ path: `data['${key}']`, got: 'a value', fix: 'write a derived secret into stringData' }] : [])),
    ...Object.entries(stringData as Record<string, string>).flatMap(([key, value]) =>
      secretKey.test(key) && !value.includes('${secret:') ? [{ path: `stringData['${key}']`, got: 'a value', fix: 'write a derived secret: ${secret:name@v1}' }] : []),
  ]),
  examples: {
    pass: [[object('v1', 'Secret', { stringData: { user: 'app', password: '${secret:team/app@v1}' } })]],
    fail: [[object('v1', 'Secret', { data: { password: 'aG9yc2U=' } })], [object('v1', 'Secret', { stringData: { password: 'horse' } })], [object('v1', 'Secret', { stringData: { 'tls.key': '-----BEGIN' } })]],
  },
};

/** Keys whose value is a secret; a user name beside it is none. */
const secretKey = /pass|secret|token|key|credential/i;
