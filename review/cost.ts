import { amount, bytesText } from '../model/fields';
import type { Manifest } from '../policies/rule';
import { podsIn } from '../policies/tree';
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
  /** The sum of the quotas of namespaces. */
  readonly quotas: Resources;
}

const nothing: Resources = { cpu: 0, memory: 0, gpu: 0, storage: 0 };
const names = Object.keys(nothing) as (keyof Resources)[];

export function totalsOf(objects: readonly Manifest[]): Totals {
  const total = (of: Map<string, Resources>) => rounded(sum([...of.values()]));
  return { requests: total(requestsOf(objects)), quotas: total(quotasOf(objects)) };
}

/** What each object asks for, and what each quota grants, where that differs. */
export function costOf(before: readonly Manifest[], after: readonly Manifest[]): Told[] {
  const told = (topic: string, [old, fresh]: readonly [Map<string, Resources>, Map<string, Resources>]) =>
    [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((id): Told[] => {
      const [from, to] = [old.get(id) ?? nothing, fresh.get(id) ?? nothing];
      const changed = names.filter((name) => from[name] !== to[name]);
      const [namespace = '', , name] = id.split('/');
      const text = `${namespace}/${name}: ${changed.map((each) => `${each} ${figure(each, from[each])} → ${figure(each, to[each])}`).join(', ')}`;
      return changed.length ? [{ class: 'cost', effect: 'neutral', topic, text, subjects: [namespace, topic], objects: [id] }] : [];
    });
  return [...told('requests', [requestsOf(before), requestsOf(after)]), ...told('quotas', [quotasOf(before), quotasOf(after)])];
}

function requestsOf(objects: readonly Manifest[]): Map<string, Resources> {
  const found = new Map<string, Resources>();
  for (const { object, spec } of podsIn(objects)) {
    const own = list(spec.containers).map(({ resources }) => asked({ ...resources?.limits, ...resources?.requests }, ''));
    const init = list(spec.initContainers).map(({ resources }) => asked({ ...resources?.limits, ...resources?.requests }, ''));
    const pod = Object.fromEntries(names.map((name) => [name, Math.max(sum(own)[name], ...init.map((each) => each[name]))])) as unknown as Resources;
    const claims = sum(list(object.spec?.volumeClaimTemplates).map((claim) => asked({ storage: claim.spec?.resources?.requests?.storage }, '')));
    const replicas = Number(object.spec?.replicas ?? object.spec?.parallelism ?? 1);
    found.set(idOf(object), times({ ...pod, storage: claims.storage }, replicas));
  }
  for (const object of objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')) found.set(idOf(object), asked({ storage: object.spec?.resources?.requests?.storage }, ''));
  return found;
}

function quotasOf(objects: readonly Manifest[]): Map<string, Resources> {
  return new Map(objects.filter(({ kind }) => kind === 'ResourceQuota').map((object) => [idOf(object), asked(object.spec?.hard ?? {}, 'requests.')]));
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

/** A figure as people read it: `0.5`, `16.4G`. */
export function figure(name: keyof Resources, value: number): string {
  return name === 'memory' || name === 'storage' ? bytesText(value) : String(Math.round(value * 1000) / 1000);
}
