import { Option, type Command } from 'commander';
import { exitCodes, UserError } from '../model/errors';
import { stackNames } from '../model/stack';
import type { Posture } from '../model/instance';
import { rules } from '../policies/all';
import { checkStacks, judge, type Checked, type Judged } from '../review/check';
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

function counts(findings: readonly Judged[]): string {
  const count = (status: Judged['status']) => findings.filter((each) => each.status === status).length;
  return `${count('failed')} failed, ${count('waived')} waived, ${count('advice')} advice`;
}

function text({ name, posture, objects, findings }: Checked): string {
  const failed = findings.filter(({ status }) => status === 'failed');
  const waived = findings.filter(({ status }) => status === 'waived');
  return [
    `${name} · ${posture} · ${rules.length} rules, ${objects} objects · ${counts(findings)}`,
    ...byRule(failed).flatMap(([rule, each]) => [
      `  ${rule.severity.toUpperCase()} ${rule.id}: ${rule.title}`,
      ...each.flatMap(({ object, path, got, fix }) => [`    ${object}`, `      ${path}`, `      got ${got}`, `      fix ${fix}`]),
    ]),
    ...byRule(waived).map(([rule, each]) => `  waived ${rule.id}: ${[...new Set(each.map(({ object }) => object))].join(', ')} (${each[0]!.waiver!.owner}, until ${each[0]!.waiver!.until})`),
  ].join('\n');
}

function markdown({ name, posture, findings }: Checked): string {
  const rows = (status: Judged['status'], last: (finding: Judged) => string) =>
    findings.filter((each) => each.status === status).map((each) => `| ${each.rule.severity} | \`${each.rule.id}\` | \`${each.object}\` | ${cell(`${each.path}: ${each.got}`)} | ${cell(last(each))} |`);
  const section = (title: string, lines: readonly string[]) => (lines.length ? [`\n**${title}**\n`, '| severity | rule | object | found | |', '|---|---|---|---|---|', ...lines] : []);
  return [
    `### ${name} (${posture}): ${counts(findings)}`,
    ...section('Failed', rows('failed', ({ fix }) => fix)),
    ...section('Waived', rows('waived', ({ waiver }) => `${waiver!.reason} (${waiver!.owner}, until ${waiver!.until})`)),
  ].join('\n');
}

/** Text that nothing in a table or a comment acts on. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('@', '&#64;').replaceAll('\n', ' ');
}

function byRule(findings: readonly Judged[]): [Judged['rule'], Judged[]][] {
  const groups = new Map<string, Judged[]>();
  for (const finding of findings) groups.set(finding.rule.id, [...(groups.get(finding.rule.id) ?? []), finding]);
  return [...groups.values()].map((group) => [group[0]!.rule, group]);
}

function listed(format: Flags['format']): string {
  const all = rules.map(({ id, title, why, severity, mandatory, sources }) => ({ id, title, why, severity, mandatory, sources }));
  if (format === 'json') return JSON.stringify({ rules: all });
  if (format === 'markdown') return ['| rule | severity | mandatory in | what must hold | why | sources |', '|---|---|---|---|---|---|', ...all.map((rule) => `| \`${rule.id}\` | ${rule.severity} | ${rule.mandatory.join(', ')} | ${cell(rule.title)} | ${cell(rule.why)} | ${cell(rule.sources.join('; '))} |`)].join('\n');
  return table(['RULE', 'SEVERITY', 'MANDATORY IN', 'WHAT MUST HOLD'], all.map((rule) => [rule.id, rule.severity, rule.mandatory.join(', '), rule.title]));
}
