import { cel, roles } from '../cel';
import { role } from '../examples';
import type { Rule } from '../rule';
import { eachOf } from '../tree';

const ways = ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers', 'pods/proxy', 'services/proxy'];

const verbsToEnter = ['create', 'get', 'patch', 'update', '*'];

export const rbacExec: Rule = {
  id: 'rbac-exec',
  title: 'No role of the platform enters pods',
  why: "Entering a pod is reading its data with its identity; no audit log shows what was read.",
  sources: ['Kyverno block-pod-exec-by-namespace-label, block-ephemeral-containers', 'Polaris rolePodExecAttach', 'C-0002, C-0063', 'StatCan KUBE-GK-04'],
  severity: 'high',
  mandatory: ['confidential'],
  check: eachOf(['Role', 'ClusterRole'], ({ rules }) =>
    ((rules ?? []) as any[]).flatMap(({ resources = [], verbs = [] }, index) =>
      (verbs as string[]).some((verb) => verbsToEnter.includes(verb))
        ? (resources as string[]).filter((resource) => ways.includes(resource)).map((resource) => ({ path: `rules[${index}].resources`, got: resource, fix: 'remove it' }))
        : [],
    ),
  ),
  admission: {
    resources: roles,
    validations: [{
      expression: `object.?rules.orValue([]).all(rule, !rule.verbs.exists(verb, verb in ${cel(verbsToEnter)}) || !rule.?resources.orValue([]).exists(each, each in ${cel(ways)}))`,
      message: `A role enters no pod: remove ${ways.join(', ')} from its resources.`,
    }],
  },
  examples: { pass: [[role({ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'] })]], fail: ways.map((resource) => [role({ apiGroups: [''], resources: [resource], verbs: ['create'] })]) },
};
