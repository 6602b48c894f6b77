import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

const forbidden = 'kubernetes.io/service-account-token';

export const longLivedToken: Rule = {
  id: 'long-lived-token',
  title: 'No token of a service account is without end',
  why: 'Such a token is a static credential: whoever copies it once has it for ever.',
  sources: ['Kubernetes: manually created tokens of service accounts', 'NSA/CISA authentication and authorization'],
  severity: 'high',
  mandatory: everywhere,
  check: eachOf(['Secret'], ({ type }) => type === forbidden && { path: 'type', got: type, fix: 'use a projected token: it ends' }),
  admission: {
    resources: { '': ['secrets'] },
    validations: [{
      expression: `object.?type.orValue('') != '${forbidden}'`,
      message: 'Tokens that never end are not given out: use `kubectl create token`, or a projected token in the pod.',
    }],
  },
  examples: {
    pass: [[object('v1', 'Secret', { type: 'Opaque' })], [object('v1', 'Secret')]],
    fail: [[object('v1', 'Secret', { type: forbidden }, { annotations: { 'kubernetes.io/service-account.name': 'app' } })]],
  },
};
