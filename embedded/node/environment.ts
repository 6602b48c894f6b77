import type { Kube, KubeObject } from '../kube';
import { nodeName } from './this-computer';

/** The container cannot be started as the manifest stands now: something that it names is missing. */
export class ConfigError extends Error {}

export type Env = Record<string, string>;

/** Reads what manifests refer to. */
export class References {
  constructor(private readonly kube: Kube, private readonly namespace: string) {}

  /** The API server's address. */
  get server(): string {
    return this.kube.server;
  }

  /** Keys and values of a ConfigMap or Secret; undefined when it is optional and not there. */
  async read(kind: 'ConfigMap' | 'Secret', name: string, optional = false): Promise<Record<string, Buffer> | undefined> {
    const object = await this.kube.get({ apiVersion: 'v1', kind, metadata: { name, namespace: this.namespace } });
    if (!object) {
      if (optional) return undefined;
      throw new ConfigError(`${kind} "${name}" is not there`);
    }
    const decoded = (data: Record<string, string> | undefined, encoding: 'utf8' | 'base64') =>
      Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)] as const);
    return Object.fromEntries(
      kind === 'Secret' ? decoded(object.data, 'base64') : [...decoded(object.data, 'utf8'), ...decoded(object.binaryData, 'base64')],
    );
  }
}

/** The manifest's environment of a container: envFrom, then env, with `$(NAME)` expanded. @throws ConfigError */
export async function environmentOf(pod: KubeObject, container: KubeObject['spec'], address: string, references: References): Promise<Env> {
  const env: Env = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const [kind, ref] = configMapRef ? (['ConfigMap', configMapRef] as const) : (['Secret', secretRef] as const);
    for (const [key, value] of Object.entries((await references.read(kind, ref.name, ref.optional)) ?? {})) env[`${prefix}${key}`] = value.toString('utf8');
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) env[name] = expanded(value ?? '', env);
    else if (valueFrom.fieldRef) env[name] = fieldOf(pod, valueFrom.fieldRef.fieldPath, address);
    else {
      const [kind, ref] = valueFrom.configMapKeyRef ? (['ConfigMap', valueFrom.configMapKeyRef] as const) : (['Secret', valueFrom.secretKeyRef] as const);
      const found = (await references.read(kind, ref.name, ref.optional))?.[ref.key];
      if (found) env[name] = found.toString('utf8');
      else if (!ref.optional) throw new ConfigError(`${kind} "${ref.name}" has no key "${ref.key}"`);
    }
  }
  return env;
}

/** `$(NAME)` by its value where it has one, `$$` by `$`. */
export function expanded(text: string, env: Env): string {
  return text.replace(/\$\$|\$\(([^()]+)\)/g, (match, name?: string) => (name === undefined ? '$' : (env[name] ?? match)));
}

/** A field of the pod as its processes see it: their address is the one where they can listen. @throws ConfigError */
export function fieldOf(pod: KubeObject, path: string, address: string): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return metadata[keyed[1] as 'labels']?.[keyed[2]!] ?? '';
  const all = (values: Record<string, string> | undefined) => Object.entries(values ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
  const fields: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace!,
    'metadata.uid': metadata.uid!,
    'metadata.labels': all(metadata.labels),
    'metadata.annotations': all(metadata.annotations),
    'spec.nodeName': nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': address,
    'status.podIPs': address,
    'status.hostIP': address,
    'status.hostIPs': address,
  };
  const found = fields[path];
  if (found === undefined) throw new ConfigError(`the process node does not know the field ${path}`);
  return found;
}
