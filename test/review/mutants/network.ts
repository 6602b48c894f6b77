import { each, json, kind, type Operator, type Path } from './operator';

const policies = kind('NetworkPolicy', ['spec'], (_spec, { metadata }) => metadata.name !== 'default-deny');
const guards = kind('NetworkPolicy', ['spec'], (_spec, { metadata }) => metadata.name === 'default-deny');
const entries = (field: string) => each(kind('NetworkPolicy', ['spec', field]));
const rulesIn: Operator['at'] = (object, objects) => [...entries('ingress')(object, objects), ...entries('egress')(object, objects)];
const at = (path: Path, object: any) => path.reduce((value: any, key) => value[key], object);
const peers = (where: (peer: any) => boolean): Operator['at'] => (object, objects) => rulesIn(object, objects).flatMap((path) =>
  ['from', 'to'].flatMap((field) => ((at(path, object)[field] ?? []) as any[]).flatMap((peer, index) => (where(peer) ? [[...path, field, index]] : []))),
);
const withPorts: Operator['at'] = (object, objects) => rulesIn(object, objects).filter((path) => at(path, object).ports);
const opens = (field: 'ingress' | 'egress', rule: object) => (spec: any) => { spec[field] = [...(spec[field] ?? []), rule]; };
const fence = kind('ConfigMap', ['data'], (data) => data['fence.json']);
const both = (peer: any) => peer.namespaceSelector && peer.podSelector;

/** Who reaches whom. */
export const network: readonly Operator[] = [
  { id: 'ingress from everywhere', rule: 'open-network', diff: 'security widens reach', critical: true, at: policies, act: opens('ingress', {}) },
  { id: 'egress to everywhere', rule: 'open-network', diff: 'security widens reach', critical: true, at: policies, act: opens('egress', {}) },
  { id: 'ingress on one port from everywhere', rule: 'open-network', diff: 'security widens reach', critical: true, at: policies, act: opens('ingress', { ports: [{ port: 22, protocol: 'TCP' }] }) },
  { id: 'ingress from an empty list of peers', rule: 'open-network', diff: 'security widens reach', critical: true, at: policies, act: opens('ingress', { from: [] }) },
  { id: 'ingress from all namespaces', rule: 'open-network', diff: 'security widens reach', critical: true, at: policies, act: opens('ingress', { from: [{ namespaceSelector: {} }] }) },
  { id: 'all namespaces by a key that all have', diff: 'security widens reach', at: policies, act: opens('ingress', { from: [{ namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'Exists' }] } }] }) },
  { id: 'all namespaces but one', diff: 'security widens reach', at: policies, act: opens('ingress', { from: [{ namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }] } }] }) },
  { id: 'egress to the internet', rule: 'internet-egress', diff: 'security widens reach', at: policies, act: opens('egress', { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }) },
  { id: 'egress to the internet in two halves', rule: 'internet-egress', diff: 'security widens reach', at: policies, act: opens('egress', { to: [{ ipBlock: { cidr: '0.0.0.0/1' } }, { ipBlock: { cidr: '128.0.0.0/1' } }] }) },
  { id: 'egress to the internet of version 6', rule: 'internet-egress', diff: 'security widens reach', at: policies, act: opens('egress', { to: [{ ipBlock: { cidr: '::/0' } }] }) },
  { id: 'egress to one public address', rule: 'internet-egress', diff: 'security widens reach', at: policies, act: opens('egress', { to: [{ ipBlock: { cidr: '198.51.100.7/32' } }], ports: [{ port: 443, protocol: 'TCP' }] }) },
  { id: 'egress to the metadata service', diff: 'security widens reach', at: policies, act: opens('egress', { to: [{ ipBlock: { cidr: '169.254.169.254/32' } }], ports: [{ port: 80, protocol: 'TCP' }] }) },
  { id: 'ingress from an address range', diff: 'security widens reach', at: policies, act: opens('ingress', { from: [{ ipBlock: { cidr: '10.99.0.0/16' } }] }) },
  { id: 'ingress from people', diff: 'security widens reach', at: policies, act: opens('ingress', { from: [{ namespaceSelector: { matchExpressions: [{ key: 'onyxia_owner', operator: 'Exists' }] } }] }) },
  { id: 'a port opened', diff: 'security widens reach', at: withPorts, act: ({ ports }) => ports.push({ port: 2222, protocol: 'TCP' }) },
  { id: 'all ports of a rule', diff: 'security widens reach', at: withPorts, act: (rule) => { delete rule.ports; } },
  { id: 'ports up to the last', diff: 'security widens reach', at: withPorts, act: ({ ports }) => { ports[0].endPort = 65535; } },
  { id: 'another protocol', diff: 'security widens reach', at: withPorts, act: ({ ports }) => ports.push({ ...ports[0], protocol: 'SCTP' }) },
  { id: 'all pods of a namespace that is named', diff: 'security widens reach', at: peers(both), act: (peer) => { delete peer.podSelector; } },
  { id: 'pods of that label in all namespaces', diff: 'security widens reach', at: peers(both), act: (peer) => { peer.namespaceSelector = {}; } },
  {
    id: 'a dash too many: namespace or pods', diff: 'security widens reach', at: (object, objects) => rulesIn(object, objects).filter((path) => [at(path, object).from ?? at(path, object).to].flat().some((peer) => peer && both(peer))),
    act: (rule) => { const field = rule.from ? 'from' : 'to'; rule[field] = rule[field].flatMap((peer: any) => (both(peer) ? [{ namespaceSelector: peer.namespaceSelector }, { podSelector: peer.podSelector }] : [peer])); },
  },
  { id: 'a wider address range', diff: 'security widens reach', at: peers(({ ipBlock }) => ipBlock && !/\/(0|8)$/.test(ipBlock.cidr)), act: ({ ipBlock }) => { ipBlock.cidr = '10.0.0.0/8'; } },
  { id: 'the exceptions of an address range', diff: 'security widens reach', at: peers(({ ipBlock }) => ipBlock?.except), act: ({ ipBlock }) => { delete ipBlock.except; } },
  { id: 'no default for what leaves', rule: 'default-deny', diff: 'security widens reach', critical: true, at: guards, act: (spec) => { spec.policyTypes = ['Ingress']; } },
  { id: 'no default for what comes', rule: 'default-deny', diff: 'security widens reach', critical: true, at: guards, act: (spec) => { spec.policyTypes = ['Egress']; } },
  { id: 'the default is for some pods', rule: 'default-deny', diff: 'security widens reach', critical: true, at: guards, act: (spec) => { spec.podSelector = { matchLabels: { guarded: 'yes' } }; } },
  { id: 'the default opens', rule: 'default-deny', diff: 'security widens reach', critical: true, at: guards, act: opens('ingress', {}) },
  { id: 'no default', rule: 'default-deny', diff: 'security widens reach', critical: true, at: guards, act: (_spec, { drop }) => drop() },
  { id: 'the policy is for all pods', diff: 'security widens reach', at: kind('NetworkPolicy', ['spec'], (spec) => Object.keys(spec.podSelector).length > 0), act: (spec) => { spec.podSelector = {}; } },
  {
    id: 'a policy of its own that opens all', rule: 'open-network', diff: 'security widens reach', critical: true, at: guards,
    act: (_spec, { object, add }) => add({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'helper', namespace: object.metadata.namespace }, spec: { podSelector: {}, ingress: [{}], egress: [{}], policyTypes: ['Ingress', 'Egress'] } }),
  },
  { id: 'a connection that goes', diff: 'security narrows reach', at: kind('NetworkPolicy', ['spec'], (spec) => spec.egress?.length > 1), act: (spec) => { spec.egress.pop(); } },
  { id: 'the fence of namespaces to come opens', diff: 'security widens reach', critical: true, at: fence, act: (data) => json(data, 'fence.json', ({ items }) => { items.find(({ metadata }: any) => metadata.name === 'work').spec.ingress = [{}]; }) },
  { id: 'the fence of namespaces to come has no default', diff: 'security widens guard', critical: true, at: fence, act: (data) => json(data, 'fence.json', (list) => { list.items = list.items.filter(({ metadata }: any) => metadata.name !== 'default-deny'); }) },
  { id: 'the quota of namespaces to come', diff: 'security widens limit', at: fence, act: (data) => json(data, 'fence.json', ({ items }) => { Object.assign(items.find(({ kind: of }: any) => of === 'ResourceQuota').spec.hard, { 'services.loadbalancers': '5' }); }) },
  { id: 'a namespace in place of another', diff: 'security widens reach', at: peers(({ namespaceSelector }) => namespaceSelector?.matchLabels), act: ({ namespaceSelector }) => { namespaceSelector.matchLabels['kubernetes.io/metadata.name'] = 'user-mallory'; } },
  { id: 'a port by a name', diff: 'security widens reach|security narrows reach', at: withPorts, act: ({ ports }) => { ports[0].port = 'debug'; } },
  {
    id: 'a policy of the whole cluster', diff: 'security widens', at: guards,
    act: (_spec, { add }) => add({ apiVersion: 'policy.networking.k8s.io/v1alpha1', kind: 'AdminNetworkPolicy', metadata: { name: 'helper' }, spec: { priority: 1, subject: { namespaces: {} }, ingress: [{ action: 'Allow', from: [{ namespaces: {} }] }] } }),
  },
  { id: 'labels of another workload', diff: 'security widens reach|security narrows reach', at: kind('Deployment StatefulSet', ['spec', 'template', 'metadata', 'labels']), act: (labels) => { labels['app.kubernetes.io/name'] = 'other'; } },
];
