import { readFileSync, writeFileSync } from 'node:fs';
import { sealVault } from '../../model/embedded-region';
import type { KubeObject } from '../kube';
import { readText } from '../state';

/** A pod of this node as names lead to it. */
export interface NamedPod {
  readonly object: KubeObject;
  readonly loopback: string;
  readonly ready: boolean;
}

/**
 * The /etc/hosts of one pod. `localhost` is the pod's own address, since 127.0.0.1 is the computer's; each Service is
 * the address of a ready pod behind it, a headless one of all of them; `kubernetes` is the API server, and beside it is the
 * Vault that opens the datalab's own.
 */
export function hostsOf(pod: NamedPod, services: readonly KubeObject[], pods: readonly NamedPod[], region: string): string {
  const { namespace, name } = pod.object.metadata;
  const { hostname = name, subdomain } = pod.object.spec;
  const own = subdomain ? [`${hostname}.${subdomain}.${namespace}.svc.cluster.local`, hostname] : [hostname];
  const lines = [`${pod.loopback} localhost ${own.join(' ')}`, `${region} ${namesOf('kubernetes', 'default', namespace!).join(' ')} ${sealVault.host}`];
  for (const service of services) {
    const { metadata, spec } = service;
    if (metadata.name === 'kubernetes' && metadata.namespace === 'default') continue;
    const headless = spec.clusterIP === 'None';
    const backing = pods.filter((each) => isBehind(each, service));
    const names = namesOf(metadata.name, metadata.namespace!, namespace!);
    for (const { loopback } of headless ? backing : backing.slice(0, 1)) lines.push(`${loopback} ${names.join(' ')}`);
    for (const { object, loopback } of headless ? backing.filter((each) => each.object.spec.subdomain === metadata.name) : []) {
      const host: string = object.spec.hostname ?? object.metadata.name;
      lines.push(`${loopback} ${names.map((known) => `${host}.${known}`).join(' ')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Written over, not replaced: containers have the file itself mounted. */
export function writeHosts(path: string, content: string): void {
  if (readText(path) !== content) writeFileSync(path, content, { mode: 0o644 });
}

/** Names servers on this computer, as its own resolver would. */
export function computerResolver(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return '';
  }
}

function isBehind({ object, ready }: NamedPod, { metadata, spec }: KubeObject): boolean {
  const selector = Object.entries((spec.selector ?? {}) as Record<string, string>);
  return (
    selector.length > 0 &&
    object.metadata.namespace === metadata.namespace &&
    (ready || spec.publishNotReadyAddresses === true) &&
    selector.every(([key, value]) => object.metadata.labels?.[key] === value)
  );
}

/** The forms of a Service's name; the bare one only within its namespace. */
function namesOf(name: string, namespace: string, from: string): string[] {
  const full = [`${name}.${namespace}.svc.cluster.local`, `${name}.${namespace}.svc`, `${name}.${namespace}`];
  return namespace === from ? [...full, name] : full;
}
