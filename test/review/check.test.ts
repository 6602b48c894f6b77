import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { UserError } from '../../model/errors';
import { waiver as waiverSchema } from '../../model/waiver';
import { loadStack, stackNames, type Stack } from '../../model/stack';
import { rules } from '../../policies/all';
import { container, pod } from '../../policies/examples';
import type { Manifest } from '../../policies/rule';
import { checkStacks, judge, waiverFindings } from '../../review/check';
import { objectsBelow } from '../../review/rendered';
import { renderTo } from '../../review/render';
import { datalab } from '../cli/datalab';

const today = '2026-11-23';
const directory = mkdtempSync(join(tmpdir(), 'datalab-check-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const objectsOf = (stack: Stack) => entriesOf(compose(stack)).map(({ object }) => object as Manifest);

describe('all rules on all stacks', () => {
  const checked = checkStacks(stackNames(), today);

  test('every stack is checked', () => {
    expect(checked.map(({ name }) => name)).toEqual(stackNames());
    console.log(`${rules.length} rules`);
  });

  test.each(checked.map((each) => [each.name, each] as const))('%s has no unwaived finding, and every waiver says why, who and until when', (_name, { findings }) => {
    expect(findings.filter(({ status }) => status === 'failed')).toEqual([]);
    for (const { waiver } of findings.filter(({ status }) => status === 'waived')) {
      expect(waiver!.reason.length).toBeGreaterThan(60);
      expect(waiver!.until > today && waiver!.until < '2027-12-31').toBe(true);
    }
  });

  test.each(stackNames())('%s: what it would fail if it were composed for the other posture', (name) => {
    const stack = loadStack(name);
    const { posture } = stack.instance;
    const other = posture === 'open' ? 'confidential' : 'open';
    const failed = judge(objectsOf({ ...stack, instance: { ...stack.instance, posture: other } }), 'confidential', stack.instance.waivers).filter(({ status }) => status === 'failed');
    const count = (id: string) => failed.filter((each) => each.rule.id === id).length;
    console.log(`${name} composed as ${other}, held to the rules of confidential: ${[...new Set(failed.map(({ rule }) => rule.id))].map((id) => `${id} ${count(id)}`).join(', ') || 'fails nothing'}`);
    expect(failed.map(({ rule }) => rule.id)).toEqual(expect.arrayContaining(posture === 'open' ? ['image-registry', 'internet-egress'] : ['rbac-escalation', 'service-account-token']));
  });
});

describe('waivers', () => {
  const privileged = pod({}, container({ securityContext: { privileged: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true } }));
  const waiver = (change: object = {}) => waiverSchema.parse({ rules: ['privileged-container'], objects: 'team/pod/*', reason: 'it is needed', owner: 'me', until: '2027-01-01', ...change });
  const states = (waivers: any[]) => judge([privileged], 'open', waivers).filter(({ rule }) => rule.id === 'privileged-container').map(({ status }) => status);

  test.each([
    ['none', [], 'failed'],
    ['one for it', [waiver()], 'waived'],
    ['one for another rule', [waiver({ rules: ['host-port'] })], 'failed'],
    ['one for another namespace', [waiver({ objects: 'other/pod/*' })], 'failed'],
    ['one for another kind', [waiver({ objects: 'team/deployment/*' })], 'failed'],
    ['one whose dot is no wildcard', [waiver({ objects: 'tea./pod/app' })], 'failed'],
  ])('with %s the finding is %s', (_name, waivers, status) => expect(states(waivers)).toEqual([status]));

  test.each([
    ['a day that is none', { until: 'soon' }],
    ['no reason', { reason: '' }],
    ['an object without a kind', { objects: 'gpu/*' }],
    ['no rule', { rules: [] }],
    ['an unknown key', { because: 'x' }],
  ])('fails: %s', (_name, change) => expect(() => waiver(change)).toThrow());

  test('fails: expired', () => {
    const later = checkStacks(['ssp-cloud.paris'], '2040-01-01');
    expect(later.flatMap(({ findings }) => findings).filter(({ status, rule }) => status === 'failed' && rule.id === 'waiver-expired').length).toBe(loadStack('ssp-cloud.paris').instance.waivers.length);
    expect(later[0]!.findings.filter(({ status }) => status === 'waived')).toEqual([]);
  });

  test('fails: one that nothing needs, and one of a rule that does not exist', () => {
    const stack = loadStack('ssp-cloud.paris');
    const waivers = [...stack.instance.waivers, waiver({ objects: 'nowhere/pod/*', rules: ['privileged-container', 'priviledged-container'] })];
    const used = new Set<string>();
    judge(objectsOf(stack), 'open', waivers, used);
    const last = waivers.length - 1;
    const wrong = waiverFindings(waivers[last]!, last, used, today);
    expect(wrong.map(({ rule, got, fix }) => [rule.id, got, fix])).toEqual([
      ['waiver-unused', 'privileged-container on nowhere/pod/*', 'remove it: nothing needs it'],
      ['waiver-unknown', 'priviledged-container', 'did you mean privileged-container?'],
    ]);
  });
});

describe('rendered files from anywhere', () => {
  test('give the same findings as the stack, waivers aside', () => {
    const stack = loadStack('ls3.insee');
    renderTo(stack, join(directory, 'insee'));
    const count = (objects: readonly any[]) => judge(objects, 'confidential').map(({ rule, object, path }) => `${rule.id} ${object} ${path}`).sort();
    expect(count(objectsBelow(join(directory, 'insee')))).toEqual(count(objectsOf(stack)));
  });

  test('exit 1 with a finding, and 0 without', async () => {
    const folder = join(directory, 'small');
    mkdirSync(folder);
    writeFileSync(join(folder, 'list.yaml'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [pod()] }));
    expect(await datalab(['check', '--from', folder, '--posture', 'open'], {})).toMatchObject({ code: 0, stdout: expect.stringContaining('0 failed') });
    writeFileSync(join(folder, 'more.yaml'), JSON.stringify(pod({ hostNetwork: true })));
    const { code, stdout } = await datalab(['check', '--from', folder, '--posture', 'open', '--format', 'markdown'], {});
    expect([code, stdout]).toEqual([1, expect.stringContaining('| critical | `host-namespaces` | `team/pod/app` | spec.hostNetwork: true | remove it |')]);
  });

  test.each([
    ['a directory that is not there', join(directory, 'nowhere')],
    ['an empty one', directory.replace(/[^/]*$/, '') + 'datalab-check-empty'],
  ])('fails: %s', (_name, path) => {
    if (path.endsWith('empty')) mkdirSync(path, { recursive: true });
    try {
      expect(() => objectsBelow(path)).toThrow(UserError);
    } finally {
      if (path.endsWith('empty')) rmSync(path, { recursive: true });
    }
  });

  test('fails: what is no object, and what is no YAML, both at once', () => {
    const folder = join(directory, 'broken');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.yaml'), 'just: a map\n');
    writeFileSync(join(folder, 'b.yaml'), '{');
    expect(() => objectsBelow(folder)).toThrow(/a\.yaml[\s\S]*b\.yaml/);
  });
});
