import { podSecured, podWith } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, told } from '../tree';

export const privilegeEscalation: Rule = {
  id: 'privilege-escalation',
  title: 'No process gains more rights than its parent: allowPrivilegeEscalation is false',
  why: 'A setuid program in the image would make its caller root in the container.',
  sources: ['Pod Security restricted', 'Kyverno disallow-privilege-escalation', 'kube-linter privilege-escalation-container'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ securityContext }) =>
    securityContext?.allowPrivilegeEscalation !== false && { path: 'securityContext.allowPrivilegeEscalation', got: told(securityContext?.allowPrivilegeEscalation), fix: 'set it to false' }),
  admission: { by: 'Pod Security `restricted`, in namespaces of the platform' },
  examples: { pass: [[podSecured({})]], fail: [[podSecured({ allowPrivilegeEscalation: true })], [podWith({ securityContext: {} })], [podWith({ securityContext: undefined })]] },
};
