import { role } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

const reading = ['get', 'list', 'watch', '*'];

export const rbacSecrets: Rule = {
  id: 'rbac-secrets',
  title: 'No role of the cluster reads secrets, and no role reads secrets that it does not name',
  why: 'Every password and token of the platform is a Secret: who lists them is everybody.',
  sources: ['CIS 5.1.2', 'Kyverno restrict-secret-role-verbs', 'kube-linter access-to-secrets', 'C-0015'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Role', 'ClusterRole'], ({ kind, rules }) =>
    ((rules ?? []) as any[]).flatMap(({ verbs = [], resources = [], resourceNames }, index) => {
      const reads = (resources as string[]).some((each) => each === 'secrets' || each === '*') && reading.filter((verb) => verbs.includes(verb)).join(', ');
      const named = kind === 'Role' && resourceNames?.length;
      return reads && !named ? [{ path: `rules[${index}]`, got: `${reads} secrets`, fix: kind === 'Role' ? 'name the Secrets in resourceNames' : 'make it a Role that names the Secrets' }] : [];
    }),
  ),
  examples: {
    pass: [[role({ apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get'] })], [role({ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }, 'ClusterRole')]],
    fail: [
      [role({ apiGroups: [''], resources: ['secrets'], verbs: ['get'] })],
      [role({ apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get'] }, 'ClusterRole')],
      [role({ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['watch'] }, 'ClusterRole')],
    ],
  },
};
