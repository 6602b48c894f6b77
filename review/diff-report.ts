import { inOrder } from './change';
import type { Change, StackDiff } from './diff';
import { figure, type Resources } from './cost';
import type { Judged } from './check';
import { instanceOf, sharedChanges, type Comparison, type Shared } from './comparison';
import { code, visible, wrapped } from './escape';
import { topics } from './facts/fact';

/** Most characters that a comment on GitHub holds. */
export const commentLimit = 65_536;

const titles: Readonly<Record<Change['class'], string>> = { security: 'Security', data: 'Data', cost: 'Cost', availability: 'Availability', noise: 'Nothing of these' };
const classes = Object.keys(titles) as Change['class'][];

/** For programs: everything, with the ids that approvals name. */
export function diffJson(comparison: Comparison): string {
  return JSON.stringify(comparison);
}

/** For a terminal of 100 columns. */
export function diffText(comparison: Comparison): string {
  const { before, after, stacks, instances } = comparison;
  const shared = sharedChanges(comparison);
  const block = (title: string, some: readonly Shared[]) => (some.length ? [`\n${title}`, ...some.flatMap(changeText)] : []);
  const touched = stacks.filter(isTouched);
  const refused = stacks.flatMap((each) => each.refused.map(({ path, got, fix }) => wrapped(`${each.stack}: ${path} ${got}; instead: ${fix}`, '  ')));
  const spent = instances.flatMap(({ instance, spent: approvals }) => approvals.map(({ id }) => `${instance} ${id}`));
  return [
    wrapped(`${before} → ${after}`, ''),
    ...stacks.map((stack) => wrapped(`${stack.stack} · ${stack.posture} · ${isTouched(stack) ? countsOf(stack) : 'no change'}`, '  ')),
    ...(refused.length ? ['\nREFUSED: data hangs on these choices', ...refused] : []),
    ...block('WIDENS: each needs an approval', shared.filter(({ change }) => change.effect === 'widens')),
    ...block('NARROWS', shared.filter(({ change }) => change.effect === 'narrows')),
    ...classes.filter((name) => name !== 'noise').flatMap((name) => block(titles[name].toUpperCase(), shared.filter(({ change }) => change.effect === 'neutral' && change.class === name))),
    ...(touched.length ? ['\nBLAST RADIUS', ...touched.map(({ stack, blast }) => wrapped(`${stack}: ${blastText(blast)}`, '  '))] : []),
    ...(touched.length ? ['\nRULES', ...touched.flatMap(rulesText)] : []),
    ...(touched.length ? ['\nTOTALS', ...touched.flatMap(({ stack, totals }) => totalsRows(totals).map(([what, from, to]) => wrapped(`${stack}: ${what} ${from === to ? `${to}, as before` : `${from} → ${to}`}`, '  ')))] : []),
    ...block('CHANGES NOTHING OF THESE', shared.filter(({ change }) => change.class === 'noise' && change.effect === 'neutral')),
    ...(spent.length ? [wrapped(`\nApprovals that are spent, and may be removed: ${spent.join(', ')}`, '')] : []),
  ].join('\n');
}

function changeText({ change, stacks, approval }: Shared): string[] {
  const approved = change.effect === 'widens' ? (approval ? ` · approved by ${approval.owner}: ${approval.reason}` : ' · NOT APPROVED') : '';
  return [
    wrapped(`${change.id} ${change.topic} · ${stacks.join(', ')}${approved}`, '  '),
    wrapped(change.text, '    '),
    ...(change.details.length > 1 ? change.details.map((detail) => wrapped(`- ${detail}`, '      ')) : []),
  ];
}

function rulesText({ stack, rules: { fresh, mended } }: StackDiff): string[] {
  if (!fresh.length && !mended.length) return [wrapped(`${stack}: no finding more, none less`, '  ')];
  return [...fresh.map((each) => ruleText('new', each)), ...mended.map((each) => ruleText('gone', each))].map((text) => wrapped(`${stack}: ${text}`, '  '));
}

function ruleText(word: string, { status, rule, object, path, got, fix }: Judged): string {
  return `${word}, ${status}: ${rule.severity} ${rule.id}, ${object} ${path} got ${got}${word === 'new' ? `; fix ${fix}` : ''}`;
}

function isTouched({ changes, objects }: StackDiff): boolean {
  return changes.length + objects.added + objects.removed + objects.changed > 0;
}

function countsOf({ objects: { added, removed, changed, same } }: StackDiff): string {
  return `${added} objects added, ${removed} removed, ${changed} changed, ${same} the same`;
}

function blastText({ namespaces, people, projects }: StackDiff['blast']): string {
  const named = (what: string, names: readonly string[]) => `${names.length} ${what}${names.length ? ` (${names.join(', ')})` : ''}`;
  return [named('namespaces', namespaces), named('declared people', people), named('projects', projects)].join(' · ');
}

/** What is asked for and what quotas grant, as what, before and after. */
function totalsRows({ before, after }: StackDiff['totals']): [string, string, string][] {
  const row = (what: string, name: keyof Resources, from: Partial<Resources>, to: Partial<Resources>, none = ''): [string, string, string] => {
    const [old, fresh] = [from[name], to[name]].map((value) => (value === undefined ? none : figure(name, value))) as [string, string];
    return [`${what} ${unit[name]}`, old, fresh];
  };
  return [
    ...resources.map((name) => row(`pods request${fixed(name)}`, name, before.requests, after.requests)),
    ...(['cpu', 'memory'] as const).map((name) => row('pods use at most', name, before.limits, after.limits, 'a container has no limit')),
    ...resources.map((name) => row(`quotas let request${fixed(name)}`, name, before.quotas, after.quotas, 'no quota')),
    ...(['cpu', 'memory'] as const).map((name) => row('quotas let use at most', name, before.quotaLimits, after.quotaLimits, 'no quota: nothing caps the sum')),
    ['buckets whose size nothing limits', String(before.buckets), String(after.buckets)],
  ];
}

/** What nothing gets more of than it requests. */
function fixed(name: keyof Resources): string {
  return name === 'gpu' || name === 'storage' ? ', and so use at most,' : '';
}

const unit: Readonly<Record<keyof Resources, string>> = { cpu: 'CPUs', memory: 'memory', gpu: 'GPUs', storage: 'storage of volumes' };
const resources = Object.keys(unit) as (keyof Resources)[];

/** Lines that belong together: when room ends, the last rows go first. */
interface Section {
  readonly head: readonly string[];
  readonly rows: readonly string[];
  readonly tail?: readonly string[];
  /** What a row is, in the plural, for the sentence that says how many are left out. */
  readonly of: string;
}

/**
 * For one comment on a pull request, of at most `limit` characters. What comes from a stack is shown as code and acts on nothing; what does
 * not fit is counted in the second line.
 */
export function diffMarkdown(comparison: Comparison, limit = commentLimit): string {
  const { before, after, stacks } = comparison;
  const shared = sharedChanges(comparison);
  const widening = shared.filter(({ change }) => change.effect === 'widens');
  const touched = stacks.filter(isTouched);
  const open = widening.filter(({ approval }) => !approval).length;
  const refused = stacks.flatMap((each) => each.refused.map((problem) => [code(each.stack), code(problem.path), code(problem.got), code(problem.fix)]));
  const title = [
    '## What this change means',
    '',
    `${code(before)} → ${code(after)}. ${[
      ...(refused.length ? ['**It alters what is immutable (exit code 2).**'] : []),
      failedText(stacks),
      widening.length ? `**It widens ${many(widening.length, 'thing')}; ${open ? `${open} not approved (exit code 3, when nothing worse is in the way)` : 'all approved'}.**` : 'It widens nothing.',
    ].join(' ')} An approval settles no failed rule, and a waiver no widening.`,
    '',
    addsText(stacks),
  ];
  const sections: Section[] = [
    section('', ['stack', 'posture', 'objects'], stacks.map((each) => [code(each.stack), each.posture, isTouched(each) ? countsOf(each) : 'no change']), 'stacks'),
    section('### Refused: data hangs on these choices', ['stack', 'choice', 'altered', 'the migration instead'], refused, 'choices'),
    section('### Widens: each needs an approval by its id', ['id', 'what', 'stacks', 'approval'], widening.map(({ change, stacks: names, approval }) => [
      code(change.id), described(change), stacksCell(names), approval ? `${code(approval.owner)}: ${code(approval.reason)}` : '**none**',
    ]), 'widenings'),
    approvalLines(comparison),
    section('### Who is meant, and how they prove it', ['name', 'who has it', 'stacks'], holders(touched), 'names'),
    section('### Approves what is not there', ['instance', 'id', 'remove it: it would approve something later'], comparison.instances.flatMap(({ instance, unused }) => unused.map(({ id, owner, reason }) => [code(instance), code(id), `${code(owner)}: ${code(reason)}`])), 'approvals'),
    section('### Blast radius: namespaces with a change, and whose they are', ['stack', 'namespaces', 'people whose namespace is declared (Onyxia makes others later)', 'projects'], touched.map(({ stack, blast }) => [code(stack), counted(blast.namespaces), counted(blast.people), counted(blast.projects)]), 'stacks'),
    section('### Rules: what failed stops the change, advice does not', ['verdict', 'rule', 'object', 'found', 'stacks'], rulesRows(touched), 'findings'),
    waiverLines(comparison),
    section('### Totals: what pods of the stack request and use at most (limits), and what quotas let the namespaces that have one request', ['stack', 'what', 'before', 'after'], touched.flatMap(({ stack, totals }) => totalsRows(totals).map(([what, from, to]) => [code(stack), what, from, from === to ? 'the same' : `**${to}**`])), 'totals'),
    plainSection('### What else changes', shared.filter(({ change }) => change.effect === 'neutral' && change.class !== 'noise')),
    plainSection('### Narrows', shared.filter(({ change }) => change.effect === 'narrows')),
    section('### Does not change: looked at, and found the same', ['what', 'finding'], unchanged(comparison, shared), 'topics'),
    ...shared.filter(({ change }) => change.class !== 'noise' && change.details.length > few).map(({ change }): Section => folded(`${code(change.id)}: all ${change.details.length} of ${code(change.topic)}`, change.details.map((detail) => `- ${code(detail)}`), 'details')),
    folded('Differences that change nothing of these', shared.filter(({ change }) => change.class === 'noise').flatMap(({ change, stacks: names }) => (change.details.length > 1 ? change.details : [change.text]).map((detail) => `- ${code(detail)} ${stacksCell(names)}`)), 'harmless changes'),
    ...touched.map(({ stack, differs }) => folded(`Objects of ${code(stack)} that differ: ${differs.length}`, differs.map(({ id, change }) => `- ${change} ${code(id)}`), 'objects')),
  ].filter(({ rows }) => rows.length);
  return fitted(title, sections, limit);
}

function section(title: string, columns: readonly string[], rows: readonly (readonly string[])[], of: string): Section {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return { head: ['', ...(title ? [title, ''] : []), line(columns), line(columns.map(() => '---'))], rows: rows.map(line), of };
}

/** What a reviewer looks for and would else have to conclude from silence. */
function unchanged({ stacks }: Comparison, shared: readonly Shared[]): string[][] {
  const kinds = new Set(stacks.flatMap(({ differs }) => differs.map(({ id }) => id.split('/')[1]!)));
  const noTopic = (...names: readonly string[]) => !shared.some(({ change }) => names.includes(change.topic));
  const noKind = (pattern: RegExp) => ![...kinds].some((kind) => pattern.test(kind));
  const none = (test: (change: Change) => boolean) => !shared.some(({ change }) => test(change));
  const rows: readonly (readonly [boolean, string, string])[] = [
    [none((change) => change.class === 'availability' && change.topic !== 'budgets'), 'what runs', 'no running workload restarts, stops or is scaled: nobody is interrupted'],
    [noKind(/^(deployment|statefulset|daemonset|job|cronjob|pod)$/), 'workloads', 'none is added, removed or changed'],
    [none((change) => change.class === 'data' && change.effect === 'widens'), 'data that is there', 'nothing that holds data is deleted, replaced, kept for less long or less protected'],
    [noKind(/^client$/), 'clients of Keycloak, their redirect addresses and web origins', 'none is added, removed or changed'],
    [noKind(/mapper$|scope/), 'mappers of Keycloak: what tokens say', 'none is added, removed or changed'],
    [noKind(/^(realm.*|role|user|defaultgroups)$/), 'settings of the realm, roles, accounts and default groups of Keycloak', 'none is added, removed or changed'],
    [noKind(/^clusterrole(binding)?$/), 'rights in the whole cluster (ClusterRoles and their bindings)', 'none is added, removed or changed'],
    [noKind(/^(authbackend.*|mount|audit)$/), 'ways to log in to Vault, its mounts and audit logs', 'none is added, removed or changed'],
    [noTopic(topics.secrets[0]), 'secrets that pods hold', 'the same'],
    [noTopic(topics.image[0]), 'images: where code comes from, and its version', 'the same'],
    [noTopic(topics.config[0], 'configuration'), 'what servers are told: files, variables, commands', 'the same'],
    [noTopic(topics.guard[0]), 'what the API server refuses (admission)', 'the same'],
    [noTopic(topics.limit[0]), 'limits and quotas that were there, lifetimes of tokens', 'the same'],
    [noTopic(topics.other[0]), 'kinds of objects that this diff does not know', 'none differs'],
    [noTopic('requests'), 'what pods request', 'the same'],
    [noTopic('quotas'), 'quotas', 'the same'],
    ...(['route', 'reach', 'rbac', 's3', 'vault', 'login', 'pods'] as const).map((topic): [boolean, string, string] => [noTopic(topics[topic][0]), topics[topic][0], 'the same']),
    [stacks.every(({ rules }) => !rules.mended.length), 'findings that were there before', 'none is mended'],
    [noTopic('waivers'), 'waivers', 'none is added or removed'],
    [noTopic('posture') && stacks.every(({ refused }) => !refused.length), 'posture, and choices that data hangs on', 'the same'],
  ];
  return rows.flatMap(([holds, what, finding]) => (holds ? [[what, finding]] : []));
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** What stops the change by rules, advice apart. */
function failedText(stacks: readonly StackDiff[]): string {
  const fresh = stacks.flatMap(({ stack, rules }) => rules.fresh.map(({ status }) => ({ stack, status })));
  const failed = fresh.filter(({ status }) => status === 'failed');
  const advice = fresh.filter(({ status }) => status === 'advice').length;
  const aside = advice ? ` ${many(advice, 'new finding')} ${advice === 1 ? 'is' : 'are'} advice and ${advice === 1 ? 'stops' : 'stop'} nothing.` : '';
  return failed.length ? `**It breaks rules: ${many(failed.length, 'failed finding')} in ${many(new Set(failed.map(({ stack }) => stack)).size, 'stack')} (exit code 1).**${aside}` : `It breaks no rule.${aside}`;
}

/** What was not there at all, in a line. */
function addsText(stacks: readonly StackDiff[]): string {
  const named = (what: string, names: readonly string[]) => (names.length ? [`${what}: ${[...new Set(names)].map((name) => code(name)).join(' ')}`] : []);
  const all = (of: keyof StackDiff['adds']) => stacks.flatMap(({ adds }) => adds[of]);
  const parts = [...named('namespaces', all('namespaces')), ...named('buckets', all('buckets')), ...named('hosts', all('hosts'))];
  return parts.length ? `New are ${parts.join('; ')}.` : 'It adds no namespace, no bucket and no host.';
}

/** Rows that are the same but for the stack, once, with the stacks last. */
function inStacks(rows: readonly { readonly stack: string; readonly cells: readonly string[] }[]): string[][] {
  const found = new Map<string, { cells: readonly string[]; stacks: string[] }>();
  for (const { stack, cells } of rows) {
    const known = found.get(cells.join('|'));
    if (known) known.stacks.push(stack);
    else found.set(cells.join('|'), { cells, stacks: [stack] });
  }
  return [...found.values()].map(({ cells, stacks }) => [...cells, stacksCell(stacks)]);
}

function holders(stacks: readonly StackDiff[]): string[][] {
  return inStacks(stacks.flatMap(({ stack, holders: named }) => named.map(({ name, who }) => ({ stack, cells: [code(name), code(who, 900)] }))));
}

function plainSection(title: string, shared: readonly Shared[]): Section {
  return section(title, ['', 'what', 'stacks'], shared.map(({ change, stacks }) => [titles[change.class], described(change), stacksCell(stacks)]), 'changes');
}

function folded(summary: string, rows: readonly string[], of: string): Section {
  return { head: ['', `<details><summary>${summary}</summary>`, ''], rows, tail: ['', '</details>'], of };
}

/** Details that stand where they belong; more of them get a folded list of their own. */
const few = 12;

function described({ id, topic, text, details }: Change): string {
  const lines = details.length > 1 && details.length <= few ? details : [text];
  return [code(topic), ...lines.map((line) => code(line)), ...(details.length > few ? [`all ${details.length} below, as ${code(id)}`] : [])].join('<br>');
}

function stacksCell(names: readonly string[]): string {
  return names.map((name) => code(name)).join(' ');
}

function counted(names: readonly string[]): string {
  return names.length ? `${names.length}: ${code(names.join(', '))}` : 'none';
}

function rulesRows(stacks: readonly StackDiff[]): string[][] {
  const row = (stack: string, word: string, { status, rule, object, path, got, fix, waiver }: Judged) => ({ stack, cells: [
    `**${status}**${waiver ? ` by ${code(waiver.owner)} until ${code(waiver.until)}` : ''}, ${word}`, `${rule.severity} ${code(rule.id)}: ${code(rule.title)}`, code(object), `${code(path)}: ${code(got, 200)}${word === 'new' ? `<br>fix: ${code(fix, 200)}` : ''}`,
  ] });
  return inStacks(stacks.flatMap(({ stack, rules: { fresh, mended } }) => (fresh.length || mended.length
    ? [...fresh.filter(({ status }) => status === 'failed'), ...fresh.filter(({ status }) => status !== 'failed')].map((each) => row(stack, 'new', each)).concat(mended.map((each) => row(stack, 'gone', each)))
    : [{ stack, cells: ['none more, none less', '', '', ''] }])));
}

/** What an instance would say to waive what failed. */
function waiverLines({ stacks }: Comparison): Section {
  const lines = new Map<string, Set<string>>();
  for (const { stack, rules } of stacks) {
    const instance = instanceOf(stack);
    for (const { status, rule, object } of rules.fresh) if (status === 'failed') lines.set(instance, (lines.get(instance) ?? new Set()).add(`{ rules: ['${word(rule.id)}'], objects: '${word(object)}', reason: '…', owner: '…', until: '…' },`));
  }
  const rows = [...lines].flatMap(([instance, of]) => [`// stacks/${word(instance)}/instance.ts, waivers:`, ...of]);
  return { head: ['', 'To do without the fix of what failed, waive the rule there, until a day as YYYY-MM-DD:', '', '```ts'], rows, tail: ['```'], of: 'lines' };
}

/** A name as it may stand in a block of code. */
function word(text: string): string {
  return visible(text).replaceAll(/[^\w./*:-]/g, '?');
}

/** What an instance would say to approve what nobody has approved. */
function approvalLines({ instances }: Comparison): Section {
  const rows = instances.flatMap(({ instance, unapproved }) =>
    unapproved.length ? [`// stacks/${word(instance)}/instance.ts, approvals:`, ...[...unapproved].sort(inOrder).map(({ id }) => `{ id: '${word(id)}', reason: '…', owner: '…' },`)] : [],
  );
  return { head: ['', 'To approve what is meant, say why and who answers for it:', '', '```ts'], rows, tail: ['```'], of: 'lines' };
}

/** Sections as far as there is room, and how many rows there was none for. */
function fitted(title: readonly string[], sections: readonly Section[], limit: number): string {
  const room = limit - title.join('\n').length - 1_000;
  const lines: string[] = [];
  const left = new Map<string, number>();
  let used = 0;
  for (const { head, rows, tail = [], of } of sections) {
    const frame = [...head, ...tail].join('\n').length + 2;
    let taken = 0;
    let size = frame;
    while (taken < rows.length && used + size + rows[taken]!.length + 1 <= room) size += rows[taken++]!.length + 1;
    if (taken) {
      lines.push(...head, ...rows.slice(0, taken), ...tail);
      used += size;
    }
    if (taken < rows.length) left.set(of, (left.get(of) ?? 0) + rows.length - taken);
  }
  const sentence = left.size ? ['', `**Left out here, since a comment holds ${limit.toLocaleString('en')} characters: ${[...left].map(([of, count]) => `${count} ${of}`).join(', ')}.** All of it: \`datalab diff\` with the same revisions, or the file that the run of this report keeps.`] : [];
  return [...title, ...sentence, ...lines, ''].join('\n');
}
