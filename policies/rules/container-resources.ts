import { cel, ofContainers, pods } from '../cel';
import { podWith } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer } from '../tree';

/** Kubernetes permits no resources in ephemeral ones. */
const lists = ['initContainers', 'containers'] as const;

export const containerResources: Rule = {
  id: 'container-resources',
  title: 'Containers ask for CPU and memory, and have a limit of memory',
  why: 'The scheduler counts requests; a process without a limit takes the memory of its neighbours.',
  sources: ['Kyverno require-pod-requests-limits', 'kube-linter unset-cpu-requirements, unset-memory-requirements', 'C-0270, C-0271'],
  severity: 'medium',
  mandatory: everywhere,
  check: eachContainer(({ resources: { requests = {}, limits = {} } = {} as any }) =>
    [['requests.cpu', requests.cpu ?? limits.cpu], ['requests.memory', requests.memory ?? limits.memory], ['limits.memory', limits.memory]].flatMap(([name, value]) =>
      value === undefined ? [{ path: `resources.${name}`, got: 'nothing', fix: 'set it' }] : []), lists),
  admission: {
    resources: pods,
    validations: [{
      expression: ofContainers(
        ['cpu', 'memory'].map((name) => `(${cel(name)} in each.?resources.requests.orValue({}) || ${cel(name)} in each.?resources.limits.orValue({}))`).concat("'memory' in each.?resources.limits.orValue({})").join(' && '),
        lists,
      ),
      message: 'Each container asks for CPU and memory and has a limit of memory, if only by the defaults of the namespace: set resources.requests and resources.limits.memory.',
    }],
  },
  examples: {
    pass: [[podWith({})], [podWith({ resources: { limits: { cpu: 1, memory: '1Gi' } } })]],
    fail: [[podWith({ resources: undefined })], [podWith({ resources: { requests: { cpu: 1, memory: '1Gi' } } })], [podWith({ resources: { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } } })]],
  },
};
