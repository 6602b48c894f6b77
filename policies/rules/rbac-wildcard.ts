import { roles } from '../cel';
import { role } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

const fields = ['verbs', 'resources', 'apiGroups', 'nonResourceURLs'];

export const rbacWildcard: Rule = {
  id: 'rbac-wildcard',
  title: 'Roles name their verbs, resources and API groups',
  why: 'A wildcard grants what will be invented later too.',
  sources: ['CIS 5.1.3', 'Kyverno restrict-wildcard-verbs, restrict-wildcard-resources', 'kube-linter wildcard-in-rules'],
  severity: 'high',
  mandatory: everywhere,
  check: eachOf(['Role', 'ClusterRole'], ({ rules }) =>
    ((rules ?? []) as any[]).flatMap((rule, index) =>
      fields.flatMap((field) =>
        ((rule[field] ?? []) as string[]).some((each) => each === '*' || each === '*/*') ? [{ path: `rules[${index}].${field}`, got: '*', fix: 'name them' }] : [],
      ),
    ),
  ),
  admission: {
    resources: roles,
    validations: [{
      expression: `object.?rules.orValue([]).all(rule, [${fields.map((field) => `rule.?${field}.orValue([])`).join(', ')}].all(list, !list.exists(each, each == '*' || each == '*/*')))`,
      message: 'A role names its verbs, resources and API groups: replace * by what is needed.',
    }],
  },
  examples: {
    pass: [[role({ apiGroups: [''], resources: ['pods'], verbs: ['get'] })]],
    fail: [
      [role({ apiGroups: [''], resources: ['pods'], verbs: ['*'] })],
      [role({ apiGroups: [''], resources: ['*'], verbs: ['get'] }, 'ClusterRole')],
      [role({ apiGroups: ['*'], resources: ['pods'], verbs: ['get'] })],
      [role({ nonResourceURLs: ['*'], verbs: ['get'] }, 'ClusterRole')],
    ],
  },
};
