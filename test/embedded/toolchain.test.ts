import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describeTools, ensureTools, toolPath } from '../../embedded/toolchain';
import { silent, type Progress } from '../../model/progress';
import { eventually, temporaryDirectory } from './temporary';

const directory = temporaryDirectory();
const kubernetes = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
const original = { ...process.env };

/** What the publisher's server has: path → content; a missing path is 404, `hang` never answers. */
const published = new Map<string, Buffer | 'hang'>();
const asked: string[] = [];
let server: Server;
let mirror: (url: string) => string;
let cache: string;
let tools: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    const content = published.get(request.url!);
    if (content === 'hang') return;
    response.statusCode = content ? 200 : 404;
    response.end(content);
  }).listen(0, '127.0.0.1');
  await eventually('the server', () => server.listening);
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mirror = (url) => `${base}${new URL(url).pathname}`;
});

afterAll(() => {
  process.env = original;
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  const own = mkdtempSync(join(directory, 'case-'));
  cache = join(own, 'cache');
  tools = join(own, 'tools');
  mkdirSync(tools);
  process.env = { ...original, DATALAB_CACHE: cache, DATALAB_TOOLS: tools };
  published.clear();
  asked.length = 0;
});

function executable(path: string, content: string): void {
  writeFileSync(path, content);
  chmodSync(path, 0o755);
}

/** A `go` that builds by writing the names of the packages, or fails after having written a part. */
function fakeGo(ends: 'well' | 'badly'): void {
  const bin = mkdtempSync(join(directory, 'go-'));
  executable(join(bin, 'go'), `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -o) out=$2; shift ;; -*) ;; *) packages="$packages $1" ;; esac; shift
done
for package in $packages; do
  echo "$package" >&2
  case $out in */) echo "built $package" > "$out\${package##*/}" ;; *) echo "built $package" > "$out" ;; esac
done
${ends === 'well' ? '' : 'echo "modules.example.org: connection refused" >&2; exit 1'}
`);
  process.env.PATH = `${bin}:${original.PATH}`;
}

function withoutGo(): void {
  const bin = mkdtempSync(join(directory, 'no-go-'));
  for (const command of ['tar', 'gzip', 'sh']) {
    executable(join(bin, command), `#!/bin/sh\nexec ${execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim()} "$@"\n`);
  }
  process.env.PATH = bin;
}

function publishKubernetes(): void {
  for (const binary of kubernetes) {
    const content = Buffer.from(`released ${binary}`);
    const path = `/release/v1.37.2/bin/linux/${arch}/${binary}`;
    published.set(path, content);
    published.set(`${path}.sha256`, Buffer.from(sha256(content)));
  }
}

function publishEtcd(): void {
  const name = `etcd-v3.7.3-linux-${arch}`;
  const root = mkdtempSync(join(directory, 'release-'));
  mkdirSync(join(root, name));
  writeFileSync(join(root, name, 'etcd'), 'released etcd');
  execFileSync('tar', ['-czf', `${name}.tar.gz`, name], { cwd: root });
  const archive = readFileSync(join(root, `${name}.tar.gz`));
  const base = '/etcd-io/etcd/releases/download/v3.7.3';
  published.set(`${base}/${name}.tar.gz`, archive);
  published.set(`${base}/SHA256SUMS`, Buffer.from(`${'0'.repeat(64)}  etcd-other.tar.gz\n${sha256(archive)}  ${name}.tar.gz\n`));
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function notes(): Progress & { lines: string[] } {
  const lines: string[] = [];
  return { ...silent, lines, note: (line) => lines.push(line) };
}

test('the directory given by the user comes first, and nothing is asked of anybody', async () => {
  withoutGo();
  executable(join(tools, 'etcd'), 'mine');
  await expect(ensureTools(['etcd'], silent, { mirror })).resolves.toEqual({ etcd: join(tools, 'etcd') });
  expect(asked).toEqual([]);
  expect(existsSync(cache)).toBe(false);
});

test('binaries missing there come from the release, into the cache, once', async () => {
  withoutGo();
  publishKubernetes();
  executable(join(tools, 'kubectl'), 'mine');
  const found = await ensureTools(['kubernetes'], silent, { mirror });
  expect(found.kubectl).toBe(join(tools, 'kubectl'));
  expect(found['kube-apiserver']).toBe(join(cache, 'kubernetes-v1.37.2/bin/kube-apiserver'));
  expect(readFileSync(found['kube-scheduler'], 'utf8')).toBe('released kube-scheduler');
  expect(asked.filter((path) => path.endsWith('kubectl'))).toEqual([]);
  asked.length = 0;
  await ensureTools(['kubernetes'], silent, { mirror });
  expect(asked).toEqual([]);
});

test('a binary is taken out of an archive that its checksum list proves', async () => {
  withoutGo();
  publishEtcd();
  const { etcd } = await ensureTools(['etcd'], silent, { mirror });
  expect(readFileSync(etcd, 'utf8')).toBe('released etcd');
  expect(readdirSync(cache)).toEqual(['etcd-v3.7.3']);
});

test.each([
  ['has the wrong checksum', () => published.set(`/release/v1.37.2/bin/linux/${arch}/kubectl`, Buffer.from('evil')), 'the checksum of kubectl is'],
  ['has no checksum', () => published.delete(`/release/v1.37.2/bin/linux/${arch}/kubectl.sha256`), 'answers 404'],
  ['has something else in place of a checksum', () => published.set(`/release/v1.37.2/bin/linux/${arch}/kubectl.sha256`, Buffer.from('<html>')), 'no checksum for kubectl'],
])('a release that %s is not used: the tool is built, and the reason is noted', async (_what, spoil, reason) => {
  fakeGo('well');
  publishKubernetes();
  spoil();
  const progress = notes();
  const found = await ensureTools(['kubernetes'], progress, { mirror });
  expect(readFileSync(found.kubectl, 'utf8')).toBe('built k8s.io/kubernetes/cmd/kubectl\n');
  expect(readFileSync(found['kube-apiserver'], 'utf8')).toBe('built k8s.io/kubernetes/cmd/kube-apiserver\n');
  expect(progress.lines.join('\n')).toContain(reason);
});

test('a tool whose publisher gives no checksum is built without asking for a release', async () => {
  fakeGo('well');
  const { kwok } = await ensureTools(['kwok'], silent, { mirror });
  expect(readFileSync(kwok, 'utf8')).toBe('built sigs.k8s.io/kwok/cmd/kwok\n');
  expect(asked).toEqual([]);
});

test('when every source fails, the error tells each reason and what to install', async () => {
  withoutGo();
  const error = await ensureTools(['etcd'], silent, { mirror }).catch((reason: Error) => reason);
  expect(error).toMatchObject({ name: 'UserError', exitCode: 1 });
  const { message } = error as Error;
  expect(message).toContain(`${tools} without etcd`);
  expect(message).toContain('SHA256SUMS answers 404');
  expect(message).toContain('`go` is not on the PATH');
  expect(message).toContain('install Go >= 1.26 from go.dev/dl or your distribution');
  expect(message).toContain('set DATALAB_TOOLS');
});

test('a failed build leaves nothing behind, and its reason is told', async () => {
  fakeGo('badly');
  await expect(ensureTools(['etcd'], silent, { mirror })).rejects.toThrow('modules.example.org: connection refused');
  expect(toolPath('etcd', 'etcd')).toBeUndefined();
  expect(readdirSync(cache).filter((name) => name.startsWith('draft-'))).toEqual([]);
});

test('a publisher that does not answer costs a few seconds, once for all its tools', async () => {
  fakeGo('well');
  published.set('/etcd-io/etcd/releases/download/v3.7.3/SHA256SUMS', 'hang');
  const started = Date.now();
  await ensureTools(['etcd', 'pulumi'], silent, { mirror });
  expect(Date.now() - started).toBeLessThan(8000);
}, 15_000);

test('two installs at once both end well', async () => {
  fakeGo('well');
  publishEtcd();
  const both = await Promise.all([1, 2].map(() => ensureTools(['etcd', 'kwok'], silent, { mirror })));
  expect(both[0]).toEqual(both[1]);
  expect(readFileSync(both[0]!.etcd, 'utf8')).toBe('released etcd');
  expect(readdirSync(cache).sort()).toEqual(['etcd-v3.7.3', 'kwok-v0.8.0']);
});

test('doctor reads where tools are or how they would be got, and changes nothing', () => {
  executable(join(tools, 'etcd'), 'mine');
  const described = describeTools();
  expect(described.find(({ name }) => name === 'etcd')).toMatchObject({ version: 'v3.7.3', found: [join(tools, 'etcd')], missing: [] });
  const pulumi = described.find(({ name }) => name === 'pulumi')!;
  expect(pulumi).toMatchObject({ found: [], missing: ['pulumi'] });
  expect(pulumi.how).toContain('Go >= 1.26');
  expect(existsSync(cache)).toBe(false);
});
