import { Option, type Command } from 'commander';
import { exitCodes, UserError } from '../model/errors';
import { stackNames } from '../model/stack';
import type { Posture } from '../model/instance';
import { rules } from '../policies/all';
import { checkStacks, judge, type Checked } from '../review/check';
import { markdown, rulesTable, text } from '../review/check-report';
import { objectsBelow } from '../review/rendered';
import { table } from './table';

interface Flags {
  readonly from?: string;
  readonly posture?: Posture;
  readonly format: 'text' | 'json' | 'markdown';
  readonly rules?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check stacks, or rendered files from anywhere, against the rules; no cluster, no secret')
    .argument('[stacks...]', '<instance>.<region>; all stacks by default')
    .option('--from <dir>', 'rendered files instead of stacks: every .yaml below it')
    .addOption(new Option('--posture <posture>', 'with --from: which rules are mandatory').choices(['open', 'confidential']))
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json', 'markdown']).default('text'))
    .option('--rules', 'list the rules and check nothing')
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .addHelpText('after', '\nExamples:\n  ./datalab check\n  ./datalab check ls3.insee --format markdown\n  ./datalab check --from out/insee --posture confidential\n  ./datalab check --rules')
    .action((names: string[], flags: Flags) => {
      if (flags.rules) return void process.stdout.write(`${listed(flags.format)}\n`);
      const checked = flags.from ? [fromDirectory(names, flags)] : checkStacks(known(names, flags), new Date().toISOString().slice(0, 10));
      process.stdout.write(`${printed[flags.format](checked)}\n`);
      if (checked.some(({ findings }) => findings.some(({ status }) => status === 'failed'))) process.exitCode = exitCodes.failed;
    });
}

function known(names: readonly string[], flags: Flags): readonly string[] {
  const all = stackNames();
  const problems = [
    ...names.filter((name) => !all.includes(name)).map((name) => ({ path: 'stack', got: JSON.stringify(name), allowed: all.join(', '), fix: 'choose some of them, or none for all' })),
    ...(flags.posture ? [{ path: '--posture', got: flags.posture, allowed: 'only with --from: a stack has the posture of its instance', fix: 'leave it out' }] : []),
  ];
  if (problems.length) throw new UserError('Nothing was checked:', problems);
  return names.length ? names : all;
}

function fromDirectory(names: readonly string[], { from, posture }: Flags): Checked {
  const problems = [
    ...(posture ? [] : [{ path: '--posture', got: 'nothing', allowed: 'open, confidential', fix: 'say which rules are mandatory' }]),
    ...(names.length ? [{ path: 'stack', got: names.join(', '), allowed: 'none together with --from', fix: 'leave it out' }] : []),
  ];
  if (problems.length) throw new UserError('Nothing was checked:', problems);
  const objects = objectsBelow(from!);
  return { name: from!, posture: posture!, objects: objects.length, findings: judge(objects, posture!) };
}

const printed: Record<Flags['format'], (checked: readonly Checked[]) => string> = {
  json: (checked) => JSON.stringify({ rules: rules.length, checked }),
  text: (checked) => checked.map(text).join('\n\n'),
  markdown: (checked) => checked.map(markdown).join('\n\n'),
};

function listed(format: Flags['format']): string {
  const all = rules.map(({ id, title, why, severity, mandatory, sources }) => ({ id, title, why, severity, mandatory, sources }));
  if (format === 'json') return JSON.stringify({ rules: all });
  if (format === 'markdown') return rulesTable();
  return table(['RULE', 'SEVERITY', 'MANDATORY IN', 'WHAT MUST HOLD'], all.map((rule) => [rule.id, rule.severity, rule.mandatory.join(', '), rule.title]));
}
