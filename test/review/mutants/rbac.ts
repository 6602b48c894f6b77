import { each, kind, type Operator } from './operator';

const rules = each(kind('ClusterRole Role', ['rules']));
const bindings = kind('ClusterRoleBinding RoleBinding');
const listed = kind('ClusterRole Role', ['rules']);
const api = 'rbac.authorization.k8s.io';
const permits = (apiGroup: string, resources: string, verbs: string) => (list: any[]) => list.push({ apiGroups: [apiGroup], resources: resources.split(' '), verbs: verbs.split(' ') });
const to = (kindOf: string, name: string) => (binding: any) => binding.subjects.push({ kind: kindOf, name, apiGroup: api });

/** Who may do what on the API server. */
export const rbac: readonly Operator[] = [
  { id: 'every verb', rule: 'rbac-wildcard', diff: 'security widens rbac', critical: true, at: rules, act: (rule) => { rule.verbs = ['*']; } },
  { id: 'a wildcard among verbs', rule: 'rbac-wildcard', diff: 'security widens rbac', critical: true, at: rules, act: (rule) => rule.verbs.push('*') },
  { id: 'every resource', rule: 'rbac-wildcard', diff: 'security widens rbac', critical: true, at: rules, act: (rule) => { rule.resources = ['*']; } },
  { id: 'every API group', rule: 'rbac-wildcard', diff: 'security widens rbac', critical: true, at: rules, act: (rule) => { rule.apiGroups = ['*']; } },
  { id: 'every subresource', rule: 'rbac-wildcard', diff: 'security widens rbac', at: rules, act: (rule) => { rule.resources = ['*/*']; } },
  { id: 'every path that is no resource', rule: 'rbac-wildcard', diff: 'security widens rbac', at: listed, act: (list) => list.push({ nonResourceURLs: ['*'], verbs: ['get'] }) },
  { id: 'may escalate roles', rule: 'rbac-escalation', diff: 'security widens rbac', critical: true, at: listed, act: permits(api, 'clusterroles', 'escalate') },
  { id: 'may bind any role', rule: 'rbac-escalation', diff: 'security widens rbac', critical: true, at: listed, act: permits(api, 'clusterroles roles', 'bind') },
  { id: 'may impersonate', rule: 'rbac-escalation', diff: 'security widens rbac', critical: true, at: listed, act: permits('', 'users groups', 'impersonate') },
  { id: 'mints tokens of others', rule: 'rbac-escalation', diff: 'security widens rbac', at: listed, act: permits('', 'serviceaccounts/token', 'create') },
  { id: 'approves certificates', rule: 'rbac-escalation', diff: 'security widens rbac', at: listed, act: permits('certificates.k8s.io', 'certificatesigningrequests/approval', 'update') },
  { id: 'lists secrets', rule: 'rbac-secrets', diff: 'security widens rbac', critical: true, at: listed, act: permits('', 'secrets', 'list') },
  { id: 'watches secrets', rule: 'rbac-secrets', diff: 'security widens rbac', at: listed, act: permits('', 'configmaps secrets', 'watch') },
  { id: 'enters pods', rule: 'rbac-exec', diff: 'security widens rbac', at: listed, act: permits('', 'pods/exec', 'create') },
  { id: 'attaches to pods', rule: 'rbac-exec', diff: 'security widens rbac', at: listed, act: permits('', 'pods/attach pods/portforward', 'get') },
  { id: 'talks to kubelets', diff: 'security widens rbac', at: listed, act: permits('', 'nodes/proxy', 'get') },
  { id: 'creates pods', diff: 'security widens rbac', at: listed, act: permits('', 'pods', 'create') },
  { id: 'removes admission policies', diff: 'security widens rbac', at: listed, act: permits('admissionregistration.k8s.io', 'validatingadmissionpolicybindings', 'delete') },
  { id: 'removes network policies', diff: 'security widens rbac', at: listed, act: permits('networking.k8s.io', 'networkpolicies', 'deletecollection') },
  { id: 'names of resources dropped', diff: 'security widens rbac', at: each(kind('ClusterRole', ['rules']), (rule) => rule.resourceNames), act: (rule) => { delete rule.resourceNames; } },
  { id: 'a name of a resource more', diff: 'security widens rbac', at: each(kind('ClusterRole', ['rules']), (rule) => rule.resourceNames), act: (rule) => rule.resourceNames.push('cluster-admin') },
  { id: 'becomes part of the role of everybody', diff: 'security widens rbac', at: kind('ClusterRole', ['metadata', 'labels']), act: (labels) => { labels[`${api}/aggregate-to-view`] = 'true'; } },
  { id: 'gathers the rules of others', diff: 'security widens rbac', at: kind('ClusterRole'), act: (role) => { role.aggregationRule = { clusterRoleSelectors: [{ matchLabels: { 'app.kubernetes.io/part-of': 'datalab' } }] }; } },
  { id: 'bound to all who log in', rule: 'rbac-everybody', diff: 'security widens rbac', critical: true, at: bindings, act: to('Group', 'system:authenticated') },
  { id: 'bound to all service accounts', rule: 'rbac-everybody', diff: 'security widens rbac', critical: true, at: bindings, act: to('Group', 'system:serviceaccounts') },
  { id: 'bound to service accounts of a namespace', rule: 'rbac-everybody', diff: 'security widens rbac', at: bindings, act: to('Group', 'system:serviceaccounts:projet-ape') },
  { id: 'bound to the anonymous', rule: 'rbac-everybody', diff: 'security widens rbac', critical: true, at: bindings, act: to('User', 'system:anonymous') },
  { id: 'bound to one more person', diff: 'security widens rbac', at: bindings, act: to('User', 'oidc-mallory') },
  { id: 'bound to another service account', diff: 'security widens rbac', at: each(kind('ClusterRoleBinding RoleBinding', ['subjects']), ({ kind: of }) => of === 'ServiceAccount'), act: (subject) => { subject.name = 'default'; } },
  { id: 'bound to a group of that name', diff: 'security widens rbac', at: each(kind('ClusterRoleBinding RoleBinding', ['subjects']), ({ kind: of }) => of === 'User'), act: (subject) => { subject.kind = 'Group'; } },
  { id: 'joins the masters', rule: 'cluster-admin', diff: 'security widens rbac', at: bindings, act: to('Group', 'system:masters') },
  { id: 'admin of the namespace becomes that of the cluster', rule: 'cluster-admin', diff: 'security widens rbac', critical: true, at: kind('RoleBinding'), act: (binding) => { binding.roleRef.name = 'cluster-admin'; } },
  {
    id: 'cluster-admin for a service account', rule: 'cluster-admin', diff: 'security widens rbac', critical: true, at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => add({
      apiVersion: `${api}/v1`, kind: 'ClusterRoleBinding', metadata: { name: `${metadata.name}-helper` }, roleRef: { apiGroup: api, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace }],
    }),
  },
  {
    id: 'view of the whole cluster', diff: 'security widens rbac', at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => add({
      apiVersion: `${api}/v1`, kind: 'ClusterRoleBinding', metadata: { name: `${metadata.name}-view` }, roleRef: { apiGroup: api, kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace }],
    }),
  },
  { id: 'debugs pods', rule: 'rbac-exec', diff: 'security widens rbac', at: listed, act: permits('', 'pods/ephemeralcontainers', 'patch') },
  { id: 'the role of nodes', diff: 'security widens rbac', at: kind('ClusterRoleBinding'), act: ({ roleRef }) => { roleRef.name = 'system:node'; } },
  {
    id: 'secrets of the cluster by a role elsewhere', rule: 'rbac-secrets', diff: 'security widens rbac', at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => {
      add({ apiVersion: `${api}/v1`, kind: 'Role', metadata: { name: 'helper', namespace: 'kube-system' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] });
      add({ apiVersion: `${api}/v1`, kind: 'RoleBinding', metadata: { name: 'helper', namespace: 'kube-system' }, roleRef: { apiGroup: api, kind: 'Role', name: 'helper' }, subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace }] });
    },
  },
];
