import { digestOf } from './canonical';
import { topics } from './facts/fact';

/** One difference that a person reads. */
export interface Change {
  /** 12 hexadecimal digits, of the content alone: the same change in two stacks has one id, and an approval of it covers nothing else. */
  readonly id: string;
  readonly class: 'security' | 'data' | 'cost' | 'availability' | 'noise';
  /** `widens`: more may be done or lost than before, or that cannot be told. It needs an approval. */
  readonly effect: 'widens' | 'narrows' | 'neutral';
  /** `who reaches whom`, `rights on buckets`. */
  readonly topic: string;
  /** One line. */
  readonly text: string;
  /** Everything that is folded into it, sorted; one line each. */
  readonly details: readonly string[];
  /** Ids of the objects that say so: `<namespace or _cluster>/<kind>/<name>`. */
  readonly objects: readonly string[];
}

/** One thing that is told, before what belongs together is folded. */
export interface Told extends Omit<Change, 'id' | 'details'> {
  /** What it may be folded by, the closest first. */
  readonly subjects: readonly string[];
  /** What several of them are called: `connections`. @default 'changes' */
  readonly several?: string;
  /** All of it, where the text is shortened; it decides the id. */
  readonly whole?: string;
}

const classes: readonly Change['class'][] = ['security', 'data', 'cost', 'availability', 'noise'];
const effects: readonly Change['effect'][] = ['widens', 'narrows', 'neutral'];
const order: readonly string[] = Object.values(topics).map(([title]) => title);

/** Security first, what widens before what narrows, ways in from outside before what they lead to. */
export function inOrder(one: Pick<Change, 'class' | 'effect' | 'topic'>, other: Pick<Change, 'class' | 'effect' | 'topic'>): number {
  const place = ({ topic }: Pick<Change, 'topic'>) => (order.indexOf(topic) + order.length + 1) % (order.length + 1);
  return classes.indexOf(one.class) - classes.indexOf(other.class) || effects.indexOf(one.effect) - effects.indexOf(other.effect) || place(one) - place(other) || (one.topic < other.topic ? -1 : Number(one.topic > other.topic));
}

/** What has class, effect and topic in common becomes one change for each subject; the subject that explains most goes first. */
export function fold(told: readonly Told[]): Change[] {
  const kinds = new Map<string, Told[]>();
  for (const each of told) {
    const key = `${each.class} ${each.effect} ${each.topic}`;
    kinds.set(key, [...(kinds.get(key) ?? []), each]);
  }
  return [...kinds.values()].sort(([a], [b]) => inOrder(a!, b!)).flatMap(groups);
}

function groups(told: readonly Told[]): Change[] {
  const changes: Change[] = [];
  let left = told;
  while (left.length) {
    const counts = new Map<string, number>();
    left.forEach(({ subjects }) => subjects.forEach((subject) => counts.set(subject, (counts.get(subject) ?? 0) + 1)));
    const most = Math.max(...counts.values());
    const best = most === 1 ? left[0]!.subjects[0]! : [...counts].filter(([, count]) => count === most).map(([subject]) => subject).sort()[0]!;
    changes.push(changeOf(best, left.filter(({ subjects }) => subjects.includes(best))));
    left = left.filter(({ subjects }) => !subjects.includes(best));
  }
  return changes;
}

function changeOf(subject: string, folded: readonly Told[]): Change {
  const { class: kind, effect, topic, several = 'changes' } = folded[0]!;
  const details = [...new Set(folded.map(({ text }) => text))].sort();
  const whole = [...new Set(folded.map(({ whole: all, text }) => all ?? text))].sort();
  const text = details.length === 1 ? details[0]! : `${subject}: ${details.length} ${several}, such as ${bare(details[0]!, subject)}`;
  return {
    id: digestOf(JSON.stringify([kind, effect, topic, text, whole]), 12),
    class: kind, effect, topic, text, details, objects: [...new Set(folded.flatMap(({ objects }) => objects))].sort(),
  };
}

/** A text without its subject in front. */
function bare(text: string, subject: string): string {
  return text.startsWith(`${subject}: `) ? text.slice(subject.length + 2) : text;
}
