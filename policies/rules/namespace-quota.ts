import { namespace, object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

const quotas = ['requests.cpu', 'requests.memory', 'count/pods', 'requests.nvidia.com/gpu'];
const quota = (names: readonly string[]) => object('v1', 'ResourceQuota', { spec: { hard: Object.fromEntries(names.map((name) => [name, '1'])) } });
const limits = object('v1', 'LimitRange', { spec: { limits: [] } });

export const namespaceQuota: Rule = {
  id: 'namespace-quota',
  title: 'Each namespace has a quota of CPU, memory, pods and GPUs, and default limits',
  why: 'One namespace could take all nodes, or all GPUs, and nobody would notice before the others wait.',
  sources: ['Kyverno add-ns-quota', 'C-0270, C-0271', 'Gatekeeper gpuresourcelimits'],
  severity: 'medium',
  mandatory: everywhere,
  together: true,
  check: eachOf(['Namespace'], ({ metadata: { name } }, objects) => {
    const inside = objects.filter(({ metadata }) => metadata.namespace === name);
    const limited = new Set(inside.filter(({ kind }) => kind === 'ResourceQuota').flatMap(({ spec }) => Object.keys(spec.hard ?? {})));
    return [
      ...quotas.filter((each) => !limited.has(each)).map((each) => ({ path: 'metadata.name', got: `no quota of ${each} in ${name}`, fix: 'add it to a ResourceQuota' })),
      ...(inside.some(({ kind }) => kind === 'LimitRange') ? [] : [{ path: 'metadata.name', got: `no LimitRange in ${name}`, fix: 'add one with default requests and limits' }]),
    ];
  }),
  admission: { by: '`datalab-quotas`' },
  examples: { pass: [[namespace(), quota(quotas), limits]], fail: [[namespace(), quota(quotas)], [namespace(), limits], ...quotas.map((left) => [namespace(), limits, quota(quotas.filter((each) => each !== left))])] },
};
