import { binding } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

export const rbacEverybody: Rule = {
  id: 'rbac-everybody',
  title: 'No role is bound to everybody, to the anonymous, or to all service accounts',
  why: 'Any pod of any person, or anybody who reaches the API server, would have it.',
  sources: ['Kubernetes: RBAC good practices', 'CIS 5.1.1', 'kube-linter access-to-create-pods'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['ClusterRoleBinding', 'RoleBinding'], ({ subjects = [] }) =>
    (subjects as any[]).flatMap(({ kind, name }, index) =>
      (kind === 'Group' && /^system:(unauthenticated|authenticated|serviceaccounts(:.*)?)$/.test(name)) || (kind === 'User' && name === 'system:anonymous')
        ? [{ path: `subjects[${index}]`, got: name, fix: 'name the service account or the group of people' }]
        : [],
    ),
  ),
  admission: { by: '`datalab-role-bindings`: own service accounts' },
  examples: {
    pass: [[binding('view', 'RoleBinding')], [binding('view', 'RoleBinding', { kind: 'Group', name: 'oidc-team' })]],
    fail: ['system:unauthenticated', 'system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:team'].map((name) => [binding('view', 'ClusterRoleBinding', { kind: 'Group', name })]),
  },
};
