import { cel, roles } from '../cel';
import { role } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

const writing = ['create', 'update', 'patch', 'delete', 'deletecollection', '*'];

/** Resource → verbs on it by which one gets the rights of others. */
const dangerous: Readonly<Record<string, readonly string[]>> = {
  'nodes/proxy': ['get', 'create', '*'],
  'serviceaccounts/token': ['create', '*'],
  'certificatesigningrequests/approval': ['update', 'patch', '*'],
  mutatingwebhookconfigurations: writing,
  validatingwebhookconfigurations: writing,
  validatingadmissionpolicies: writing,
  validatingadmissionpolicybindings: writing,
  mutatingadmissionpolicies: writing,
  mutatingadmissionpolicybindings: writing,
  persistentvolumes: ['create', '*'],
};

const forbidden = ['escalate', 'bind', 'impersonate'];

export const rbacEscalation: Rule = {
  id: 'rbac-escalation',
  title: 'No role lets its holder take the rights of others',
  why: 'escalate, bind, impersonate, tokens of other service accounts, proxies of nodes, webhooks and raw volumes each lead to cluster-admin.',
  sources: ['CIS 5.1.8, 5.1.10, 5.1.12', 'Kyverno restrict-escalation-verbs-roles, restrict-clusterrole-nodesproxy', 'Kubernetes: RBAC good practices'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Role', 'ClusterRole'], ({ rules }) =>
    ((rules ?? []) as any[]).flatMap(({ verbs = [], resources = [] }, index) => [
      ...(verbs as string[]).filter((verb) => forbidden.includes(verb)).map((verb) => ({ path: `rules[${index}].verbs`, got: verb, fix: 'remove it, or name the exact objects in a waiver' })),
      ...(resources as string[]).filter((resource) => dangerous[resource]?.some((verb) => verbs.includes(verb))).map((resource) => ({ path: `rules[${index}].resources`, got: `${(verbs as string[]).join(', ')} ${resource}`, fix: 'remove it' })),
    ]),
  ),
  admission: {
    resources: roles,
    validations: [{
      expression: `object.?rules.orValue([]).all(rule, !rule.verbs.exists(verb, verb in ${cel(forbidden)}) && [${Object.entries(dangerous).map(([resource, verbs]) => `!(${cel(resource)} in rule.?resources.orValue([]) && rule.verbs.exists(verb, verb in ${cel(verbs)}))`).join(', ')}].all(each, each))`,
      message: `A role lets nobody take the rights of others: remove the verbs ${forbidden.join(', ')}, and rights to change ${Object.keys(dangerous).join(', ')}.`,
    }],
  },
  examples: {
    pass: [[role({ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }, 'ClusterRole')]],
    fail: [
      [role({ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['bind'] }, 'ClusterRole')],
      [role({ apiGroups: [''], resources: ['users'], verbs: ['impersonate'] }, 'ClusterRole')],
      [role({ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] })],
      [role({ apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] }, 'ClusterRole')],
      [role({ apiGroups: ['admissionregistration.k8s.io'], resources: ['mutatingwebhookconfigurations'], verbs: ['patch'] }, 'ClusterRole')],
    ],
  },
};
