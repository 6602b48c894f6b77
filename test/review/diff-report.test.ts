import type { Change, StackDiff } from '../../review/diff';
import type { Comparison } from '../../review/comparison';
import { objectionTo } from '../../review/comparison';
import { commentLimit, diffJson, diffMarkdown, diffText } from '../../review/diff-report';
import { code, visible, wrapped } from '../../review/escape';

const resources = { cpu: 1.5, memory: 2 ** 30, gpu: 0, storage: 0 };
const totals = { requests: resources, limits: {}, quotas: resources, quotaLimits: {}, buckets: 1 };

function change(id: string, more: Partial<Change> = {}): Change {
  return { id, class: 'security', effect: 'widens', topic: 'rights on buckets', text: `text of ${id}`, details: [`text of ${id}`], objects: ['team/pod/app'], ...more };
}

function stack(name: string, changes: readonly Change[], more: Partial<StackDiff> = {}): StackDiff {
  return {
    stack: name, posture: 'open', changes, objects: { added: changes.length, removed: 0, changed: 0, same: 10 }, rules: { fresh: [], mended: [] },
    totals: { before: totals, after: { ...totals, quotas: { ...resources, gpu: 2 } } }, blast: { namespaces: ['team'], people: ['alice'], projects: [] }, refused: [],
    differs: changes.map(({ id }) => ({ id: `team/pod/${id}`, change: 'added' })), adds: { namespaces: ['team'], buckets: [], hosts: [] }, holders: [{ name: 'group team', who: 'people' }], ...more,
  };
}

function comparison(stacks: readonly StackDiff[], more: Partial<Comparison['instances'][0]> = {}): Comparison {
  const widening = [...new Map(stacks.flatMap(({ changes }) => changes).filter(({ effect }) => effect === 'widens').map((each) => [each.id, each])).values()];
  const approved = new Set(more.approvals?.map(({ id }) => id));
  return { before: 'main', after: 'the working files', stacks, instances: [{ instance: 'lab', approvals: [], unapproved: widening.filter(({ id }) => !approved.has(id)), unused: [], spent: [], ...more }] };
}

/** What would act in a comment, in a table, in a terminal. */
const hostile = [
  '@everyone @org/team', '#1 !2 ~bug %milestone &1 $3 org/repo#1', '<img src=x onerror=alert(1)>', '</code></details><script>', '<!-- datalab diff -->',
  '[click](https://evil.example)', '![](https://evil.example/pixel.png)', 'https://evil.example www.evil.example mail@evil.example', '`a` ``b`` ```', 'a | b | c', '**bold** _it_ ~~no~~',
  '/close', '\n/close\n', '\n# heading\n', '\u202eevil\u2066', 'zero\u200bwidth', '\u001b[31mred\u0007', ':smile:', '{+ added +}', '$`x`$', '\\| \\` \\', '&#64;org &lt;b&gt;', 'a\r\nb', '\ud800',
];

describe('foreign text', () => {
  test.each(hostile)('in Markdown acts on nothing: %j', (text) => {
    const shown = code(text);
    expect(shown).toMatch(/^<code>[^<>]*<\/code>$/);
    const inside = shown.slice('<code>'.length, -'</code>'.length);
    expect(inside.replaceAll(/&#\d+;/g, '')).not.toMatch(/[&<>`|*_~[\]{}@#!$%\\\n\r]|:\S|www\.|\p{Cc}|\p{Cf}/u);
    // It is still readable: numbers stand for the characters themselves.
    expect(inside.replaceAll(/&#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)))).toBe(visible(text).trim() ? visible(text) : ' ');
  });

  test.each(hostile)('on a terminal controls nothing: %j', (text) => {
    expect(visible(text)).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}/u);
    for (const line of wrapped(text.repeat(20), '  ').split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('is cut where it is long, and says so', () => {
    expect(code('x'.repeat(2000))).toBe(`<code>${'x'.repeat(600)}… (1400 more characters)</code>`);
    expect(code('😀'.repeat(400))).toMatch(/^<code>(&#128512;)+… \(200 more characters\)<\/code>$/);
  });
});

describe('a comment', () => {
  const everything = (text: string): Comparison => {
    const widening = change(text, { text, topic: text, details: Array.from({ length: 20 }, (_, index) => `${text} ${index}`) });
    const judged = { rule: { id: text, title: text, severity: 'high' as const }, object: text, path: text, got: text, fix: text, status: 'failed' as const };
    const one = stack(`lab.${text}`, [widening, change(`b${text}`, { effect: 'neutral', class: 'noise', text, topic: text }), change(`c${text}`, { effect: 'neutral', class: 'data', text, topic: text })], {
      rules: { fresh: [judged], mended: [{ ...judged, status: 'waived', waiver: { owner: text, until: text, reason: text } }] },
      differs: [{ id: text, change: 'added' }], adds: { namespaces: [text], buckets: [text], hosts: [text] }, holders: [{ name: text, who: text }],
      blast: { namespaces: [text], people: [text], projects: [text] },
      refused: [{ path: text, got: text, allowed: text, fix: text }],
    });
    return { ...comparison([one], { instance: text, unused: [{ id: text, owner: text, reason: text }], spent: [{ id: text, owner: text, reason: text }] }), before: text, after: text };
  };

  test.each(hostile)('is made of our own Markdown alone, whatever a stack is called: %j', (text) => {
    const written = diffMarkdown(everything(text));
    // Without what is code, nothing is left but our own words.
    const ours = written.replaceAll(/<code>[^<>]*<\/code>/g, 'CODE').replaceAll(/```ts\n[\s\S]*?\n```/g, (block) => (expect(block).toMatch(/^```ts\n(\/\/ stacks\/[\w.?*/:-]*\/instance\.ts, (approvals|waivers):|\{ id: '[\w.?*/:-]*', reason: '…', owner: '…' \},|\{ rules: \['[\w.?*/:-]*'\], objects: '[\w.?*/:-]*', reason: '…', owner: '…', until: '…' \},|\n)+\n```$/), 'BLOCK'));
    const plain = diffMarkdown(everything('x')).replaceAll(/<code>[^<>]*<\/code>/g, 'CODE').replaceAll(/```ts\n[\s\S]*?\n```/g, 'BLOCK');
    expect(ours).toBe(plain);
  });

  test('says widening first, then blast radius, rules, totals, and what is folded', () => {
    const written = diffMarkdown(comparison([stack('lab.local', [change('aaaaaaaaaaaa', { details: Array.from({ length: 13 }, (_, index) => `detail ${index}`) }), change('bbbbbbbbbbbb', { effect: 'narrows' }), change('cccccccccccc', { effect: 'neutral', class: 'noise', topic: 'new objects' })])]));
    const order = ['It widens 1 thing; 1 not approved', '### Widens', "{ id: 'aaaaaaaaaaaa'", '### Who is meant', '### Blast radius', '### Rules', '### Totals', '### Narrows', '### Does not change', '<details>', 'detail 12', 'Differences that change nothing', 'Objects of <code>lab.local</code> that differ: 3'];
    expect(order.map((words) => written.indexOf(words))).toEqual([...order.map((words) => written.indexOf(words))].sort((a, b) => a - b));
    for (const words of order) expect(written).toContain(words);
    expect(written).toContain('| <code>lab.local</code> | quotas let request, and so use at most, GPUs | 0 | **2** |');
    expect(written).toContain('no running workload restarts, stops or is scaled: nobody is interrupted');
  });

  test('says first what stands in the way and what is new, advice apart, with the line of a waiver', () => {
    const failed = { rule: { id: 'host-port', title: 'No host port', severity: 'high' as const }, object: 'team/pod/app', path: 'spec', got: '80', fix: 'remove it', status: 'failed' as const };
    const rules = { fresh: [{ ...failed, status: 'advice' as const }, failed], mended: [] };
    const written = diffMarkdown(comparison([stack('lab.local', [change('aaaaaaaaaaaa')], { rules }), stack('lab.paris', [change('aaaaaaaaaaaa')], { rules })]));
    expect(written).toContain('**It breaks rules: 2 failed findings in 2 stacks (exit code 1).** 2 new findings are advice and stop nothing. **It widens 1 thing; 1 not approved (exit code 3, when nothing worse is in the way).**');
    expect(written).toContain('New are namespaces: <code>team</code>.');
    expect(written.match(/^\| \*\*(failed|advice)\*\*, new \|.*lab\.local<\/code> <code>lab\.paris<\/code> \|$/gm)).toHaveLength(2);
    expect(written.indexOf('| **failed**')).toBeLessThan(written.indexOf('| **advice**'));
    expect(written).toContain("{ rules: ['host-port'], objects: 'team/pod/app', reason: '…', owner: '…', until: '…' },");
    expect(written).toContain('| what pods request | the same |');
    expect(written).not.toContain('| workloads | none');
  });

  test('names one change of two stacks once, and who approved it', () => {
    const both = [stack('lab.local', [change('aaaaaaaaaaaa')]), stack('lab.paris', [change('aaaaaaaaaaaa')])];
    const written = diffMarkdown(comparison(both, { approvals: [{ id: 'aaaaaaaaaaaa', owner: 'security team', reason: 'we looked' }] }));
    expect(written.match(/text of aaaaaaaaaaaa/g)).toHaveLength(1);
    expect(written).toContain('<code>lab.local</code> <code>lab.paris</code> | <code>security team</code>: <code>we looked</code> |');
    expect(written).toContain('all approved');
  });

  test.each([[100], [3000], [20_000]])('of %i widenings has at most 65,536 characters, and counts what is left out', (count) => {
    const changes = Array.from({ length: count }, (_, index) => change(index.toString(16).padStart(12, '0'), { text: `right ${index} ${'|'.repeat(200)}`, details: Array.from({ length: 15 }, (_each, detail) => `${index} ${detail}`) }));
    const written = diffMarkdown(comparison([stack('lab.local', changes)]));
    expect(written.length).toBeLessThanOrEqual(commentLimit);
    expect(written.length).toBeGreaterThan(commentLimit - 6_000);
    const [, left] = /\*\*Left out here, [^*]*?(\d+) widenings/.exec(written) ?? [undefined, '0'];
    expect((written.match(/\*\*none\*\* \|/g) ?? []).length + Number(left)).toBe(count);
    expect(written).toContain('All of it: `datalab diff`');
    expect(written.match(/<details>/g) ?? []).toHaveLength((written.match(/<\/details>/g) ?? []).length);
    expect((written.match(/```/g) ?? []).length % 2).toBe(0);
  });
});

describe('a terminal', () => {
  test('has at most 100 columns, widening first, then narrowing, blast radius, rules, totals', () => {
    const written = diffText(comparison([stack('lab.local', [change('aaaaaaaaaaaa', { text: 'word '.repeat(60) + 'x'.repeat(150) }), change('bbbbbbbbbbbb', { effect: 'narrows' })]), stack('lab.paris', [], { objects: { added: 0, removed: 0, changed: 0, same: 3 } })]));
    for (const line of written.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect([...written.matchAll(/^[A-Z]{2,}.*$/gm)].map(([title]) => title.split(':')[0])).toEqual(['WIDENS', 'NARROWS', 'BLAST RADIUS', 'RULES', 'TOTALS']);
    expect(written).toContain('  lab.paris · open · no change');
    expect(written).toContain('NOT APPROVED');
  });
});

test('JSON holds everything, with ids', () => {
  const one = comparison([stack('lab.local', [change('aaaaaaaaaaaa')])]);
  expect(JSON.parse(diffJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
});

describe('what stands in the way', () => {
  const failed = { rule: { id: 'host-port', title: 'No host port', severity: 'high' as const }, object: 'team/pod/app', path: 'spec', got: '80', fix: 'remove it', status: 'failed' as const };
  const refused = { path: 'realm', got: 'a → b', allowed: 'a', fix: 'the migration' };
  const approvals = [{ id: 'aaaaaaaaaaaa', owner: 'me', reason: 'why' }];

  test.each([
    ['nothing', comparison([stack('lab.local', [change('aaaaaaaaaaaa')])], { approvals }), undefined, undefined],
    ['a widening', comparison([stack('lab.local', [change('aaaaaaaaaaaa')])]), 3, "add { id: 'aaaaaaaaaaaa', reason: '…', owner: '…' }"],
    ['an approval of nothing', comparison([stack('lab.local', [])], { unused: approvals }), 1, 'remove it: it would approve something later'],
    ['a finding', comparison([stack('lab.local', [change('aaaaaaaaaaaa')], { rules: { fresh: [failed], mended: [] } })]), 1, 'remove it; or waive it'],
    ['a finding that is advice', comparison([stack('lab.local', [], { rules: { fresh: [{ ...failed, status: 'advice' }], mended: [] } })]), undefined, undefined],
    ['an immutable choice, before all else', comparison([stack('lab.local', [change('aaaaaaaaaaaa')], { rules: { fresh: [failed], mended: [] }, refused: [refused] })]), 2, 'the migration'],
  ])('%s', (_, compared, exitCode, fix) => {
    const objection = objectionTo(compared);
    expect(objection?.exitCode).toBe(exitCode);
    if (fix) expect(objection!.message).toContain(fix);
  });
});
