import { clusterObject } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf, told } from '../tree';

const kinds = ['ValidatingAdmissionPolicy', 'MutatingAdmissionPolicy'];
const binding = 'ValidatingAdmissionPolicyBinding';

export const admissionFailsClosed: Rule = {
  id: 'admission-fails-closed',
  title: 'Admission policies and webhooks refuse what they cannot judge, and policies deny',
  why: 'A rule that only warns, or that steps aside when it fails, holds nobody.',
  sources: ['StatCan KUBE-GK-01', 'Kubernetes: admission webhook good practices'],
  severity: 'high',
  mandatory: everywhere,
  check: eachOf([...kinds, binding, 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'], ({ kind, spec, webhooks = [] }) => {
    if (kind === binding) return !spec.validationActions?.includes('Deny') && { path: 'spec.validationActions', got: told(spec.validationActions), fix: "add 'Deny'" };
    if (kinds.includes(kind)) return spec.failurePolicy === 'Ignore' && { path: 'spec.failurePolicy', got: 'Ignore', fix: 'set it to Fail' };
    return (webhooks as any[]).flatMap(({ failurePolicy }, index) => (failurePolicy === 'Ignore' ? [{ path: `webhooks[${index}].failurePolicy`, got: 'Ignore', fix: 'set it to Fail' }] : []));
  }),
  examples: {
    pass: [[clusterObject('admissionregistration.k8s.io/v1', kinds[0]!, { spec: { failurePolicy: 'Fail' } }), clusterObject('admissionregistration.k8s.io/v1', binding, { spec: { validationActions: ['Deny'] } })]],
    fail: [
      [clusterObject('admissionregistration.k8s.io/v1', kinds[0]!, { spec: { failurePolicy: 'Ignore' } })],
      [clusterObject('admissionregistration.k8s.io/v1', binding, { spec: { validationActions: ['Warn', 'Audit'] } })],
      [clusterObject('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [{ failurePolicy: 'Ignore' }] })],
    ],
  },
};
