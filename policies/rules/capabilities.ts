import { podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, told } from '../tree';

export const capabilities: Rule = {
  id: 'capabilities',
  title: 'Containers drop all capabilities and add at most NET_BIND_SERVICE',
  why: 'Each capability is a part of root; SYS_ADMIN is most of it.',
  sources: ['Pod Security restricted', 'Kyverno disallow-capabilities-strict', 'kube-linter drop-net-raw-capability'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ securityContext: { capabilities: { drop, add } = {} as any } = {} as any }) => [
    ...(((drop ?? []) as string[]).includes('ALL') ? [] : [{ path: 'securityContext.capabilities.drop', got: told(drop), fix: "drop ['ALL']" }]),
    ...((add ?? []) as string[]).filter((each) => each !== 'NET_BIND_SERVICE').map((each) => ({ path: 'securityContext.capabilities.add', got: each, fix: 'remove it' })),
  ]),
  admission: { by: 'Pod Security `restricted`, in namespaces of the platform' },
  examples: {
    pass: [[podSecured({})], [podSecured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })]],
    fail: [[podSecured({ capabilities: undefined })], [podSecured({ capabilities: { drop: ['NET_RAW'] } })], [podSecured({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })]],
  },
};
