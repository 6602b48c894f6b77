import { podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, told } from '../tree';

export const readOnlyRoot: Rule = {
  id: 'read-only-root',
  title: "The container's own files cannot be changed",
  why: 'Whoever breaks in could replace programs and stay until the next restart.',
  sources: ['Kyverno require-ro-rootfs', 'kube-linter no-read-only-root-fs', 'C-0017', 'NSA/CISA immutable container file systems'],
  severity: 'medium',
  mandatory: everywhere,
  check: eachContainer(({ securityContext }) =>
    securityContext?.readOnlyRootFilesystem !== true && { path: 'securityContext.readOnlyRootFilesystem', got: told(securityContext?.readOnlyRootFilesystem), fix: 'set it to true and mount what is written' }),
  examples: { pass: [[podSecured({})]], fail: [[podSecured({ readOnlyRootFilesystem: false })], [podSecured({ readOnlyRootFilesystem: undefined })]] },
};
