import { compose } from '../constructs/compose';
import type { Edge, Peer } from '../constructs/network';
import { entriesOf, type PlatformObject } from '../constructs/objects';
import type { Stack } from '../model/stack';

const kinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

/**
 * The platform of a stack as a Mermaid flowchart: namespaces with their workloads, and the connections that are
 * permitted between them. Everything else is denied. Equal input, equal text.
 * Left out: DNS, which every workload that connects to anything may ask, and the namespaces of people and projects.
 */
export function topology(stack: Stack): string {
  const platform = compose(stack);
  const workloads = entriesOf(platform).map(({ object }) => object).filter(({ kind }) => kinds.has(kind));
  const names = new Set(workloads.map(nameOf));
  const { edges } = platform.network;
  const outside = edges.flatMap(({ from, to }) => [from, to]).filter(({ peerName }) => !names.has(peerName));
  return [
    'flowchart LR',
    ...uniqueSorted(outside.map((peer) => `  ${idOf(peer.peerName)}([${quoted(peer.peerName, ...placeOf(peer))}])`)),
    ...grouped(workloads, ({ metadata }) => metadata.namespace!).flatMap(([namespace, members]) => [
      `  subgraph ns__${plain(namespace)} [${quoted(namespace)}]`,
      ...uniqueSorted(members.map((object) => `    ${idOf(nameOf(object))}[${quoted(object.metadata.name, countOf(object))}]`)),
      '  end',
    ]),
    ...grouped(edges, ({ from, to }) => `  ${idOf(from.peerName)} --> ${idOf(to.peerName)}`).map(([ends, between]) =>
      ends.replace('-->', `-->|${quoted(...reasons(between))}|`),
    ),
    '',
  ].join('\n');
}

/** `9000, 9001: requests from outside`, one line for each reason. */
function reasons(edges: readonly Edge[]): string[] {
  return grouped(edges, ({ why }) => why).map(([why, same]) => `${same.map(({ port }) => port).sort((a, b) => a - b).join(', ')}: ${why}`);
}

/** What a workload is and how many pods it has. */
function countOf({ kind, spec }: PlatformObject): string {
  const { replicas = 1 } = spec as { replicas?: number };
  if (kind === 'DaemonSet') return 'DaemonSet, a pod on each node of its pool';
  return replicas === 1 ? kind : `${kind}, ${replicas} pods`;
}

/** Where something is that the platform does not deploy: a namespace of the cluster, or addresses. */
function placeOf({ peers }: Peer): string[] {
  return peers.map(({ namespaceSelector, ipBlock }) => {
    const namespace = namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
    return namespace ? `namespace ${namespace}` : String(ipBlock?.cidr);
  });
}

function nameOf({ metadata }: PlatformObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** An id that no keyword of Mermaid equals: `keycloak__keycloak`, `outside__gateway`. */
function idOf(peerName: string): string {
  return peerName.includes('/') ? peerName.split('/').map(plain).join('__') : `outside__${plain(peerName)}`;
}

function plain(name: string): string {
  return name.replaceAll(/[^a-z0-9]/g, '_');
}

/** Lines of a label; quotes keep Mermaid from reading anything in them. */
function quoted(...lines: string[]): string {
  return `"${lines.map((line) => line.replaceAll('"', '#quot;')).join('<br/>')}"`;
}

function uniqueSorted(lines: readonly string[]): string[] {
  return [...new Set(lines)].sort();
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
