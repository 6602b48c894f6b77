import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { digestOf, leavesOf } from '../canonical';

/** What a fact is about, and what several such facts are called; a diff folds by it, and tells it in this order. */
export const topics = {
  route: ['ways in from outside', 'ways in'],
  reach: ['who reaches whom', 'connections'],
  rbac: ['rights on the API server', 'rights'],
  s3: ['rights on buckets', 'rights'],
  vault: ['rights on secrets in Vault', 'rights'],
  login: ['logins and tokens', 'settings'],
  pods: ['what pods may do', 'liberties'],
  secrets: ['who holds which secret', 'secrets'],
  image: ['where code comes from', 'images'],
  limit: ['how much, and how long', 'limits'],
  guard: ['what is refused', 'refusals'],
  config: ['what servers are told', 'settings'],
  other: ['what this diff does not know', 'settings'],
} as const;

export type Topic = keyof typeof topics;

/**
 * One thing that holds in one revision. Its sense says what it means when it comes, goes or has another value:
 *
 * | sense     | comes   | goes    | another value                      |
 * |-----------|---------|---------|------------------------------------|
 * | `permits` | widens  | narrows | widens, or by its amount           |
 * | `guards`  | narrows | widens  | widens: which way cannot be told   |
 * | `sets`    | widens  | widens  | widens: which way cannot be told   |
 * | `tells`   | neutral | neutral | neutral                            |
 */
export interface Fact {
  readonly topic: Topic;
  readonly sense: 'permits' | 'guards' | 'sets' | 'tells';
  /** In words, complete and stable: with its topic it is its own identity. */
  readonly text: string;
  readonly value?: string;
  /** What a reader has to know with it where it is new; no part of what it is. */
  readonly remark?: string;
  /** Of a limit: more is more open, and no limit is most open. */
  readonly amount?: number;
  /** What a diff may fold it by: a namespace, a client, a policy. */
  readonly subjects: readonly string[];
  /** A right as exact words and then patterns with `*`: one that another right covers is nothing new. */
  readonly covers?: readonly string[];
  /** It counts only where this object is in both revisions: a quota of a new namespace is no narrowing. */
  readonly within?: string;
  /** The object that says so; of a connection, the namespaces whose policies do. */
  readonly object?: string;
  readonly namespaces?: readonly string[];
  /** The connection that this is, or that this is one side of: a side says nothing where the connection itself opens or closes. */
  readonly pair?: string;
  readonly half?: string;
}

/** The settings of an object, each as a fact whose direction cannot be told, without the paths that `known` matches. */
export function settingsOf(object: Manifest, of: { topic: Topic; subject: string; value: unknown; known: RegExp; sense?: Fact['sense']; within?: string }): Fact[] {
  const { topic, subject, value, known, sense = 'sets', within } = of;
  return leavesOf(value, '', (path) => known.test(path)).map(([path, text]): Fact => ({
    topic, sense, text: `${subject}: ${path}`, value: isSecret(path) ? hidden(text) : text, subjects: [subject], object: idOf(object), ...(within === undefined ? {} : { within }),
  }));
}

/** Whether the name of a setting says that its value is nobody else's business. */
export function isSecret(name: string): boolean {
  return /passw|secret|token$|credential|private_?key|api_?key/i.test(name);
}

/** A value that is not shown; tokens of derived secrets are no values. */
export function hidden(value: string): string {
  return /^\$\{(secret|output):[^}]*\}$/.test(value) ? value.replace(/@v\d+\}$/, '}') : `not shown (sha256 ${digestOf(value, 16)})`;
}

/** `namespace/name`, or the name of an object of the cluster. */
export function nameOf({ metadata }: Manifest): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** A list, or none. */
export function list(value: unknown): any[] {
  return value === undefined || value === null ? [] : [value].flat();
}

/** The name in a reference to another object: `ape` of `${output:vault/group/ape#id}`. */
export function reference(token: unknown): string {
  return String(token).replace(/^.*\/([^/#]+)#.*$/, '$1');
}
