import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silent } from '../model/progress';
import { compareSides, objectionTo } from '../review/comparison';
import { diffMarkdown } from '../review/diff-report';
import { sidesOf } from '../review/revisions';

const root = dirname(__dirname);
const patch = 'docs/reports/project-and-route.patch';
const read = ['model', 'catalogs', 'constructs', 'policies', 'review', 'stacks', 'package.json', 'package-lock.json', 'tsconfig.json'];

export const reportPath = 'docs/reports/project-and-route.md';

/** What `datalab diff` says of the patch, made in a repository of its own from the files as they are. Equal files, equal text. */
export async function reportPage(): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'datalab-report-'));
  const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=report', '-c', 'user.email=report@example.org', ...args], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    for (const path of read) cpSync(join(root, path), join(copy, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    git('init', '--quiet', '--initial-branch=main');
    git('add', '--', ...read);
    git('commit', '--quiet', '--message', 'before');
    git('apply', join(root, patch));
    const { before, after } = await sidesOf({ root: copy }, silent);
    const comparison = compareSides({ ...before, label: 'main' }, { ...after, label: 'this change' }, '2026-11-23');
    const objection = objectionTo(comparison);
    return [
      '# A report: a project and a public route',
      '',
      `Written by \`npm run docs\` from [a patch](project-and-route.patch) to \`ssp-cloud\`; do not edit. [Ten questions](questions.md) were written before it.`,
      `Below the line is the comment as \`datalab diff --format markdown\` prints it; the command ended with exit code ${objection?.exitCode ?? 0}.`,
      '',
      '---',
      '',
      diffMarkdown(comparison),
    ].join('\n');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
