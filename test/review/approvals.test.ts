import { approval as schema } from '../../model/approval';
import { defineInstance } from '../../model/instance';
import { judgeApprovals } from '../../review/approvals';
import type { Change, StackDiff } from '../../review/diff';
import { open } from '../model/base';

const change = (id: string, effect: Change['effect'] = 'widens'): Change => ({ id, class: 'security', effect, topic: 'topic', text: id, details: [id], objects: [] });
const diff = (...changes: Change[]): StackDiff => ({ changes }) as unknown as StackDiff;
const [a, b] = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'];
const approval = (id: string, reason = 'it may be') => schema.parse({ id, reason, owner: 'platform team' });

describe('approvals', () => {
  test.each<[string, StackDiff[], ReturnType<typeof approval>[], ReturnType<typeof approval>[], [string[], string[], string[]]]>([
    ['a widening without one', [diff(change(a))], [], [], [[a], [], []]],
    ['a widening with a new one', [diff(change(a))], [], [approval(a)], [[], [], []]],
    ['one id in two stacks, one approval', [diff(change(a)), diff(change(a))], [], [approval(a)], [[], [], []]],
    ['the same widening in two stacks is asked for once', [diff(change(a)), diff(change(a))], [], [], [[a], [], []]],
    ['one that stood in the base approves nothing', [diff(change(a))], [approval(a)], [approval(a)], [[a], [], [a]]],
    ['one that is written anew', [diff(change(a))], [approval(a)], [approval(a, 'again, for another year')], [[], [], []]],
    ['one that was removed', [diff()], [approval(a)], [], [[], [], []]],
    ['a new one that names no widening', [diff(change(a))], [], [approval(a), approval(b)], [[], [b], []]],
    ['a new one of what narrows', [diff(change(a, 'narrows'))], [], [approval(a)], [[], [a], []]],
    ['what narrows needs none', [diff(change(a, 'narrows'), change(b, 'neutral'))], [], [], [[], [], []]],
  ])('%s', (_name, diffs, base, head, [unapproved, unused, spent]) => {
    const judged = judgeApprovals(diffs, base, head);
    expect([judged.unapproved, judged.unused, judged.spent].map((each) => each.map(({ id }) => id))).toEqual([unapproved, unused, spent]);
  });

  test.each([
    ['an id that is none', { id: 'all' }],
    ['no reason', { reason: '' }],
    ['no owner', { owner: undefined }],
  ])('fails: %s', (_name, broken) => expect(() => schema.parse({ id: a, reason: 'x', owner: 'me', ...broken })).toThrow());

  test('fails: one id twice in an instance', () => {
    expect(() => defineInstance({ ...open(), approvals: [approval(a), approval(a, 'twice')] })).toThrow(/approvals\[1\]\.id[\s\S]*each approval once/);
  });
});
