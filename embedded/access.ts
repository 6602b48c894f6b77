import type { KubeObject } from './kube';
import { agentUser, kwokUser } from './pki';

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] };

const read = ['get', 'list', 'watch'];

/** What kwok may do: report on nodes and pods, and remove pods that were deleted. */
export const kwokAccess = access('kwok', kwokUser, [
  { apiGroups: [''], resources: ['nodes'], verbs: read },
  { apiGroups: [''], resources: ['pods'], verbs: [...read, 'patch', 'delete'] },
  { apiGroups: [''], resources: ['nodes/status', 'pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
]);

/** What the agent may do: provide volumes, sign certificates into their Secrets, and serve the gateway's routes. */
export const agentAccess = access('agent', agentUser, [
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: read },
  { apiGroups: [''], resources: ['persistentvolumeclaims/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...read, 'create', 'patch', 'delete'] },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: ['get'] },
  { apiGroups: ['cert-manager.io'], resources: ['certificates'], verbs: read },
  { apiGroups: ['cert-manager.io'], resources: ['certificates/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch'] },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['gateways', 'httproutes'], verbs: read },
  { apiGroups: [''], resources: ['services', 'pods'], verbs: read },
]);

function access(name: string, user: string, rules: Rule[]): KubeObject[] {
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name: `datalab-stacks:${name}` };
  return [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ apiGroup: rbac, kind: 'User', name: user }],
    },
  ];
}
