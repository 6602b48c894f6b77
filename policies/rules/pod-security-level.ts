import { namespace } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf, told } from '../tree';

const label = 'pod-security.kubernetes.io/enforce';

export const podSecurityLevel: Rule = {
  id: 'pod-security-level',
  title: 'The API server enforces Pod Security `restricted` in each namespace',
  why: 'Whoever may create pods could otherwise take a node, and with it every secret of its pods.',
  sources: ['CIS 5.2.1', 'Pod Security Standards', 'Kyverno psa/add-psa-labels, deny-privileged-profile'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Namespace'], ({ metadata }) =>
    metadata.labels?.[label] !== 'restricted' && {
      path: `metadata.labels['${label}']`,
      got: told(metadata.labels?.[label]),
      fix: 'label it restricted; what needs more gets a namespace of its own and a waiver',
    },
  ),
  admission: { by: '`datalab-namespaces`: `baseline`' },
  examples: {
    pass: [[namespace({ [label]: 'restricted' })]],
    fail: [[namespace()], [namespace({ [label]: 'baseline' })], [namespace({ [label]: 'privileged' })], [namespace({ 'pod-security.kubernetes.io/warn': 'restricted' })]],
  },
};
