import { k8s } from 'cdk8s-plus-28';
import type { Region } from '../model/region';

/** One end of a connection: some pods, or addresses outside the cluster. */
export interface Peer {
  /** `<namespace>/<workload>`, or the name of something that the region declares. */
  readonly peerName: string;
  readonly peers: readonly k8s.NetworkPolicyPeer[];
}

export interface Edge {
  readonly from: Peer;
  readonly to: Peer;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  /** What the connection is for, in a few words. */
  readonly why: string;
}

/**
 * The graph of permitted connections. Nothing else may talk: every namespace starts with default-deny both ways.
 * Network policies, the topology picture and reachability are read from it.
 */
export class Network {
  readonly edges: Edge[] = [];
  /** The cluster's DNS. */
  readonly dns: Peer;
  readonly apiServer: Peer;
  /** The proxies that routes come from. */
  readonly gateway: Peer;
  /** The proxies that users' services are reached through. */
  readonly userGateway: Peer;
  /** What lies outside the cluster: the internet without private addresses, or what stands in for it. */
  readonly internet: Peer;

  constructor(region: Region) {
    this.dns = podsOf('dns', region.cluster.dns.namespace, region.cluster.dns.labels);
    this.gateway = podsOf('gateway', region.exposure.from.namespace, region.exposure.from.labels);
    const { userIngress } = region.exposure;
    this.userGateway = userIngress ? podsOf('user-ingress', userIngress.from.namespace, userIngress.from.labels) : this.gateway;
    this.internet = region.internet === 'direct' ? { peerName: 'internet', peers: [publicAddresses] } : addresses('internet', region.internet.cidrs);
    this.apiServer = addresses('kube-apiserver', region.cluster.apiServer.cidrs);
  }

  /** Permits `from` to open connections to `to`; asking twice is the same as once. */
  connect(from: Peer, to: Peer, port: number, why: string): void {
    if (this.edges.some((edge) => edge.from === from && edge.to === to && edge.port === port)) return;
    this.edges.push({ from, to, port, protocol: 'TCP', why });
  }

  /** The policy of some pods: their edges of the graph, and DNS when they connect to anything. */
  policy(peer: Peer, podSelector: k8s.LabelSelector): k8s.NetworkPolicySpec {
    const incoming = this.edges.filter((edge) => edge.to === peer);
    const outgoing = this.edges.filter((edge) => edge.from === peer);
    const dns: Edge[] = outgoing.length
      ? (['TCP', 'UDP'] as const).map((protocol) => ({ from: peer, to: this.dns, port: 53, protocol, why: 'names' }))
      : [];
    return {
      podSelector,
      policyTypes: ['Ingress', 'Egress'],
      ingress: merged(incoming, (edge) => edge.from).map(([from, ports]) => ({ from: [...from.peers], ports })),
      egress: merged([...outgoing, ...dns], (edge) => edge.to).map(([to, ports]) => ({ to: [...to.peers], ports })),
    };
  }
}

const publicAddresses: k8s.NetworkPolicyPeer = {
  ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'] },
};

export function podsOf(peerName: string, namespace: string, labels: Record<string, string>): Peer {
  return {
    peerName,
    peers: [
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, podSelector: { matchLabels: labels } },
    ],
  };
}

export function addresses(peerName: string, cidrs: readonly string[]): Peer {
  return { peerName, peers: cidrs.map((cidr) => ({ ipBlock: { cidr } })) };
}

/** The edges by their other end, both in a stable order. */
function merged(edges: readonly Edge[], otherEnd: (edge: Edge) => Peer): [Peer, k8s.NetworkPolicyPort[]][] {
  const byPeer = new Map<string, { peer: Peer; edges: Edge[] }>();
  for (const edge of edges) {
    const peer = otherEnd(edge);
    const group = byPeer.get(peer.peerName) ?? { peer, edges: [] };
    group.edges.push(edge);
    byPeer.set(peer.peerName, group);
  }
  return [...byPeer.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => [
      group.peer,
      group.edges
        .sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1))
        .map(({ port, protocol }) => ({ port: k8s.IntOrString.fromNumber(port), protocol })),
    ]);
}
