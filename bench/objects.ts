import { ApiObject, App } from 'cdk8s';
import { Construct } from 'constructs';
import { compose } from '../constructs/compose';
import { entriesOf, type Entry, type PlatformObject } from '../constructs/objects';
import { Platform } from '../constructs/platform';
import { packageOf } from '../constructs/tokens';
import type { Stack } from '../model/stack';

export interface ObjectsProps {
  /** How many times the objects of the stack; what is added are people's namespaces. */
  readonly times: number;
  /** Whether a deployment waits until each object is ready, as it does by default. */
  readonly wait: boolean;
}

/**
 * The Kubernetes objects of a stack, in their order, as a platform of their own: nothing on servers, and no image that this
 * computer would run, so that every pod is simulated.
 */
export function objectsOf(stack: Stack, { times, wait }: ObjectsProps): Platform {
  const platform = new Platform(new App(), stack);
  const entries = entriesOf(compose(withPeople(stack, times)));
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const systems = new Map<string, Construct>();
  const planted = new Map<string, ApiObject>();
  const kept = entries.filter(isKubernetes);
  for (const { id, system, object } of kept) {
    const parent = systems.get(system) ?? new Construct(platform, system);
    systems.set(system, parent);
    planted.set(id, new ApiObject(parent, id.replaceAll('/', ' '), wait ? simulated(object) : unwaited(simulated(object))));
  }
  // What waited for a thing on a server waits for the objects that this waited for.
  const needed = (entry: Entry): string[] => entry.after.flatMap((id) => (planted.has(id) ? [id] : needed(byId.get(id)!)));
  for (const entry of kept) for (const id of new Set(needed(entry))) planted.get(entry.id)!.node.addDependency(planted.get(id)!);
  return platform;
}

/** The stack with as many more people as make its Kubernetes objects `times` as many. */
function withPeople(stack: Stack, times: number): Stack {
  const region = stack.instance.regions[stack.region]!;
  const withMore = (count: number): Stack => {
    const more = Array.from({ length: count }, (_, index) => [`more${index}`, { admin: false, projects: [] as string[] }]);
    const demoUsers = { ...region.demoUsers, ...Object.fromEntries(more) };
    return { ...stack, instance: { ...stack.instance, regions: { ...stack.instance.regions, [stack.region]: { ...region, demoUsers } } } };
  };
  if (times === 1) return stack;
  const size = (count: number) => entriesOf(compose(withMore(count))).filter(isKubernetes).length;
  const [base, each] = [size(0), size(1) - size(0)];
  return withMore(Math.round(((times - 1) * base) / each));
}

function isKubernetes({ object }: Entry): boolean {
  return packageOf(object) === undefined;
}

function simulated<T>(value: T): T {
  const text = JSON.stringify(value, (key, inner: unknown) => (key === 'image' ? 'registry.invalid/simulated:1' : inner));
  return JSON.parse(text) as T;
}

function unwaited(object: PlatformObject): PlatformObject {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'pulumi.com/skipAwait': 'true' } } };
}
