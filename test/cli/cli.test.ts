import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editedText } from '../../cli/rotate';
import { requireEmbedded } from '../../embedded/region-kind';
import { loadStack } from '../../model/stack';
import { datalab, stackTrace } from './datalab';

const directory = mkdtempSync(join(tmpdir(), 'datalab-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const state = join(directory, 'state');

/** One problem as it is printed. */
const problem = (path: string, got: string, allowed: string, fix: string) => `  ${path}\n    got      ${got}\n    allowed  ${allowed}\n    fix      ${fix}\n`;

describe('help', () => {
  const commands = ['up', 'preview', 'refresh', 'destroy', 'down', 'status', 'render', 'check', 'diff', 'verify', 'unseal', 'rotate', 'login', 'doctor'];

  test('names every command and the exit codes', async () => {
    const { code, stdout, stderr } = await datalab(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} \\[options\\]`, 'm'));
    expect(stdout).toContain('Exit codes: 0 done · 1 failed · 2 wrong input · 3 unapproved widening · 4 changes (with --exit-code)');
  });

  test.each(commands)('%s --help has examples, and --json', async (command) => {
    const { code, stdout, stderr } = await datalab([command, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: datalab ${command} [options]`);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\./datalab ${command}`, 'm'));
    expect(stdout).toMatch(/^ +--json /m);
  });

  test('--version is a version', async () => {
    expect(await datalab(['--version'])).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });
});

describe('wrong input', () => {
  test.each([
    ['a command that does not exist', ['frobnicate'], "error: unknown command 'frobnicate'"],
    ['a command that is nearly one', ['staus'], '(Did you mean status?)'],
    ['no command', [], 'Commands:'],
    ['a flag that does not exist', ['up', '--froce'], "error: unknown option '--froce'"],
    ['two stacks', ['up', 'ls3.local', 'ssp-cloud.local'], "error: too many arguments for 'up'. Expected 1 argument but got 2"],
    ['a choice that does not exist', ['up', '--plugins', 'mine'], 'Allowed choices are auto, official, stand-in'],
    ['no directory to render to', ['render', 'ls3.insee'], "error: required option '--out <dir>' not specified"],
  ])('fails: %s', async (_, args, message) => {
    const { code, stdout, stderr } = await datalab(args, { DATALAB_STATE: state });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(stackTrace);
  });

  test.each([['up'], ['render', '--out', join(directory, 'never')]])('fails: %s of a stack that does not exist', async (command, ...flags) => {
    const { code, stdout, stderr } = await datalab([command!, 'ssp-cloud.pairs', ...flags], { DATALAB_STATE: state });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      `There is no such stack:\n${problem('stack', '"ssp-cloud.pairs"', 'ls3.insee, ls3.local, ssp-cloud.local, ssp-cloud.paris', 'did you mean ssp-cloud.paris?')}`,
    );
  });

  test.each([
    ['up', 'pulumi up'],
    ['preview', 'pulumi preview'],
    ['refresh', 'pulumi refresh'],
    ['destroy', 'pulumi destroy --exclude-protected'],
    ['down', 'pulumi destroy --exclude-protected'],
    ['status', 'pulumi stack'],
  ] as const)("fails: %s of a region on a real cluster, with Pulumi's own command", (command, fix) => {
    const told = problem('stack', 'ssp-cloud.paris', 'an embedded region, `<instance>.local`; Pulumi itself works on the others', `${fix} --stack ssp-cloud.paris`);
    expect(() => requireEmbedded(loadStack('ssp-cloud.paris'), command)).toThrow(told.trimEnd());
  });

  test('fails: up ssp-cloud.paris, with the command that deploys it', async () => {
    const { code, stdout, stderr } = await datalab(['up', 'ssp-cloud.paris'], { DATALAB_STATE: state });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('fix      pulumi up --stack ssp-cloud.paris\n');
    expect(stderr).not.toMatch(stackTrace);
  });

  test('none of that made a state directory', () => {
    expect(existsSync(state)).toBe(false);
  });
});

describe('status, when nothing runs', () => {
  test('says so, and how to start', async () => {
    expect(await datalab(['status', 'ls3.local', '--state', state])).toEqual({ code: 0, stdout: 'ls3.local does not run. Start it: ./datalab up ls3.local\n', stderr: '' });
  });

  test('--json is one line', async () => {
    const { code, stdout } = await datalab(['status', '--json'], { DATALAB_STATE: state });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ stack: 'ssp-cloud.local', running: false, systems: [], kubeconfig: join(state, 'ssp-cloud.local', 'kubeconfig') });
    expect(existsSync(state)).toBe(false);
  });
});

describe('render', () => {
  test('--json tells how many files are where', async () => {
    const out = join(directory, 'rendered');
    const { code, stdout, stderr } = await datalab(['render', 'ssp-cloud.paris', '--out', out, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'));
    expect(JSON.parse(stdout)).toEqual({ stack: 'ssp-cloud.paris', out, files: files.length });
    expect(files.length).toBeGreaterThan(50);
  });

  test('fails: into a file', async () => {
    const out = join(directory, 'file');
    writeFileSync(out, '');
    const { code, stdout, stderr } = await datalab(['render', 'ssp-cloud.paris', '--out', out]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`got      ${out}, which is a file`);
    expect(stderr).not.toMatch(stackTrace);
  });
});

describe('rotate', () => {
  test('without a name shows the secrets and who has them, and changes nothing', async () => {
    const { code, stdout, stderr } = await datalab(['rotate', 'ssp-cloud.paris']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^SECRET +USED BY +A ROTATION\n/);
    expect(stdout).toMatch(/^minio\/root@v1 +minio\/statefulset\/minio +restarts it$/m);
    const json = await datalab(['rotate', 'ssp-cloud.local', '--json', '--state', state]);
    expect(JSON.parse(json.stdout).map(({ label }: { label: string }) => label)).toContain('keycloak/demo-alice@v1');
    expect(existsSync(state)).toBe(false);
  });

  test.each([
    ['a secret that does not exist', ['minio/rot', 'ssp-cloud.paris'], problem('secret', '"minio/rot"', 'keycloak/bootstrap-admin, keycloak/database, minio/root, postgresql/superuser', 'did you mean minio/root?')],
    ['a stack that does not exist', ['minio/root', 'ssp-cloud.pairs'], 'did you mean ssp-cloud.paris?'],
    ['all and one', ['--all', 'minio/root', 'ssp-cloud.paris'], problem('--all', 'minio/root', 'no name beside --all', 'leave out the names, or --all')],
  ])('fails: %s', async (_, args, message) => {
    const { code, stdout, stderr } = await datalab(['rotate', ...args], { DATALAB_STATE: state });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(stackTrace);
  });

  test('for a region on a real cluster says what is edited, what the deployment will do and the next steps', () => {
    expect(editedText('ssp-cloud.paris', ['minio/root@v2'], ['restarts  minio/statefulset/minio'], ['minio/root'])).toBe(
      `stacks/Pulumi.ssp-cloud.paris.yaml now says:
  minio/root@v2

Nothing is deployed yet. The next deployment
  restarts  minio/statefulset/minio

Let it be reviewed, then, before the next rotation of this stack:
  pulumi up --stack ssp-cloud.paris`,
    );
    const all = editedText('ssp-cloud.paris', [], [], 'all');
    expect(all.split('\n').slice(-5)).toEqual([
      '  pulumi config get datalab:seed --stack ssp-cloud.paris | pulumi config set --secret datalab:previousSeed --stack ssp-cloud.paris',
      '  openssl rand -base64 32 | pulumi config set --secret datalab:seed --stack ssp-cloud.paris',
      '  pulumi up --stack ssp-cloud.paris',
      '  pulumi config rm datalab:previousSeed --stack ssp-cloud.paris',
      '  pulumi up --stack ssp-cloud.paris',
    ]);
  });
});

describe('doctor', () => {
  test('a table of at most 100 columns, with a mark for each tool', async () => {
    const { code, stdout } = await datalab(['doctor', '--state', state]);
    expect(code).toBe(0);
    const lines = stdout.split('\n\n')[0]!.split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    for (const tool of ['Node.js', 'state directory', 'etcd v', 'kubernetes v', 'kwok v', 'pulumi v', 'CRDs']) {
      expect(lines.filter((line) => line.startsWith('✓') && line.includes(tool))).toHaveLength(1);
    }
  });

  const kubeconfig = join(directory, 'kubeconfig');
  const cluster = (server: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server } }],
      users: [{ name: 'u', user: { token: 'planted-token' } }],
      contexts: [{ name: 'ssp-cloud-paris', context: { cluster: 'c', user: 'u' } }],
    });

  test.each([
    ['does not listen', cluster('https://127.0.0.1:1'), 'The connection to the server 127.0.0.1:1 was refused'],
    ['is in no kubeconfig', '{"apiVersion":"v1","kind":"Config"}', 'context was not found for specified context: ssp-cloud-paris'],
    ['is in a kubeconfig that is broken', '{', 'error loading config file'],
  ])('fails: the cluster %s', async (_, config, reason) => {
    writeFileSync(kubeconfig, config);
    const { code, stdout, stderr } = await datalab(['doctor', 'ssp-cloud.paris', '--state', state], { KUBECONFIG: kubeconfig });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('The cluster does not answer:\n  ssp-cloud.paris: --context ssp-cloud-paris\n');
    expect(stderr).toContain(reason);
    expect(stderr).toContain('fix      set KUBECONFIG to a file with the context ssp-cloud-paris');
    expect(stderr).not.toMatch(stackTrace);
    expect(stderr).not.toContain('planted-token');
  });

  test('fails: the embedded region does not run', async () => {
    const { code, stderr } = await datalab(['doctor', 'ls3.local', '--state', state]);
    expect(code).toBe(1);
    expect(stderr).toContain('fix      ./datalab up ls3.local');
    expect(stderr).not.toMatch(stackTrace);
  });
});

describe('a computer without the tools, without Go and without a way to the publishers', () => {
  const cache = join(directory, 'cache');
  const path = join(directory, 'bin');
  const closed = join(directory, 'closed.cjs');
  const bare = { PATH: path, HOME: directory, DATALAB_CACHE: cache, DATALAB_TOOLS: undefined, NODE_OPTIONS: `--require ${closed}` };

  beforeAll(() => {
    writeFileSync(closed, "globalThis.fetch = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('no network') }));");
    mkdirSync(path);
    symlinkSync(process.execPath, join(path, 'node'));
    for (const name of ['sh', 'cmp', 'dirname']) {
      const found = process.env.PATH!.split(':').map((folder) => join(folder, name)).find(existsSync);
      symlinkSync(found!, join(path, name));
    }
  });

  test('doctor says what is missing and how to get it', async () => {
    const { code, stdout } = await datalab(['doctor'], bare);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ {2}etcd v\S+ +missing: etcd$/m);
    expect(stdout).toMatch(/✗ kwok v\S+\n {2}fix: \.\/datalab doctor --install: it is built from its Go module with Go >= 1\.\d+/);
    expect(JSON.parse((await datalab(['doctor', '--json'], bare)).stdout).checks).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/^kubernetes v/), ok: false, found: 'missing: kube-apiserver, kube-controller-manager, kube-scheduler, kubectl' }),
    );
  });

  test.each([['up'], ['doctor', '--install']])('fails: %s names what could not be had, why, and what to install', async (...args) => {
    const { code, stdout, stderr } = await datalab([...args, '--state', state], bare);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^etcd v\S+ could not be installed\.$/m);
    expect(stderr).toContain('got      github.com cannot be reached: no network');
    expect(stderr).toContain('got      the command `go` is not on the PATH');
    expect(stderr).toMatch(/fix {6}install Go >= 1\.\d+ from go\.dev\/dl or your distribution, or put the binaries into a directory and set DATALAB_TOOLS/);
    expect(stderr).not.toMatch(stackTrace);
  });
});
