import type { Manifest } from '../policies/rule';

/** Some equal pods, or addresses, at one end of a connection. */
export interface End {
  /** `keycloak/keycloak`, `10.0.0.0/8`. */
  readonly name: string;
  /** Pods: their namespace and labels. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Addresses outside the cluster, instead of pods. */
  readonly cidr?: string;
  /** Named ports of the pods; without it they are not known, and a name may be any port. */
  readonly ports?: Readonly<Record<string, number>>;
}

/** Labels of the namespaces that are known, by name; Kubernetes adds `kubernetes.io/metadata.name`. */
export type Namespaces = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Ports as `TCP/8080`, `TCP/8000-8100`, or `*` for all. */
export interface Reachability {
  /** The ports that one end may reach at the other. */
  readonly between: (from: End, to: End) => string[];
  /** The ports that the policies of the one end, or of the other, permit by themselves. */
  readonly leaving: (from: End, to: End) => string[];
  readonly entering: (from: End, to: End) => string[];
}

export function reachability(policies: readonly Manifest[], namespaces: Namespaces): Reachability {
  const isolating = (direction: Direction) => {
    const known = new Map<End, readonly Manifest[]>();
    return (end: End) => {
      const found = known.get(end) ?? policies.filter(({ metadata, spec }) => metadata.namespace === end.namespace && typesOf(spec).includes(types[direction]) && selects(spec.podSelector, end.labels ?? {}));
      known.set(end, found);
      return found;
    };
  };
  const [egress, ingress] = [isolating('egress'), isolating('ingress')];
  const out = (from: End, to: End) => (from.cidr === undefined ? permitted(from, to, 'egress', egress(from), namespaces) : everything);
  const into = (from: End, to: End) => (to.cidr === undefined ? permitted(to, from, 'ingress', ingress(to), namespaces) : everything);
  return {
    between: (from, to) => {
      const leaving = out(from, to);
      return leaving.size ? both(leaving, into(from, to)) : [];
    },
    leaving: (from, to) => both(out(from, to), everything),
    entering: (from, to) => both(into(from, to), everything),
  };
}

type Direction = 'ingress' | 'egress';
const types = { ingress: 'Ingress', egress: 'Egress' } as const;

type Ports = ReadonlySet<string>;
const everything: Ports = new Set(['*']);

/** The ports that the isolating policies of `own` permit towards or from `other`; all of them when there is none. */
function permitted(own: End, other: End, direction: Direction, isolating: readonly Manifest[], namespaces: Namespaces): Ports {
  if (!isolating.length) return everything;
  const ports = new Set<string>();
  for (const { spec, metadata } of isolating) {
    for (const rule of (spec[direction] ?? []) as any[]) {
      const peers = direction === 'ingress' ? rule.from : rule.to;
      if (peers?.length && !peers.some((peer: any) => isPeer(peer, other, metadata.namespace!, namespaces))) continue;
      const serving = direction === 'ingress' ? own : other;
      for (const port of rule.ports?.length ? rule.ports : [undefined]) for (const each of portOf(port, serving)) ports.add(each);
    }
  }
  return ports;
}

function typesOf(spec: any): string[] {
  return spec.policyTypes ?? ['Ingress', ...(spec.egress ? ['Egress'] : [])];
}

function isPeer(peer: any, other: End, namespace: string, namespaces: Namespaces): boolean {
  if (peer.ipBlock) return other.cidr !== undefined && contains(peer.ipBlock.cidr, other.cidr) && !(peer.ipBlock.except ?? []).some((range: string) => contains(range, other.cidr!));
  if (other.cidr !== undefined) return false;
  const labels = { 'kubernetes.io/metadata.name': other.namespace!, ...namespaces[other.namespace!] };
  const inNamespace = peer.namespaceSelector ? selects(peer.namespaceSelector, labels) : other.namespace === namespace;
  return inNamespace && (!peer.podSelector || selects(peer.podSelector, other.labels ?? {}));
}

/** Whether a label selector selects; an empty one selects everything. */
export function selects(selector: any, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && ((selector?.matchExpressions ?? []) as any[]).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In': return value !== undefined && values.includes(value);
      case 'NotIn': return value === undefined || !values.includes(value);
      case 'Exists': return value !== undefined;
      default: return value === undefined;
    }
  });
}

function portOf(port: any, serving: End): string[] {
  if (!port) return ['*'];
  const protocol = port.protocol ?? 'TCP';
  if (port.port === undefined) return [`${protocol}/*`];
  const named = typeof port.port === 'string' && !/^\d+$/.test(port.port);
  if (named && serving.namespace !== undefined && !serving.ports) return [`${protocol}/*`];
  const number = named ? serving.ports?.[port.port] : Number(port.port);
  if (number === undefined) return [];
  return [port.endPort && port.endPort > number ? `${protocol}/${number}-${port.endPort}` : `${protocol}/${number}`];
}

/** What both sets permit, without what another entry covers. */
function both(a: Ports, b: Ports): string[] {
  const shared = new Set([...a].flatMap((left) => [...b].flatMap((right) => meet(left, right) ?? [])));
  return [...shared].filter((port) => ![...shared].some((other) => other !== port && meet(port, other) === port && meet(other, port) !== other)).sort();
}

function meet(a: string, b: string): string | undefined {
  const [left, right] = [rangeOf(a), rangeOf(b)];
  if (left.protocol && right.protocol && left.protocol !== right.protocol) return undefined;
  const protocol = left.protocol ?? right.protocol;
  const [low, high] = [Math.max(left.low, right.low), Math.min(left.high, right.high)];
  if (low > high) return undefined;
  if (!protocol) return '*';
  return low === 1 && high === 65535 ? `${protocol}/*` : low === high ? `${protocol}/${low}` : `${protocol}/${low}-${high}`;
}

function rangeOf(port: string): { protocol?: string; low: number; high: number } {
  if (port === '*') return { low: 1, high: 65535 };
  const [protocol, numbers] = port.split('/') as [string, string];
  const [low, high = low] = numbers === '*' ? ['1', '65535'] : numbers.split('-');
  return { protocol, low: Number(low), high: Number(high) };
}

/** Whether a range of addresses lies in another. */
export function contains(outer: string, inner: string): boolean {
  return prefixOf(inner).startsWith(prefixOf(outer));
}

const prefixes = new Map<string, string>();

/** The fixed bits of a range: `4:00001010` is 10.0.0.0/8. */
function prefixOf(cidr: string): string {
  const known = prefixes.get(cidr);
  if (known !== undefined) return known;
  const [address = '', length] = String(cidr).split('/');
  const bits = (numbers: readonly number[], width: number) => numbers.map((each) => each.toString(2).padStart(width, '0')).join('');
  const six = address.includes(':');
  const all = six ? bits(groupsOf(address), 16) : bits(address.split('.').map(Number), 8);
  const prefix = `${six ? 6 : 4}:${all.slice(0, length === undefined ? all.length : Number(length))}`;
  prefixes.set(cidr, prefix);
  return prefix;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = [], tail = []] = address.split('::').map((part) => (part ? part.split(':').map((group) => parseInt(group, 16)) : []));
  return address.includes('::') ? [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail] : head;
}
