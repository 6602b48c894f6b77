import type { Approval } from '../model/approval';
import type { Change } from './change';
import type { StackDiff } from './diff';

export interface Approved {
  /** Widenings of any stack of the instance that no new approval names, each once. */
  readonly unapproved: readonly Change[];
  /** New approvals that name no widening: an error, for they would approve something later. */
  readonly unused: readonly Approval[];
  /** Approvals that stood in the base already: they approve nothing and are to be removed. */
  readonly spent: readonly Approval[];
}

/**
 * The widenings of all stacks of one instance against its approvals. One that stands in the base, word for word, was for another change:
 * an approval lets through what arrives together with it, and no more.
 */
export function judgeApprovals(diffs: readonly StackDiff[], base: readonly Approval[], head: readonly Approval[]): Approved {
  const stood = new Set(base.map(wordsOf));
  const spent = head.filter((approval) => stood.has(wordsOf(approval)));
  const fresh = head.filter((approval) => !stood.has(wordsOf(approval)));
  const widening = new Map(diffs.flatMap(({ changes }) => changes).filter(({ effect }) => effect === 'widens').map((change) => [change.id, change]));
  const named = new Set(fresh.map(({ id }) => id));
  return {
    unapproved: [...widening.values()].filter(({ id }) => !named.has(id)),
    unused: fresh.filter(({ id }) => !widening.has(id)),
    spent,
  };
}

function wordsOf({ id, reason, owner }: Approval): string {
  return JSON.stringify([id, reason, owner]);
}
