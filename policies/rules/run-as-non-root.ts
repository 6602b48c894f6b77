import { pod, podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, told } from '../tree';

export const runAsNonRoot: Rule = {
  id: 'run-as-non-root',
  title: 'Containers run as a user that is not root, and the manifest says which',
  why: 'Root in a container is root on the node after the next defect of the runtime.',
  sources: ['Pod Security restricted', 'Kyverno require-run-as-nonroot, require-run-as-non-root-user', 'kube-linter run-as-non-root'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ securityContext }, { spec }) => {
    const nonRoot = securityContext?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot;
    const user = securityContext?.runAsUser ?? spec.securityContext?.runAsUser;
    return [
      ...(nonRoot === true ? [] : [{ path: 'securityContext.runAsNonRoot', got: told(nonRoot), fix: 'set it to true, for the pod or the container' }]),
      ...(user > 0 ? [] : [{ path: 'securityContext.runAsUser', got: told(user), fix: "set it to the image's user, a number above 0" }]),
    ];
  }),
  admission: { by: 'Pod Security `restricted`, in namespaces of the platform, but for the number of the user' },
  examples: {
    pass: [[pod()], [podSecured({ runAsUser: 70 })]],
    fail: [[pod({ securityContext: { runAsUser: 1000 } })], [podSecured({ runAsUser: 0 })], [podSecured({ runAsNonRoot: false })], [pod({ securityContext: { runAsNonRoot: true } })]],
  },
};
