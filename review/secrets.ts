import { entriesOf, type Entry, type PlatformObject } from '../constructs/objects';
import type { Platform } from '../constructs/platform';
import { secretsIn } from '../constructs/secrets';
import { packageOf } from '../constructs/tokens';
import { labelOf } from '../model/secret-versions';

/** A derived secret of a stack, and who has its value. */
export interface SecretUse {
  readonly name: string;
  /** With its version. */
  readonly label: string;
  /** Ids of the workloads and providers that have it, or hold what a server made with it. */
  readonly usedBy: readonly string[];
  /** Those of them that a new version restarts. */
  readonly restarts: readonly string[];
}

/** Every derived secret of the platform, by name. */
export function secretUses(platform: Platform): SecretUse[] {
  const entries = entriesOf(platform);
  const labelsOf = new Map(entries.flatMap(({ object }) => (object.kind === 'Secret' ? [[secretId(object, object.metadata.name), labelsIn(object)] as const] : [])));
  const held = (entry: Entry) => (runs(entry.object) ? secretNames(entry.object).flatMap((name) => labelsOf.get(secretId(entry.object, name)) ?? []) : packageOf(entry.object) ? labelsIn(entry.object) : []);
  const names = [...new Set(entries.flatMap(({ object }) => labelsIn(object)).map((label) => label.replace(/@.*/, '')))].sort();
  return names.map((name) => {
    const label = labelOf(platform.stack.secrets, name);
    const restarts = entries.filter(({ object }) => restartLabels(object).includes(label));
    const users = entries.filter((entry) => held(entry).includes(label) || restarts.includes(entry));
    return { name, label, usedBy: users.map(({ id }) => id), restarts: restarts.map(({ id }) => id) };
  });
}

/** What a deployment does that gives secrets their next versions, in plain words: `restarts keycloak/statefulset/keycloak`. */
export function rotationEffects(before: Platform, after: Platform): string[] {
  const old = new Map(entriesOf(before).map(({ id, object }) => [id, JSON.stringify(object)]));
  return entriesOf(after).flatMap(({ id, object }) => {
    const was = old.get(id);
    if (was === JSON.stringify(object)) return [];
    if (object.kind === 'Job') return [`runs      ${id}`];
    if (runs(object)) return [`restarts  ${id}`];
    return object.kind === 'Provider' ? [`logs in   ${id}, with the new value`] : [];
  });
}

const controllers = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

function runs({ kind }: PlatformObject): boolean {
  return controllers.has(kind);
}

function labelsIn(object: PlatformObject): string[] {
  return secretsIn(JSON.stringify(object));
}

function secretId({ metadata }: PlatformObject, name: string): string {
  return `${metadata.namespace}/${name}`;
}

/** Names of the Secrets that the pods are given as variables or files. */
function secretNames(object: PlatformObject): string[] {
  const text = JSON.stringify(object.spec);
  return [...text.matchAll(/"secretKeyRef":\{[^}]*"name":"([^"]+)"|"secretName":"([^"]+)"/g)].map((match) => (match[1] ?? match[2])!);
}

function restartLabels(object: PlatformObject): string[] {
  if (object.kind === 'Job') return [];
  const { template } = (object.spec ?? {}) as { template?: { metadata?: { annotations?: Record<string, string> } } };
  return template?.metadata?.annotations?.['datalab-stacks/secrets']?.split(' ') ?? [];
}
