import { ofContainers, pods } from '../cel';
import { podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer } from '../tree';

export const privilegedContainer: Rule = {
  id: 'privileged-container',
  title: 'No container is privileged',
  why: 'A privileged container is root on its node.',
  sources: ['CIS 5.2.2', 'Pod Security baseline', 'Kyverno disallow-privileged-containers', 'kube-linter privileged-container', 'C-0057'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachContainer(({ securityContext }) =>
    securityContext?.privileged === true && { path: 'securityContext.privileged', got: 'true', fix: 'remove it and name the one capability or device that is needed' }),
  admission: {
    resources: pods,
    validations: [{
      expression: ofContainers('!each.?securityContext.privileged.orValue(false)'),
      message: 'A privileged container is root on its node: remove privileged from its securityContext.',
    }],
  },
  examples: { pass: [[podSecured({})], [podSecured({ privileged: false })]], fail: [[podSecured({ privileged: true, allowPrivilegeEscalation: undefined })]] },
};
