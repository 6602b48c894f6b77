import { binding, clusterObject } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

export const clusterAdmin: Rule = {
  id: 'cluster-admin',
  title: 'Nobody is bound to cluster-admin, and no one joins system:masters',
  why: 'It reads every secret and changes every rule, this one too.',
  sources: ['CIS 5.1.1, 5.1.7', 'Kyverno restrict-binding-clusteradmin', 'kube-linter cluster-admin-role-binding', 'C-0035'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['ClusterRoleBinding', 'RoleBinding'], ({ roleRef, subjects = [] }) => [
    ...(roleRef.name === 'cluster-admin' ? [{ path: 'roleRef.name', got: 'cluster-admin', fix: 'bind a role with the few rules that are needed' }] : []),
    ...(subjects as any[]).flatMap(({ name }, index) => (name === 'system:masters' ? [{ path: `subjects[${index}]`, got: name, fix: 'remove it' }] : [])),
  ]),
  admission: {
    resources: { 'rbac.authorization.k8s.io': ['rolebindings'] },
    validations: [{
      expression: "object.roleRef.name != 'cluster-admin' && object.?subjects.orValue([]).all(each, each.name != 'system:masters')",
      message: 'Nobody is bound to cluster-admin, and nobody joins system:masters: bind a role with the few rules that are needed.',
    }],
  },
  examples: {
    pass: [[binding('view', 'RoleBinding')]],
    fail: [
      [binding('cluster-admin', 'ClusterRoleBinding')],
      [binding('cluster-admin', 'RoleBinding')],
      [binding('view', 'ClusterRoleBinding', { kind: 'Group', name: 'system:masters' })],
      [binding('view', 'RoleBinding', { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' })],
      [clusterObject('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', { roleRef: { kind: 'ClusterRole', name: 'cluster-admin' } })],
    ],
  },
};
