import { networkPolicy } from '../examples';
import type { Rule } from '../rule';
import { eachOf } from '../tree';

const local = [[10], [127], [192, 168], ...Array.from({ length: 16 }, (_, index) => [172, 16 + index]), ...Array.from({ length: 64 }, (_, index) => [100, 64 + index])];

export const internetEgress: Rule = {
  id: 'internet-egress',
  title: 'No NetworkPolicy opens a way to public addresses',
  why: 'Confidential data leaves by the first connection to the internet, and nobody sees it.',
  sources: ['StatCan NET-ES-01', 'Gatekeeper ainetworkegress', 'C-0030'],
  severity: 'critical',
  mandatory: ['confidential'],
  check: eachOf(['NetworkPolicy'], ({ spec }) =>
    ((spec.egress ?? []) as any[]).flatMap((rule, index) =>
      ((rule.to ?? []) as any[]).flatMap(({ ipBlock }, peer) =>
        ipBlock && !isLocal(ipBlock.cidr) ? [{ path: `spec.egress[${index}].to[${peer}].ipBlock.cidr`, got: ipBlock.cidr, fix: 'name private addresses of the site: its proxy, mirrors, forge' }] : [],
      ),
    ),
  ),
  admission: { by: '`datalab-network-policies`: own pods and the gateway' },
  examples: {
    pass: [[networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '10.20.30.0/24' } }, { ipBlock: { cidr: 'fd00::/8' } }] }] })]],
    fail: [
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }] })],
      [networkPolicy({ podSelector: {}, egress: [{ to: [{ podSelector: {} }, { ipBlock: { cidr: '151.101.0.0/16' } }] }] })],
    ],
  },
};

function isLocal(cidr: string): boolean {
  const [address, bits] = cidr.split('/') as [string, string];
  if (address.includes(':')) return /^f[cd]/i.test(address);
  const octets = address.split('.').map(Number);
  return local.some((prefix) => Number(bits) >= prefix.length * 8 - (prefix[0] === 172 ? 4 : prefix[0] === 100 ? 6 : 0) && prefix.every((octet, index) => octets[index] === octet));
}
