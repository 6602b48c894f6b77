import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stackTrace, type Ran } from './datalab';

const project = resolve(__dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'datalab-diff-'));
const root = join(directory, 'clone');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a program of the clone, with a secret in its environment. */
function run(program: string, ...args: string[]): Promise<Ran> {
  const env = { ...process.env, DATALAB_CACHE: join(directory, 'cache'), GITHUB_TOKEN: 'planted-token' };
  return new Promise((done) => {
    execFile(join(root, program), args, { cwd: root, env, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => done({ code: error ? (error.code as unknown as number) : 0, stdout, stderr }));
  });
}
const diff = (...args: string[]) => run('datalab', 'diff', ...args);
const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

const instance = join(root, 'stacks/ssp-cloud/instance.ts');
const edit = (from: string, to: string) => {
  const text = readFileSync(instance, 'utf8');
  if (!text.includes(from)) throw new Error(`${from} is not there`);
  writeFileSync(instance, text.replace(from, to));
};

/** One CPU more for each person: a limit that widens. */
const raise = () => edit("'requests.cpu': '30'", "'requests.cpu': '31'");
const approvals = (line: string) => edit("  waivers: [", `  approvals: [${line}],\n  waivers: [`);

beforeAll(() => {
  for (const path of ['model', 'catalogs', 'constructs', 'policies', 'review', 'stacks', 'cli', '.ci', 'datalab', 'package.json', 'package-lock.json', 'tsconfig.json', '.gitignore']) {
    cpSync(join(project, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, '.gitignore'), '/node_modules\n/review-out\n.install.lock\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'before');
});
afterEach(() => {
  git('reset', '--quiet', '--hard', 'main');
  git('switch', '--quiet', 'main');
});

test('nothing changed', async () => {
  expect(await diff()).toEqual({ code: 0, stdout: expect.stringMatching(/^main at [0-9a-f]{12} \(merge base\) and the working files render to the same\.\n$/), stderr: expect.any(String) });
  expect(JSON.parse((await diff('--json', '--exit-code')).stdout)).toMatchObject({ after: 'the working files', stacks: [{ stack: 'ls3.insee', changes: [] }, {}, {}, {}] });
});

test('a widening: exit 3 with the line that approves it; approved, 0, and 4 with --exit-code; landed, the approval is spent; without it, unused', async () => {
  raise();
  const { code, stdout, stderr } = await diff();
  expect([code, stderr]).toEqual([3, expect.not.stringMatching(stackTrace)]);
  expect(stdout).toMatch(/WIDENS[\s\S]*NOT APPROVED[\s\S]*30 → 31/);
  const lines = [...stderr.matchAll(/add (\{ id: '[0-9a-f]{12}', reason: '…', owner: '…' \})/g)].map(([, line]) => line!.replaceAll('…', 'we looked'));
  expect(lines.length).toBeGreaterThan(0);

  approvals([...new Set(lines)].join(', '));
  const approved = await diff();
  expect([approved.code, approved.stdout]).toEqual([0, expect.stringContaining('approved by we looked: we looked')]);
  expect((await diff('--exit-code')).code).toBe(4);
  const markdown = await diff('--format', 'markdown', '--stack', 'ssp-cloud.paris');
  expect(markdown.stdout).toContain('all approved');
  expect(markdown.stdout).not.toContain('ls3.insee');

  git('switch', '--quiet', '--create', 'landed');
  git('commit', '--quiet', '--all', '--message', 'landed');
  const spent = await diff('--base', 'landed');
  expect([spent.code, spent.stdout]).toEqual([0, expect.stringContaining('Approvals that are spent, and may be removed: ssp-cloud ')]);

  git('switch', '--quiet', 'main');
  approvals(lines[0]!);
  const unused = await diff();
  expect([unused.code, unused.stderr]).toEqual([1, expect.stringContaining('fix      remove it: it would approve something later')]);
});

test('an immutable choice that is altered: exit 2, with the migration', async () => {
  edit("realm: 'sspcloud'", "realm: 'datalab'");
  const { code, stderr, stdout } = await diff();
  expect([code, stderr]).toEqual([2, expect.stringMatching(/ssp-cloud\.paris: realm\n {4}got {6}sspcloud → datalab\n[\s\S]*kc\.sh export/)]);
  expect(stdout).toContain('REFUSED');
});

test('an instance that is not valid: exit 2, with its own message', async () => {
  edit("posture: 'open'", "posture: 'ajar'");
  const { code, stdout, stderr } = await diff();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/Of the working files: The instance ssp-cloud is not valid:\n {2}posture\n {4}got {6}"ajar"/);
  expect(stderr).not.toMatch(stackTrace);
});

test.each([
  ['a stack that does not exist', ['--stack', 'ssp-cloud.pairs'], 'did you mean ssp-cloud.paris?'],
  ['a revision and a directory for one side', ['--base', 'main', '--from', 'out'], 'leave one out'],
  ['a directory that is not there', ['--from', 'nowhere', '--to', 'nowhere'], 'datalab render STACK --out DIR'],
  ['a base that is not there', ['--base', 'nowhere'], 'git fetch it first'],
])('fails: %s', async (_, args, message) => {
  const { code, stdout, stderr } = await diff(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(stackTrace);
});

describe('the scripts of the pipelines, with this clone standing in for a runner', () => {
  const kept = join(root, 'review-out');
  const comment = join(directory, 'comment.md');
  afterEach(() => rmSync(kept, { recursive: true, force: true }));

  test('.ci/review keeps a report, what was rendered and its base, and fails as the diff does; .ci/report makes the same report of it', async () => {
    git('switch', '--quiet', '--create', 'change');
    raise();
    git('commit', '--quiet', '--all', '--message', 'change');
    const { code, stdout } = await run('.ci/review', 'main', kept);
    expect(code).toBe(3);
    for (const name of ['report.md', 'report.json', 'check.md', 'rendered.json', 'base']) expect(existsSync(join(kept, name))).toBe(true);
    expect(stdout).toContain(readFileSync(join(kept, 'report.md'), 'utf8'));
    expect(readFileSync(join(kept, 'base'), 'utf8')).toBe(`${git('rev-parse', 'main')}\n`);
    // The second workflow stands on the default branch and has the artifact alone.
    git('switch', '--quiet', 'main');
    expect((await run('.ci/report', kept, comment)).code).toBe(0);
    const widenings = (text: string) => text.slice(text.indexOf('### Widens'));
    expect(widenings(readFileSync(comment, 'utf8'))).toBe(widenings(readFileSync(join(kept, 'report.md'), 'utf8')));
  });

  test.each([
    ['nothing', {}, 'the run kept no rendered stacks'],
    ['no commit', { 'rendered.json': '{}' }, 'does not say which commit'],
    ['a command in the place of a commit', { 'rendered.json': '{}', base: '$(touch planted)' }, 'does not say which commit'],
    ['a commit of somebody else', { 'rendered.json': '{}', base: 'f'.repeat(40) }, 'not on this branch'],
    ['something else than stacks', { 'rendered.json': '{"rendered":[{"name":"x"}]}', base: 'HEAD' }, 'cannot be compared'],
    ['no JSON', { 'rendered.json': 'x', base: 'HEAD' }, 'cannot be compared'],
  ])('.ci/report of %s says that there is no report', async (_, files, reason) => {
    cpSync(join(root, 'model'), kept, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(kept, name), text === 'HEAD' ? git('rev-parse', 'HEAD') : text);
    expect((await run('.ci/report', kept, comment)).code).toBe(0);
    expect(readFileSync(comment, 'utf8')).toContain(`There is no report:`);
    expect(readFileSync(comment, 'utf8')).toContain(reason);
    expect(existsSync(join(root, 'planted'))).toBe(false);
  });

  test('.ci/report does not follow a link out of what the run kept', async () => {
    cpSync(join(root, 'model'), kept, { recursive: true });
    symlinkSync('/etc/passwd', join(kept, 'rendered.json'));
    await run('.ci/report', kept, comment);
    expect(readFileSync(comment, 'utf8')).toContain('kept no rendered stacks');
  });
});
