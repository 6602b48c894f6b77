import type { Told } from './change';
import { shown, withoutComments } from './canonical';
import type { ObjectChange } from './compare';
import { topics, type Fact } from './facts/fact';

type Facts = ReadonlyMap<string, Fact>;

/**
 * What the facts of two revisions mean for security. `ids`: the objects of each revision. `sources`: namespaces that stand for those to come,
 * and the ConfigMap that says what is in them.
 */
export function securityOf(
  before: Facts,
  after: Facts,
  ids: { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> },
  objects: readonly ObjectChange[],
  sources: ReadonlyMap<string, string>,
): Told[] {
  const [had, has] = [coverOf(before), coverOf(after)];
  const lasting = ({ within }: Fact) => within === undefined || (ids.before.has(within) && ids.after.has(within));
  const told = (fact: Fact, effect: Told['effect'], text: string, whole = text): Told => ({
    class: 'security', effect, topic: topics[fact.topic][0], several: topics[fact.topic][1], text: shown(text, 400), whole, subjects: fact.subjects, objects: objectsOf(fact, objects, sources),
  });
  const opened = pairsOf(after, before, had.permits);
  const closed = pairsOf(before, after, has.permits);
  return [
    ...[...after].filter(([key, fact]) => !before.has(key) && lasting(fact) && !(fact.half && opened.has(fact.half))).flatMap(([, fact]): Told[] => {
      const text = written(fact);
      if (fact.sense === 'guards') return has.guards(fact) && had.guards(fact) ? [] : [told(fact, 'narrows', text)];
      if (fact.sense === 'tells') return [];
      if (fact.amount !== undefined) return [told(fact, 'narrows', `${fact.text}: no limit → ${fact.value}`)];
      return had.permits(fact) ? [] : [told(fact, 'widens', fact.remark ? `${text}; ${fact.remark}` : text)];
    }),
    ...[...before].filter(([key, fact]) => !after.has(key) && lasting(fact) && !(fact.half && closed.has(fact.half))).flatMap(([, fact]): Told[] => {
      const text = `no longer: ${written(fact)}`;
      if (fact.sense === 'guards') return has.guards(fact) ? [] : [told(fact, 'widens', text)];
      if (fact.sense === 'tells') return [];
      if (fact.amount !== undefined) return [told(fact, 'widens', `${fact.text}: ${fact.value} → no limit`)];
      if (fact.sense === 'sets') return [told(fact, fact.object && !ids.after.has(fact.object) ? 'narrows' : 'widens', text)];
      return has.permits(fact) ? [] : [told(fact, 'narrows', text)];
    }),
    ...[...after].flatMap(([key, fact]): Told[] => {
      const old = before.get(key);
      if (!old || (old.value === fact.value && old.amount === fact.amount) || !lasting(fact)) return [];
      const [from, to] = [old.value ?? '', fact.value ?? ''];
      const whole = `${fact.text}: ${from} → ${to}`;
      const text = `${fact.text}: ${between(from, to)}`;
      if (fact.amount !== undefined && old.amount !== undefined) {
        return fact.amount === old.amount ? [] : [told(fact, fact.amount > old.amount ? 'widens' : 'narrows', text, whole)];
      }
      return [told(fact, fact.sense === 'tells' ? 'neutral' : 'widens', text, whole)];
    }),
  ];
}

/** The connections that are new, or go. */
function pairsOf(facts: Facts, others: Facts, covered: (fact: Fact) => boolean): ReadonlySet<string> {
  return new Set([...facts].filter(([key, fact]) => fact.pair && !others.has(key) && !covered(fact)).map(([, { pair }]) => pair!));
}

function written({ text, value }: Fact): string {
  return value === undefined ? text : `${text}: ${value}`;
}

/** Two values in one line; of texts with many lines, those that differ. */
function between(from: string, to: string): string {
  if (!from.includes('\n') && !to.includes('\n')) return `${shown(from)} → ${shown(to)}`;
  const [old, fresh] = [from, to].map((text) => withoutComments(text).split('\n')) as [string[], string[]];
  const only = (lines: readonly string[], others: readonly string[], sign: string) => lines.filter((line) => !others.includes(line)).map((line) => `${sign} ${line}`);
  return [...only(old, fresh, '-'), ...only(fresh, old, '+')].join(' ') || 'the order of its lines';
}

/** What a revision permits and guards already, in other words. */
function coverOf(facts: Facts): { permits: (fact: Fact) => boolean; guards: (fact: Fact) => boolean } {
  const patterns = new Map<string, (readonly string[])[]>();
  const guards = new Set<string>();
  for (const { topic, sense, covers, subjects, value } of facts.values()) {
    if (covers?.some((part) => part.includes('*'))) patterns.set(topic, [...(patterns.get(topic) ?? []), covers]);
    if (topic === 'guard' && sense === 'guards' && value !== undefined) guards.add(`${subjects[0]} ${value}`);
  }
  return {
    permits: ({ topic, covers }) => covers !== undefined && (patterns.get(topic) ?? []).some((pattern) => pattern.length === covers.length && pattern.every((part, index) => matches(part, covers[index]!, index))),
    guards: ({ topic, subjects, value }) => topic === 'guard' && value !== undefined && guards.has(`${subjects[0]} ${value}`),
  };
}

/** Whether a part with `*` stands for another; the first says who, as it is. */
function matches(pattern: string, part: string, index: number): boolean {
  if (pattern === part || (index > 0 && pattern === '*')) return true;
  if (index === 0 || !pattern.includes('*')) return false;
  const literals = pattern.split('*');
  let at = 0;
  return part.startsWith(literals[0]!) && part.endsWith(literals.at(-1)!) && literals.every((literal, position) => {
    const found = position === literals.length - 1 ? part.length - literal.length : part.indexOf(literal, at);
    if (found < at) return false;
    at = found + literal.length;
    return true;
  });
}

function objectsOf({ object, namespaces = [] }: Fact, changed: readonly ObjectChange[], sources: ReadonlyMap<string, string>): string[] {
  const source = sources.get(object?.split('/')[0] ?? '') ?? sources.get(object?.split('/').slice(2).join('/') ?? '') ?? object;
  if (source !== undefined) return [source];
  const kept = namespaces.flatMap((namespace) => sources.get(namespace) ?? []);
  return changed.filter(({ id, before, after }) => {
    const { kind, metadata } = (after ?? before)!;
    if (kind === 'Namespace') return namespaces.includes(metadata.name);
    return kept.includes(id) || (namespaces.includes(metadata.namespace ?? '') && (kind === 'NetworkPolicy' || 'template' in ((after ?? before)!.spec ?? {})));
  }).map(({ id }) => id);
}
