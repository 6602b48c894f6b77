import { networkPolicy } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf, type Place } from '../tree';

/** A hole as wide as this many addresses or more is everywhere: a /8. */
const widest = 8;

export const openNetwork: Rule = {
  id: 'open-network',
  title: 'No NetworkPolicy opens to everywhere: each rule names pods, namespaces or address ranges',
  why: 'An empty list of peers, an empty namespace selector or 0.0.0.0/0 admits other people, the nodes and the metadata service of the cloud.',
  sources: ['CIS 5.3.2', 'NSA/CISA network separation', 'Kyverno restrict-networkpolicy-empty-podselector', 'C-0030'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['NetworkPolicy'], ({ spec }) => [
    ...((spec.ingress ?? []) as any[]).flatMap((rule, index) => open(rule.from, `spec.ingress[${index}].from`)),
    ...((spec.egress ?? []) as any[]).flatMap((rule, index) => open(rule.to, `spec.egress[${index}].to`)),
  ]),
  admission: { by: '`datalab-network-policies`: own pods and the gateway' },
  examples: {
    pass: [
      [networkPolicy({ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }], egress: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'] } }] }] })],
    ],
    fail: [
      [networkPolicy({ podSelector: {}, ingress: [{}] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '::/0' } }] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '128.0.0.0/1' } }] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }] })],
      [networkPolicy({ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'] } }] }] })],
      [networkPolicy({ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] })],
      [networkPolicy({ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'a' } } }] }] })],
    ],
  },
};

/** Addresses inside an organisation or a cluster, and those of a cloud's metadata service. */
const inside = ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'];

function open(peers: any[] | undefined, path: string): Place[] {
  if (!peers?.length) return [{ path, got: 'everywhere', fix: 'name the peers' }];
  return peers.flatMap(({ namespaceSelector, ipBlock }, index) => {
    const place = { path: `${path}[${index}]` };
    if (namespaceSelector && !Object.keys(namespaceSelector.matchLabels ?? {}).length && !namespaceSelector.matchExpressions?.length) {
      return [{ ...place, got: 'every namespace', fix: 'select the namespace by kubernetes.io/metadata.name' }];
    }
    if (!ipBlock || Number(ipBlock.cidr.split('/')[1]) >= widest) return [];
    const internet = path.includes('.to') && ipBlock.cidr === '0.0.0.0/0' && inside.every((range) => ipBlock.except?.includes(range));
    return internet ? [] : [{ ...place, got: ipBlock.cidr, fix: `name smaller ranges, or for the internet leave out ${inside.join(', ')}` }];
  });
}
