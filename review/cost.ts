import { amount } from '../model/fields';
import type { Manifest } from '../policies/rule';
import { isProvisioned, podsIn } from '../policies/tree';
import { idOf } from '../constructs/objects';
import type { Told } from './change';
import { list } from './facts/fact';

/** What is asked for: cores, bytes of memory, GPUs, bytes of volumes. */
export interface Resources {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
  readonly storage: number;
}

export interface Totals {
  /** Requests × replicas; a pod of a DaemonSet counts once, since the nodes are not in the tree. */
  readonly requests: Resources;
  /** What containers may use at most, × replicas; without what one of them has no limit of. */
  readonly limits: Partial<Pick<Resources, 'cpu' | 'memory'>>;
  /** The sum of what the quotas of namespaces let them request; without those that no quota names. */
  readonly quotas: Partial<Resources>;
  /** The same of what they let be used at most. */
  readonly quotaLimits: Partial<Resources>;
  /** Number of buckets that may grow without a limit. */
  readonly buckets: number;
}

const nothing: Resources = { cpu: 0, memory: 0, gpu: 0, storage: 0 };
/** As quotas and containers call them. */
const keys: Readonly<Record<keyof Resources, string>> = { cpu: 'cpu', memory: 'memory', gpu: 'nvidia.com/gpu', storage: 'storage' };
const names = Object.keys(keys) as (keyof Resources)[];

export function totalsOf(objects: readonly Manifest[]): Totals {
  const hard = objects.filter(({ kind }) => kind === 'ResourceQuota').map(({ spec }): Record<string, unknown> => spec?.hard ?? {});
  const granted = (prefix: string): Partial<Resources> => {
    const total = rounded(sum(hard.map((each) => asked(each, prefix))));
    return Object.fromEntries(names.filter((name) => hard.some((each) => `${prefix}${keys[name]}` in each)).map((name) => [name, total[name]]));
  };
  return {
    requests: rounded(sum([...requestsOf(objects).values()])),
    limits: limitsOf(objects),
    quotas: granted('requests.'),
    quotaLimits: granted('limits.'),
    buckets: objects.filter((object) => isProvisioned(object, 'minio') && object.kind === 'S3Bucket' && !object.spec?.quota).length,
  };
}

function limitsOf(objects: readonly Manifest[]): Totals['limits'] {
  const all = podsIn(objects).flatMap(({ object, spec }) => list(spec.containers).map(({ resources }) => ({ limits: resources?.limits ?? {}, replicas: replicasOf(object) })));
  const total = rounded(sum(all.map(({ limits, replicas }) => times(asked(limits, ''), replicas))));
  return Object.fromEntries((['cpu', 'memory'] as const).filter((name) => all.every(({ limits }) => limits[name] !== undefined)).map((name) => [name, total[name]]));
}

function replicasOf(object: Manifest): number {
  return Number(object.spec?.replicas ?? object.spec?.parallelism ?? 1);
}

/** What each object asks for, and what each quota grants, where that differs. */
export function costOf(before: readonly Manifest[], after: readonly Manifest[]): Told[] {
  const told = (topic: string, old: Map<string, Figures>, fresh: Map<string, Figures>) =>
    [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((id): Told[] => {
      const [from, to] = [old.get(id) ?? {}, fresh.get(id) ?? {}];
      const changed = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((name) => from[name]?.amount !== to[name]?.amount);
      const [namespace = '', , name] = id.split('/');
      const text = `${namespace}/${name}: ${changed.map((each) => `${each} ${from[each]?.text ?? 'none'} → ${to[each]?.text ?? 'none'}`).join(', ')}`;
      return changed.length ? [{ class: 'cost', effect: 'neutral', topic, text, subjects: [namespace, topic], objects: [id] }] : [];
    });
  const requests = (objects: readonly Manifest[]) => new Map([...requestsOf(objects)].map(([id, of]): [string, Figures] => [id, Object.fromEntries(names.filter((name) => of[name]).map((name) => [name, { amount: of[name], text: figure(name, of[name]) }]))]));
  return [...told('requests', requests(before), requests(after)), ...told('quotas', quotasOf(before), quotasOf(after))];
}

/** Amounts by name, and how they are written. */
type Figures = Readonly<Record<string, { readonly amount: number; readonly text: string }>>;

function requestsOf(objects: readonly Manifest[]): Map<string, Resources> {
  const found = new Map<string, Resources>();
  for (const { object, spec } of podsIn(objects)) {
    const own = list(spec.containers).map(({ resources }) => asked({ ...resources?.limits, ...resources?.requests }, ''));
    const init = list(spec.initContainers).map(({ resources }) => asked({ ...resources?.limits, ...resources?.requests }, ''));
    const pod = Object.fromEntries(names.map((name) => [name, Math.max(sum(own)[name], ...init.map((each) => each[name]))])) as unknown as Resources;
    const claims = sum(list(object.spec?.volumeClaimTemplates).map((claim) => asked({ storage: claim.spec?.resources?.requests?.storage }, '')));
    found.set(idOf(object), times({ ...pod, storage: claims.storage }, replicasOf(object)));
  }
  for (const object of objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')) found.set(idOf(object), asked({ storage: object.spec?.resources?.requests?.storage }, ''));
  return found;
}

function quotasOf(objects: readonly Manifest[]): Map<string, Figures> {
  return new Map(objects.filter(({ kind }) => kind === 'ResourceQuota').map((object) => [
    idOf(object), Object.fromEntries(Object.entries<unknown>(object.spec?.hard ?? {}).map(([name, value]) => [name, { amount: amount(String(value)), text: String(value) }])),
  ]));
}

function asked(from: Record<string, unknown>, prefix: string): Resources {
  const of = (name: string) => amount(String(from[`${prefix}${name}`] ?? 0)) || 0;
  return { cpu: of('cpu'), memory: of('memory'), gpu: of('nvidia.com/gpu'), storage: of('storage') };
}

function sum(all: readonly Resources[]): Resources {
  return all.reduce((total, each) => ({ cpu: total.cpu + each.cpu, memory: total.memory + each.memory, gpu: total.gpu + each.gpu, storage: total.storage + each.storage }), nothing);
}

/** Without the last digits of binary fractions. */
function rounded({ cpu, ...rest }: Resources): Resources {
  return { ...rest, cpu: Math.round(cpu * 1000) / 1000 };
}

function times({ cpu, memory, gpu, storage }: Resources, factor: number): Resources {
  return { cpu: cpu * factor, memory: memory * factor, gpu: gpu * factor, storage: storage * factor };
}

/** A figure as quotas write it: `0.5`, `16Gi`; to a thousandth. */
export function figure(name: keyof Resources, value: number): string {
  const bytes = name === 'memory' || name === 'storage';
  return `${Math.round((bytes ? value / 2 ** 30 : value) * 1000) / 1000}${bytes && value ? 'Gi' : ''}`;
}
