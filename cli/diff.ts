import { Option, type Command } from 'commander';
import { exitCodes, UserError } from '../model/errors';
import type { Posture } from '../model/instance';
import { nearest } from '../model/problems';
import { sidesOf, type Side } from '../review/revisions';
import { printedProgress } from './progress';

interface Flags {
  readonly base?: string;
  readonly head?: string;
  readonly stack?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly posture?: Posture;
  readonly format: 'text' | 'markdown' | 'json';
  readonly exitCode?: boolean;
}

export function addDiff(program: Command): void {
  program
    .command('diff')
    .description('what a change means: who may do or reach more, what data, cost and running pods it touches; no cluster, no secret')
    .option('--base <ref>', 'the revision before; without it the merge base with the default branch')
    .option('--head <ref>', 'the revision after, or `worktree`: the files as they are; without it worktree')
    .option('--stack <names...>', 'show these stacks alone; all are judged')
    .option('--from <path>', 'what datalab render wrote, in the place of --base')
    .option('--to <path>', 'the same in the place of --head')
    .addOption(new Option('--posture <posture>', 'of rendered files that do not say it').choices(['open', 'confidential']))
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'markdown', 'json']).default('text'))
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .option('--exit-code', 'exit with 4 when there are changes, all of them approved')
    .addHelpText(
      'after',
      '\nExamples:\n  ./datalab diff\n  ./datalab diff --base main --head HEAD --format markdown\n  ./datalab diff --stack ssp-cloud.paris ssp-cloud.local\n  ./datalab diff --from out/before --to out/after --json\n\nExits with 3 when something widens that no approval names: docs/diff.md.',
    )
    .action(diff);
}

async function diff(flags: Flags): Promise<void> {
  const problems = (['base', 'head'] as const).flatMap((revision) => {
    const directory = revision === 'base' ? 'from' : 'to';
    return flags[revision] !== undefined && flags[directory] !== undefined ? [{ path: `--${directory}`, got: `--${revision} ${flags[revision]} too`, allowed: 'a revision or a directory', fix: 'leave one out' }] : [];
  });
  if (problems.length) throw new UserError('Nothing was compared:', problems);
  const { before, after } = await sidesOf(flags, printedProgress());
  requireStacks(flags.stack ?? [], before, after);
  // Two equal revisions are the common case, and then nothing else has to be loaded.
  if (before.content !== undefined && before.content === after.content && flags.format === 'text') {
    process.stdout.write(`${before.label} and ${after.label} render to the same.\n${spentText(after)}`);
    return;
  }
  const { compareSides, objectionTo } = await import('../review/comparison');
  const { diffJson, diffMarkdown, diffText } = await import('../review/diff-report');
  const comparison = compareSides(before, after, new Date().toISOString().slice(0, 10));
  const shown = { ...comparison, stacks: comparison.stacks.filter(({ stack }) => !flags.stack || flags.stack.includes(stack)) };
  process.stdout.write(`${{ text: diffText, markdown: diffMarkdown, json: diffJson }[flags.format](shown)}\n`);
  const objection = objectionTo(comparison);
  if (objection) throw objection;
  if (flags.exitCode && comparison.stacks.some(({ changes }) => changes.length)) process.exitCode = exitCodes.changes;
}

function requireStacks(names: readonly string[], ...sides: readonly Side[]): void {
  const known = [...new Set(sides.flatMap(({ stacks }) => stacks.map(({ name }) => name)))].sort();
  const problems = names.filter((name) => !known.includes(name)).map((name) => {
    const near = nearest(name, known);
    return { path: '--stack', got: JSON.stringify(name), allowed: known.join(', '), fix: near ? `did you mean ${near}?` : 'choose some of them, or none for all' };
  });
  if (problems.length) throw new UserError('Nothing was compared:', problems);
}

/** Approvals that landed with what they approved. */
function spentText({ stacks }: Side): string {
  const ids = [...new Set(stacks.flatMap(({ name, approvals }) => approvals.map(({ id }) => `${name.split('.')[0]} ${id}`)))];
  return ids.length ? `Approvals that are spent, and may be removed: ${ids.join(', ')}\n` : '';
}
