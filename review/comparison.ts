import type { Approval } from '../model/approval';
import { exitCodes, UserError, type Problem } from '../model/errors';
import { judgeApprovals, type Approved } from './approvals';
import { inOrder } from './change';
import { diffStack, type Change, type Rendered, type StackDiff } from './diff';
import type { Side } from './revisions';

/** What one instance approves of what becomes different in its stacks. */
export interface InstanceApprovals extends Approved {
  readonly instance: string;
  /** Those that stand in the head. */
  readonly approvals: readonly Approval[];
}

export interface Comparison {
  /** `main at 1a2b3c4d5e6f (merge base)`. */
  readonly before: string;
  readonly after: string;
  /** Stacks of either side, by name. */
  readonly stacks: readonly StackDiff[];
  readonly instances: readonly InstanceApprovals[];
}

/** Both sides, stack by stack; `today` is YYYY-MM-DD. Two trees of one stack each are compared whatever they are called. */
export function compareSides(before: Side, after: Side, today: string): Comparison {
  const pairs = pairsOf(before.stacks, after.stacks);
  const stacks = pairs.map(([old, fresh]) => diffStack(old, fresh, today));
  const instances = [...new Set(stacks.map(({ stack }) => instanceOf(stack)))];
  return {
    before: before.label,
    after: after.label,
    stacks,
    instances: instances.map((instance) => {
      const own = stacks.filter(({ stack }) => instanceOf(stack) === instance);
      const approvals = (side: 0 | 1) => pairs.find((pair) => pair[side] && instanceOf((pair[1] ?? pair[0])!.name) === instance)?.[side]?.approvals ?? [];
      return { instance, approvals: approvals(1), ...judgeApprovals(own, approvals(0), approvals(1)) };
    }),
  };
}

function pairsOf(before: readonly Rendered[], after: readonly Rendered[]): [Rendered | undefined, Rendered | undefined][] {
  if (before.length === 1 && after.length === 1) return [[before[0], after[0]]];
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.map((name) => [before.find((each) => each.name === name), after.find((each) => each.name === name)]);
}

/** `ssp-cloud` of `ssp-cloud.paris`. */
export function instanceOf(stack: string): string {
  return stack.split('.')[0]!;
}

/** A change that some stacks have in common. */
export interface Shared {
  readonly change: Change;
  readonly stacks: readonly string[];
  /** Of a widening. */
  readonly approval?: Approval;
}

/** Every change once, in the order of changes. */
export function sharedChanges({ stacks, instances }: Comparison): Shared[] {
  const shared = new Map<string, { change: Change; stacks: string[] }>();
  for (const { stack, changes } of stacks) {
    for (const change of changes) {
      const known = shared.get(change.id);
      if (known) known.stacks.push(stack);
      else shared.set(change.id, { change, stacks: [stack] });
    }
  }
  return [...shared.values()].sort((one, other) => inOrder(one.change, other.change)).map(({ change, stacks: names }) => {
    const own = instances.filter(({ instance }) => names.some((name) => instanceOf(name) === instance));
    const approved = change.effect === 'widens' && own.every(({ unapproved }) => !unapproved.some(({ id }) => id === change.id));
    return { change, stacks: names, ...(approved ? { approval: own.flatMap(({ approvals }) => approvals).find(({ id }) => id === change.id)! } : {}) };
  });
}

/** Everything that a person has to do before the change may land; nothing when there is nothing. */
export function objectionTo({ stacks, instances }: Comparison): UserError | undefined {
  const file = (instance: string) => `stacks/${instance}/instance.ts: approvals`;
  const refused = stacks.flatMap(({ stack, refused: altered }) => altered.map((problem): Problem => ({ ...problem, path: `${stack}: ${problem.path}` })));
  const findings = stacks.flatMap(({ stack, rules }) => rules.fresh.filter(({ status }) => status === 'failed').map(({ object, path, got, fix, rule }): Problem => ({
    path: `${stack}: ${object} ${path}`, got, allowed: `${rule.id}: ${rule.title}`, fix: `${fix}; or waive it, with owner, reason and end`,
  })));
  const unused = instances.flatMap(({ instance, unused: approvals }) => approvals.map(({ id, reason, owner }): Problem => ({
    path: file(instance), got: `${id}, by ${owner}: ${reason}`, allowed: 'ids of widenings that come with the same change', fix: 'remove it: it would approve something later',
  })));
  const unapproved = instances.flatMap(({ instance, unapproved: changes }) => changes.map(({ id, text }): Problem => ({
    path: file(instance), got: `nothing for: ${text}`, allowed: 'each widening approved by somebody who answers for it', fix: `if it is meant, add { id: '${id}', reason: '…', owner: '…' }`,
  })));
  const problems = [...refused, ...findings, ...unused, ...unapproved];
  if (!problems.length) return undefined;
  const code = refused.length ? exitCodes.wrongInput : findings.length || unused.length ? exitCodes.failed : exitCodes.widening;
  const reasons = [
    ...(refused.length ? ['it alters what is immutable'] : []),
    ...(findings.length ? ['it breaks rules'] : []),
    ...(unused.length ? ['it approves what is not there'] : []),
    ...(unapproved.length ? ['it widens what nobody approved'] : []),
  ];
  return new UserError(`This change cannot land: ${reasons.join(', ')}.`, problems, code);
}
