import { clusterObject, namespace, networkPolicy } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachOf } from '../tree';

const deny = networkPolicy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });

export const defaultDeny: Rule = {
  id: 'default-deny',
  title: 'Each namespace starts with a NetworkPolicy that denies everything in both directions',
  why: 'Without it every pod of the cluster reaches every pod of the namespace, and what runs there reaches everything.',
  sources: ['CIS 5.3.2', 'NSA/CISA network separation', 'Kyverno add-network-policy', 'kube-linter non-isolated-pod', 'C-0030'],
  severity: 'critical',
  mandatory: everywhere,
  together: true,
  check: eachOf(['Namespace'], ({ metadata }, objects) =>
    !objects.some((object) => deniesAll(object, metadata.name)) && {
      path: 'metadata.name',
      got: `no default-deny in ${metadata.name}`,
      fix: 'add a NetworkPolicy with an empty podSelector, both policyTypes and no rule',
    },
  ),
  admission: { by: '`datalab-fence`, `datalab-namespace-is-being-prepared-try-again`' },
  examples: {
    pass: [[namespace(), deny]],
    fail: [
      [namespace()],
      [namespace(), networkPolicy({ podSelector: {}, policyTypes: ['Ingress'] })],
      [namespace(), networkPolicy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'], egress: [{}] })],
      [clusterObject('v1', 'Namespace', {}, { name: 'another' }), deny],
    ],
  },
};

function deniesAll({ kind, metadata, spec }: Manifest, namespace: string): boolean {
  return (
    kind === 'NetworkPolicy' && metadata.namespace === namespace &&
    !Object.keys(spec.podSelector?.matchLabels ?? {}).length && !spec.podSelector?.matchExpressions?.length &&
    ['Ingress', 'Egress'].every((type) => spec.policyTypes?.includes(type)) &&
    !spec.ingress?.length && !spec.egress?.length
  );
}
