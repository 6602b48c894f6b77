import { idOf } from '../../../constructs/objects';
import type { Manifest } from '../../../policies/rule';

export type Path = readonly (string | number)[];

/** What an operator may do beside changing what it was given. */
export interface Scene {
  /** The object that holds what is changed, and its stack's other objects. */
  readonly object: any;
  readonly objects: readonly any[];
  /** A further object, with the labels that every object has. */
  readonly add: (object: object) => void;
  /** The object goes. */
  readonly drop: () => void;
}

/** One way to change what is rendered. What must catch it was written down before the first run. */
export interface Operator {
  readonly id: string;
  /** The rule that finds it; none where a rule cannot know. */
  readonly rule?: string;
  /** `<class> <effect> [<topic>]`, several with `|`: what the diff says of it. */
  readonly diff: string;
  /** None of these may be missed. */
  readonly critical?: true;
  /** Places in an object where it can act. */
  readonly at: (object: any, objects: readonly any[]) => readonly Path[];
  readonly act: (target: any, scene: Scene) => void;
}

export interface Mutant {
  readonly operator: Operator;
  readonly stack: string;
  /** Ids of the objects that it changed, added or removed. */
  readonly touched: readonly string[];
  readonly path: string;
  readonly objects: readonly Manifest[];
}

type Where = (target: any, object: any) => boolean;

/** The objects of a kind of Kubernetes, at a path inside. */
export function kind(kinds: string, path: Path = [], where: Where = () => true): Operator['at'] {
  return (object) => (kinds.split(' ').includes(object.kind) && !object.apiVersion.startsWith('provisioned/') ? there(object, path, where) : []);
}

/** The objects of a kind on a server of the platform. */
export function provisioned(server: string, kinds: string, path: Path = ['spec'], where: Where = () => true): Operator['at'] {
  return (object) => (object.apiVersion === `provisioned/${server}` && kinds.split(' ').includes(object.kind) ? there(object, path, where) : []);
}

/** Members of the lists that other places are. */
export function each(at: Operator['at'], where: Where = () => true): Operator['at'] {
  return (object, objects) => at(object, objects).flatMap((path) => ((get(object, path) ?? []) as any[]).flatMap((member, index) => (where(member, object) ? [[...path, index]] : [])));
}

const templates = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'];

/** Specs of pods. */
export function pods(where: Where = () => true): Operator['at'] {
  return (object) => (templates.includes(object.kind) ? there(object, ['spec', 'template', 'spec'], where) : []);
}

/** Containers of pods. */
export function containers(where: Where = () => true): Operator['at'] {
  return (object) => (templates.includes(object.kind) ? each((one) => there(one, ['spec', 'template', 'spec', 'containers'], () => true), where)(object, []) : []);
}

function there(object: any, path: Path, where: Where): Path[] {
  const target = get(object, path);
  return target !== undefined && where(target, object) ? [path] : [];
}

function get(object: any, path: Path): any {
  return path.reduce((at: any, key) => at?.[key], object);
}

/** Changes the JSON text of a field in place. */
export function json(holder: any, key: string, change: (value: any) => void): void {
  const value = JSON.parse(holder[key]);
  change(value);
  holder[key] = JSON.stringify(value);
}

/** Every place of an operator in a stack: the index of the object, and the path. */
export function placesOf(operator: Operator, objects: readonly Manifest[]): { readonly index: number; readonly path: Path }[] {
  return objects.flatMap((object, index) => operator.at(object, objects).map((path) => ({ index, path })));
}

/** The objects of a stack after an operator acted at a place; nothing where it changes nothing. */
export function mutate(operator: Operator, stack: string, before: readonly Manifest[], { index, path }: { readonly index: number; readonly path: Path }): Mutant | undefined {
  const old = before[index]!;
  const object: any = structuredClone(old);
  const added: any[] = [];
  let dropped = false;
  operator.act(get(object, path), {
    object,
    objects: before,
    add: (one: any) => added.push({ ...one, metadata: { ...one.metadata, labels: { 'datalab-stacks/stack': stack, 'app.kubernetes.io/part-of': 'datalab', 'app.kubernetes.io/managed-by': 'datalab-stacks', ...one.metadata.labels } } }),
    drop: () => { dropped = true; },
  });
  const changed = JSON.stringify(object) !== JSON.stringify(old);
  if (!changed && !dropped && !added.length) return undefined;
  const objects = [...before.slice(0, index), ...(dropped ? [] : [object]), ...before.slice(index + 1), ...added];
  const touched = [...(changed || dropped ? [idOf(old), idOf(object)] : []), ...added.map(idOf)];
  return { operator, stack, touched: [...new Set(touched)], path: path.join('.'), objects };
}
