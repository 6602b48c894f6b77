import { rules } from '../policies/all';
import type { Rule } from '../policies/rule';
import type { Checked, Judged } from './check';

function counts(findings: readonly Judged[]): string {
  const count = (status: Judged['status']) => findings.filter((each) => each.status === status).length;
  return `${count('failed')} failed, ${count('waived')} waived, ${count('advice')} advice`;
}

/** As a person reads it. */
export function text({ name, posture, objects, findings }: Checked): string {
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

/** For a comment on a pull request: nothing in it acts on anything. */
export function markdown({ name, posture, findings }: Checked): string {
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

/** Where a rule holds: in what is rendered, in a preview of Pulumi, in the cluster. */
function enforced({ id, together, admission }: Rule): string {
  const cluster = !admission ? '' : 'by' in admission ? `; cluster: ${admission.by}` : `; cluster: \`datalab-${id}\``;
  return `render; preview${together ? ' (whole stack)' : ''}${cluster}`;
}

/** Every rule as a table in Markdown. */
export function rulesTable(): string {
  return [
    '| rule | severity | mandatory in | what must hold | why | enforced | sources |',
    '|---|---|---|---|---|---|---|',
    ...rules.map((rule) => `| \`${rule.id}\` | ${rule.severity} | ${rule.mandatory.join(', ')} | ${cell(rule.title)} | ${cell(rule.why)} | ${cell(enforced(rule))} | ${cell(rule.sources.join('; '))} |`),
  ].join('\n');
}
