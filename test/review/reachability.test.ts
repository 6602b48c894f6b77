import type { Manifest } from '../../policies/rule';
import { contains, reachability, type End, type Namespaces } from '../../review/reachability';

/**
 * Against a reading of the specification of NetworkPolicy, one connection at a time and in its own words:
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/. Policies, pods and ports are random from a seed.
 */
const seed = 20261123;
const sets = 3000;

function random(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const next = random(seed);
const pick = <T>(...values: readonly T[]): T => values[Math.floor(next() * values.length)]!;
const some = <T>(most: number, make: () => T): T[] => Array.from({ length: Math.floor(next() * (most + 1)) }, make);

const namespaces: Namespaces = { a: { team: 'x' }, b: { team: 'y' }, c: {} };
const pods: End[] = Object.keys(namespaces).flatMap((namespace) =>
  [{ app: 'web' }, { app: 'db', tier: 'back' }, {}].map((labels, index) => ({ name: `${namespace}/${index}`, namespace, labels: labels as Record<string, string>, ports: { http: 8080, ...(index === 1 ? { sql: 5432 } : {}) } })),
);
const outside: End[] = ['10.1.2.0/24', '10.9.0.1/32', '192.0.2.7/32'].map((cidr) => ({ name: cidr, cidr }));

const selector = (): any => pick<any>(
  {}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'db', tier: 'back' } },
  { matchExpressions: [{ key: 'app', operator: pick('In', 'NotIn'), values: ['web', 'other'] }] },
  { matchExpressions: [{ key: 'tier', operator: pick('Exists', 'DoesNotExist') }] },
);
const namespaceSelector = (): any => pick<any>(
  {}, { matchLabels: { team: 'x' } }, { matchLabels: { 'kubernetes.io/metadata.name': pick('a', 'b', 'c') } },
  { matchExpressions: [{ key: 'team', operator: pick('Exists', 'DoesNotExist') }] },
);
const peer = (): any => pick<() => any>(
  () => ({ podSelector: selector() }),
  () => ({ namespaceSelector: namespaceSelector() }),
  () => ({ namespaceSelector: namespaceSelector(), podSelector: selector() }),
  () => ({ ipBlock: { cidr: pick('10.0.0.0/8', '0.0.0.0/0', '10.1.0.0/16', '192.0.2.0/24'), ...(next() < 0.4 ? { except: [pick('10.9.0.0/16', '10.1.0.0/16', '192.0.2.7/32')] } : {}) } }),
)();
const port = (): any => pick<any>(
  { port: 8080 }, { port: 5432, protocol: 'TCP' }, { port: 53, protocol: 'UDP' }, { protocol: 'UDP' }, { port: 'http' }, { port: 'sql' }, { port: 8000, endPort: 8100 },
);
const rule = (side: 'from' | 'to'): any => ({ ...(next() < 0.8 ? { [side]: some(2, peer) } : {}), ...(next() < 0.7 ? { ports: some(2, port) } : {}) });
const policy = (): Manifest => ({
  apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p', namespace: pick('a', 'b', 'c') },
  spec: {
    podSelector: selector(),
    ...(next() < 0.8 ? { policyTypes: pick(['Ingress'], ['Egress'], ['Ingress', 'Egress']) } : {}),
    ...(next() < 0.7 ? { ingress: some(2, () => rule('from')) } : {}),
    ...(next() < 0.7 ? { egress: some(2, () => rule('to')) } : {}),
  },
});

/** One packet: is it let out, and is it let in? */
function passes(from: End, to: End, protocol: string, number: number, policies: readonly Manifest[]): boolean {
  const matches = (labels: Record<string, string>, wanted: any): boolean => {
    for (const [key, value] of Object.entries(wanted.matchLabels ?? {})) if (labels[key] !== value) return false;
    for (const { key, operator, values } of wanted.matchExpressions ?? []) {
      const has = key in labels;
      if (operator === 'In' && !(has && values.includes(labels[key]))) return false;
      if (operator === 'NotIn' && has && values.includes(labels[key])) return false;
      if (operator === 'Exists' && !has) return false;
      if (operator === 'DoesNotExist' && has) return false;
    }
    return true;
  };
  const inside = (address: string, cidr: string): boolean => {
    const bits = (text: string) => text.split('/')[0]!.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0')).join('');
    return bits(address).startsWith(bits(cidr).slice(0, Number(cidr.split('/')[1])));
  };
  const admits = (own: End, other: End, direction: 'ingress' | 'egress'): boolean => {
    let isolated = false;
    for (const { metadata, spec } of policies) {
      if (metadata.namespace !== own.namespace || !matches(own.labels as any, spec.podSelector)) continue;
      const types = spec.policyTypes ?? (spec.egress ? ['Ingress', 'Egress'] : ['Ingress']);
      if (!types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')) continue;
      isolated = true;
      for (const each of spec[direction] ?? []) {
        const peers = each.from ?? each.to ?? [];
        const peerFits = peers.length === 0 || peers.some(({ ipBlock, namespaceSelector, podSelector }: any) => {
          if (ipBlock) return !!other.cidr && inside(other.cidr, ipBlock.cidr) && !(ipBlock.except ?? []).some((range: string) => inside(other.cidr!, range));
          if (other.cidr) return false;
          if (namespaceSelector ? !matches({ ...namespaces[other.namespace!], 'kubernetes.io/metadata.name': other.namespace! }, namespaceSelector) : other.namespace !== metadata.namespace) return false;
          return !podSelector || matches(other.labels as any, podSelector);
        });
        const serving = direction === 'ingress' ? own : other;
        const portFits = !each.ports?.length || each.ports.some((wanted: any) => {
          if ((wanted.protocol ?? 'TCP') !== protocol) return false;
          if (wanted.port === undefined) return true;
          const first = typeof wanted.port === 'string' ? serving.ports?.[wanted.port] : wanted.port;
          return first !== undefined && number >= first && number <= (wanted.endPort ?? first);
        });
        if (peerFits && portFits) return true;
      }
    }
    return !isolated;
  };
  return (!!from.cidr || admits(from, to, 'egress')) && (!!to.cidr || admits(to, from, 'ingress'));
}

const covered = (ports: readonly string[], protocol: string, number: number): boolean =>
  ports.some((each) => {
    if (each === '*') return true;
    const [of, range] = each.split('/') as [string, string];
    const [low, high = low] = range === '*' ? ['1', '65535'] : range.split('-');
    return of === protocol && number >= Number(low) && number <= Number(high);
  });

const probes: [string, number][] = [['TCP', 8080], ['TCP', 5432], ['TCP', 8050], ['TCP', 9999], ['UDP', 53], ['UDP', 8080], ['SCTP', 1]];

test(`${sets} random sets of policies: reachability is what the specification says, pair by pair`, () => {
  let pairs = 0;
  let open = 0;
  for (let set = 0; set < sets; set++) {
    const policies = some(6, policy);
    const { between } = reachability(policies, namespaces);
    const from = pick(...pods, ...outside);
    for (const to of [...pods, ...outside]) {
      if (from.cidr && to.cidr) continue;
      pairs++;
      const ports = between(from, to);
      for (const [protocol, number] of probes) {
        const expected = passes(from, to, protocol, number, policies);
        if (expected) open++;
        if (covered(ports, protocol, number) !== expected) {
          throw new Error(`seed ${seed}, set ${set}: ${from.name} → ${to.name} ${protocol}/${number} is ${expected ? 'open' : 'closed'}, and reachability says ${ports.join(' ') || 'nothing'}:\n${JSON.stringify(policies, null, 1)}`);
        }
      }
    }
  }
  console.log(`seed ${seed}: ${sets} sets, ${pairs} pairs, ${pairs * probes.length} connections, ${open} of them open`);
  expect(open).toBeGreaterThan(pairs / 10);
});

test.each([
  ['0.0.0.0/0', '10.0.0.0/8', true],
  ['10.0.0.0/8', '10.255.0.0/16', true],
  ['10.0.0.0/8', '11.0.0.0/16', false],
  ['10.0.0.0/16', '10.0.0.0/8', false],
  ['10.1.2.3/32', '10.1.2.3/32', true],
  ['::/0', '2001:db8::/32', true],
  ['2001:db8::/32', '2001:db8:1::/48', true],
  ['2001:db8::/32', '2001:db9::/48', false],
  ['::/0', '10.0.0.0/8', false],
  ['0.0.0.0/0', 'fd00::/8', false],
])('%s holds %s: %s', (outer, inner, expected) => expect(contains(outer, inner)).toBe(expected));
