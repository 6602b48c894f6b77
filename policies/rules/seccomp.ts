import { pod, podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, told } from '../tree';

const allowed = ['RuntimeDefault', 'Localhost'];

export const seccomp: Rule = {
  id: 'seccomp',
  title: 'A seccomp profile filters the system calls of each container',
  why: 'Without one, defects of rarely used system calls of the kernel are open to whoever runs code in the container.',
  sources: ['Pod Security restricted', 'Kyverno restrict-seccomp-strict'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ securityContext }, { spec }) => {
    const type = securityContext?.seccompProfile?.type ?? spec.securityContext?.seccompProfile?.type;
    return !allowed.includes(type) && { path: 'securityContext.seccompProfile.type', got: told(type), fix: 'set it to RuntimeDefault, for the pod or the container' };
  }),
  admission: { by: 'Pod Security `restricted`, in namespaces of the platform' },
  examples: {
    pass: [[pod()], [podSecured({ seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' } })]],
    fail: [[pod({ securityContext: { runAsNonRoot: true, runAsUser: 1 } })], [podSecured({ seccompProfile: { type: 'Unconfined' } })]],
  },
};
