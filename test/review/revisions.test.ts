import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../../model/errors';
import { silent } from '../../model/progress';
import { loadStack, stackNames } from '../../model/stack';
import { renderAllTo, renditionOf, renderTo } from '../../review/render';
import { sidesOf, type SideOptions } from '../../review/revisions';

const project = resolve(__dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'datalab-revisions-'));
const cache = join(directory, 'cache');
const environment = { ...process.env };
beforeAll(() => Object.assign(process.env, { DATALAB_CACHE: cache, DATALAB_SEED: 'planted-seed', GITHUB_TOKEN: 'planted-token' }));
afterAll(() => {
  process.env = environment;
  rmSync(directory, { recursive: true, force: true });
});

/** A renderer that takes what it renders from a file, and tells what it was given. */
const renderer = `
import { readFileSync, writeFileSync } from 'node:fs';
console.log('noise of an instance');
const name = readFileSync('stacks/name.txt', 'utf8').trim();
const stack = { name, posture: 'open', objects: [], waivers: [], approvals: [], choices: { environment: Object.keys(process.env).sort().join(), here: process.cwd() } };
writeFileSync(process.argv[2]!, JSON.stringify({ rendered: [stack] }));
`;

let count = 0;

/** A git repository with one commit on main, whose one stack is called \`first.local\`. */
function repository(files: Record<string, string> = {}): { root: string; git: (...args: string[]) => string; write: (path: string, text: string) => void } {
  const root = join(directory, `repository-${++count}`);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main', ...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const first = { 'review/renderer.ts': renderer, 'stacks/name.txt': 'first.local\n', 'package-lock.json': '{}', 'docs/page.md': 'page\n', '.gitignore': 'node_modules\n*.log\n', ...files };
  for (const [path, text] of Object.entries(first)) write(path, text);
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'first');
  return { root, git, write };
}

const names = async (options: SideOptions) => {
  const { before, after } = await sidesOf(options, silent);
  return [before, after].map(({ stacks }) => stacks.map(({ name }) => name).join());
};
const renders = () => (existsSync(join(cache, 'renders')) ? readdirSync(join(cache, 'renders')) : []);
const refusal = async (work: Promise<unknown>): Promise<UserError> => {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof UserError) return error;
  throw error ?? new Error('nothing was refused');
};

describe('what is compared', () => {
  const { root, git, write } = repository();

  test('without a word: the merge base with main, and the files as they are', async () => {
    const fork = git('rev-parse', '--short=12', 'HEAD');
    git('switch', '--quiet', '--create', 'change');
    write('stacks/name.txt', 'second.local\n');
    git('commit', '--quiet', '--all', '--message', 'second');
    git('switch', '--quiet', 'main');
    write('stacks/name.txt', 'elsewhere.local\n');
    git('commit', '--quiet', '--all', '--message', 'main went on');
    git('switch', '--quiet', 'change');
    write('stacks/name.txt', 'third.local\n');
    const { before, after } = await sidesOf({ root }, silent);
    expect([before.label, before.stacks[0]!.name]).toEqual([`main at ${fork} (merge base)`, 'first.local']);
    expect([after.label, after.stacks[0]!.name]).toEqual(['the working files', 'third.local']);
  });

  test('with --base and --head: those two', async () => {
    expect(await names({ root, base: 'main', head: 'change' })).toEqual(['elsewhere.local', 'second.local']);
    expect(await names({ root, head: 'change' })).toEqual(['first.local', 'second.local']);
    expect(await names({ root, base: git('rev-parse', 'main'), head: 'worktree' })).toEqual(['elsewhere.local', 'third.local']);
  });

  test('the default branch of origin comes before a main of this clone', async () => {
    const clone = join(directory, 'clone');
    git('branch', 'trunk', 'main');
    git('switch', '--quiet', '--force', 'trunk');
    execFileSync('git', ['clone', '--quiet', root, clone], { stdio: 'ignore' });
    symlinkSync(join(project, 'node_modules'), join(clone, 'node_modules'));
    const { before } = await sidesOf({ root: clone }, silent);
    expect(before.label).toMatch(/^origin\/trunk at [0-9a-f]{12} \(merge base\)$/);
  });

  test('files that git does not know yet count, ignored ones and pages do not, and the index stays as it is', async () => {
    const other = repository({ 'review/renderer.ts': renderer.replace("'stacks/name.txt'", "existsSync('stacks/new.txt') ? 'stacks/new.txt' : 'stacks/name.txt'").replace('{ readFileSync', '{ existsSync, readFileSync') });
    const content = async () => (await sidesOf({ root: other.root }, silent)).after.content;
    const objects = other.git('count-objects');
    const before = await content();
    other.write('docs/page.md', 'another\n');
    other.write('noise.log', 'noise\n');
    other.write('README.md', 'read\n');
    expect(await content()).toBe(before);
    other.write('stacks/new.txt', 'new.local\n');
    expect(await names({ root: other.root })).toEqual(['first.local', 'new.local']);
    expect(other.git('status', '--porcelain')).toBe('M docs/page.md\n?? README.md\n?? stacks/new.txt');
    expect(other.git('worktree', 'list').split('\n')).toHaveLength(1);
    expect(other.git('count-objects')).toBe(objects);
  });

  test.each([
    ['a branch that is not there', { base: 'nowhere' }, '--base', '"nowhere"'],
    ['a branch that looks like a flag', { head: '--output=x' }, '--head', '"--output=x"'],
  ])('fails: %s', async (_, flags, path, got) => {
    const error = await refusal(sidesOf({ root, ...flags }, silent));
    expect([error.exitCode, error.problems]).toEqual([exitCodes.wrongInput, [expect.objectContaining({ path, got })]]);
  });

  test('fails: no main, and no checkout at all', async () => {
    const { root: lone, git: own } = repository();
    own('branch', '--move', 'elsewhere');
    expect((await refusal(sidesOf({ root: lone }, silent))).problems[0]).toMatchObject({ path: '--base', fix: 'name one with --base' });
    const plain = mkdtempSync(join(directory, 'plain-'));
    expect((await refusal(sidesOf({ root: plain }, silent))).problems[0]!.fix).toContain('datalab diff --from DIR --to DIR');
  });
});

describe('the process that renders', () => {
  test('is given no secret, runs in a copy that is gone afterwards, and its chatter is not in the result', async () => {
    const { root } = repository();
    const { after } = await sidesOf({ root }, silent);
    const { environment: given, here } = after.stacks[0]!.choices as { environment: string; here: string };
    expect(given.split(',').filter((name) => !['LC_ALL', 'PATH', 'TMPDIR', 'PWD', 'SHLVL', '_'].includes(name))).toEqual([]);
    expect(here.startsWith(join(cache, 'renders', 'draft-'))).toBe(true);
    expect(existsSync(here)).toBe(false);
    expect(renders().filter((name) => name.startsWith('draft-'))).toEqual([]);
  });

  test.each([
    ['fails', "throw new Error('an error of mine')", 'its code fails: Error: an error of mine'],
    ['writes no JSON', "require('node:fs').writeFileSync(process.argv[2], 'x')", 'its renderer wrote no JSON'],
    ['writes nothing', '', 'its renderer wrote no JSON'],
  ])('one that %s is an error with its reason, and nothing stays', async (_, code, got) => {
    const { root } = repository({ 'review/renderer.ts': code });
    const before = renders();
    const error = await refusal(sidesOf({ root }, silent));
    expect([error.exitCode, error.problems[0]!.got]).toEqual([exitCodes.failed, got]);
    expect(renders()).toEqual(before);
  });

  test('one that writes something else than stacks is refused, with what is wrong', async () => {
    const { root } = repository({ 'review/renderer.ts': renderer.replace("posture: 'open'", "posture: 'ajar'") });
    expect((await refusal(sidesOf({ root }, silent))).message).toContain('[0].posture');
  });

  test("an instance that is not valid keeps its own messages", async () => {
    const problems = [{ path: 'realm', got: '"x"', allowed: 'a name', fix: 'rename it' }];
    const { root } = repository({ 'review/renderer.ts': `require('node:fs').writeFileSync(process.argv[2], JSON.stringify(${JSON.stringify({ title: 'The instance x is not valid:', problems })}))` });
    const error = await refusal(sidesOf({ root }, silent));
    expect([error.title, error.problems]).toEqual([expect.stringMatching(/^Of .+: The instance x is not valid:$/), problems]);
  });

  test('a revision without a renderer is refused, with what to do', async () => {
    const { root, git, write } = repository();
    git('rm', '--quiet', 'review/renderer.ts');
    git('commit', '--quiet', '--message', 'older');
    write('review/renderer.ts', renderer);
    expect((await refusal(sidesOf({ root }, silent))).problems[0]).toMatchObject({ got: 'it is older than `datalab diff` and has no review/renderer.ts' });
  });

  test('other locked packages are installed for it alone, without scripts and without secrets', async () => {
    const { root, write } = repository({ 'stacks/name.txt': 'locked.local' });
    const bin = join(directory, 'bin');
    const log = join(directory, 'npm.txt');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n{ echo "$@"; env; } > ${log}\nln -s ${join(project, 'node_modules')} node_modules\n`);
    chmodSync(join(bin, 'npm'), 0o755);
    write('package-lock.json', '{ "changed": true }');
    write('stacks/name.txt', 'other-packages.local');
    const path = process.env.PATH;
    process.env.PATH = `${bin}:${path}`;
    try {
      expect(await names({ root })).toEqual(['locked.local', 'other-packages.local']);
    } finally {
      process.env.PATH = path;
    }
    const said = readFileSync(log, 'utf8');
    expect(said).toContain('ci --ignore-scripts');
    expect(said).not.toContain('planted-');
  });
});

describe('the cache', () => {
  const { root, write } = repository({ 'stacks/name.txt': 'cached.local' });

  test('a revision is rendered once, and again when its render is lost or broken', async () => {
    const steps: string[] = [];
    const counted = { ...silent, step: ((title, work) => (steps.push(title), work(() => undefined))) as typeof silent.step };
    const { after } = await sidesOf({ root }, counted);
    await sidesOf({ root }, counted);
    expect(steps).toHaveLength(1);
    const file = join(cache, 'renders', `${after.content}.json`);
    writeFileSync(file, '{ "rendered"');
    expect((await sidesOf({ root }, counted)).after.stacks[0]!.name).toBe('cached.local');
    expect(steps).toHaveLength(2);
  });

  test('keeps fifty, and removes what a killed command left an hour ago', async () => {
    const old = new Date(Date.now() - 7_200_000);
    const plant = (name: string, time: Date) => {
      const path = join(cache, 'renders', name);
      if (name.startsWith('draft-')) mkdirSync(path);
      else writeFileSync(path, '{}');
      utimesSync(path, time, time);
    };
    for (let each = 0; each < 60; each++) plant(`${each}.json`, old);
    plant('draft-old', old);
    plant('draft-young', new Date());
    write('stacks/name.txt', 'pruning.local');
    await sidesOf({ root }, silent);
    expect(renders().filter((name) => name.endsWith('.json'))).toHaveLength(50);
    expect(renders().filter((name) => name.startsWith('draft-'))).toEqual(['draft-young']);
    rmSync(join(cache, 'renders', 'draft-young'), { recursive: true });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('nothing stays after %s', async (signal) => {
    const slow = repository({ 'review/renderer.ts': 'setTimeout(() => undefined, 60_000)' });
    const script = join(directory, `compare-${signal}.ts`);
    writeFileSync(script, `import { sidesOf } from '${project}/review/revisions';\nimport { silent } from '${project}/model/progress';\nvoid sidesOf({ root: '${slow.root}' }, silent);\n`);
    const child = spawn(process.execPath, ['--import', join(project, 'node_modules/tsx/dist/loader.mjs'), script], { stdio: 'ignore', env: process.env });
    const ended = new Promise((done) => child.on('close', (code) => done(code)));
    const checkedOut = () => renders().filter((name) => name.startsWith('draft-')).some((name) => readdirSync(join(cache, 'renders', name)).some((inner) => existsSync(join(cache, 'renders', name, inner, 'node_modules'))));
    while (!checkedOut() && child.exitCode === null) await sleep(50);
    child.kill(signal);
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(renders().filter((name) => name.startsWith('draft-'))).toEqual([]);
  });
});

describe('rendered trees', () => {
  const out = join(directory, 'out');
  const insee = renditionOf(loadStack('ls3.insee'));
  const sorted = (objects: readonly unknown[]) => objects.map((object) => JSON.stringify(object)).sort();

  test('of one stack, and a file of all, carry what the instance says of them', async () => {
    renderTo(loadStack('ls3.insee'), join(out, 'insee'));
    renderAllTo(join(out, 'all.json'));
    const { before, after } = await sidesOf({ from: join(out, 'insee'), to: join(out, 'all.json') }, silent);
    expect(before.stacks[0]).toEqual({ ...insee, objects: expect.anything() });
    expect(sorted(before.stacks[0]!.objects)).toEqual(sorted(insee.objects));
    expect(after.stacks.map(({ name }) => name)).toEqual(stackNames());
    expect(after.stacks[0]).toEqual(JSON.parse(JSON.stringify(insee)));
    writeFileSync(join(out, 'other.json'), '[]');
    expect((await refusal(sidesOf({ from: join(out, 'other.json'), to: out }, silent))).message).toContain('is not what a stack renders to');
  });

  test('that nothing is known of need a posture', async () => {
    const folder = join(directory, 'unmarked');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.yaml'), 'apiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n');
    expect((await refusal(sidesOf({ from: folder, to: folder }, silent))).problems[0]!.path).toBe('--posture');
    const { after } = await sidesOf({ from: folder, to: folder, posture: 'open' }, silent);
    expect(after.stacks).toMatchObject([{ posture: 'open', waivers: [], approvals: [], choices: {}, objects: [{ kind: 'Namespace' }] }]);
    writeFileSync(join(folder, '.datalab-render'), '{"name":"x"}');
    expect((await refusal(sidesOf({ from: folder, to: folder }, silent))).message).toMatch(/\.datalab-render is not what[\s\S]*posture/);
  });

  test('take the place of one revision', async () => {
    const { root } = repository();
    const { before, after } = await sidesOf({ root, to: join(out, 'insee') }, silent);
    expect([before.stacks[0]!.name, after.stacks[0]!.name, before.content?.length, after.content]).toEqual(['first.local', 'ls3.insee', 64, undefined]);
  });
});

test('the project renders through its own renderer what it renders in this process', async () => {
  const { after } = await sidesOf({ root: project, base: 'HEAD' }, silent).catch((error: UserError) => {
    if (error.problems?.[0]?.got.startsWith('not the top')) return { after: undefined };
    throw error;
  });
  if (after) expect(after.stacks).toEqual(JSON.parse(JSON.stringify(stackNames().map((name) => renditionOf(loadStack(name))))));
});
