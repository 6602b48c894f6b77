import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { exitCodes, UserError } from '../../model/errors';
import { loadStack, stackNames } from '../../model/stack';
import { derive } from '../../provision/secrets';
import { renderFiles, renditionOf, renderTo } from '../../review/render';

const directory = mkdtempSync(join(tmpdir(), 'datalab-render-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Every file below a directory: path to text. */
function read(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((file) => relative(folder, join(file.parentPath, file.name))).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

const refusal = (work: () => unknown): UserError => {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe.each(stackNames())('the render of %s', (name) => {
  const stack = loadStack(name);
  const files = renderFiles(stack);
  const entries = entriesOf(compose(stack));

  test('has one file for each object, at `<namespace or _cluster>/<kind>-<name>.yaml`, sorted', () => {
    const paths = entries.map(({ object: { kind, metadata } }) => `${metadata.namespace ?? '_cluster'}/${kind.toLowerCase()}-${metadata.name}.yaml`);
    expect([...files.keys()]).toEqual(paths.sort());
    for (const path of files.keys()) expect(path).toMatch(/^(_cluster|[a-z0-9-]+)\/[a-z0-9]+-[a-z0-9.-]+\.yaml$/);
  });

  test('each file is the object that is deployed', () => {
    const rendered = [...files.values()].map((text) => JSON.stringify(parse(text))).sort();
    expect(rendered).toEqual(entries.map(({ object }) => JSON.stringify(object)).sort());
  });

  test('secrets are tokens, in Secrets and in what is provisioned only', () => {
    const withToken = [...files].filter(([, text]) => text.includes('${secret:') && !text.includes('apiVersion: provisioned/')).map(([path]) => path);
    expect(withToken).toEqual([
      'keycloak/secret-bootstrap-admin.yaml', 'keycloak/secret-database.yaml', 'minio/secret-root.yaml',
      'postgresql/secret-role-keycloak.yaml', 'postgresql/secret-superuser.yaml',
    ]);
    for (const path of withToken) {
      for (const [key, value] of Object.entries(parse(files.get(path)!).stringData)) {
        if (key === 'password') expect(value).toMatch(/^\$\{secret:[a-z/-]+@v\d+\}$/);
        else expect(value).not.toContain('${');
      }
    }
  });

  test('it needs no seed, and a seed in the environment is not in it', () => {
    process.env.PULUMI_CONFIG = JSON.stringify({ 'datalab:seed': 'planted-seed' });
    try {
      const text = [...renderFiles(stack).values()].join();
      expect(text).toBe([...files.values()].join());
      const labels = [...text.matchAll(/\$\{secret:([^}]+)\}/g)].map((match) => match[1]!);
      expect(labels.length).toBeGreaterThanOrEqual(5);
      for (const secret of ['planted-seed', ...labels.map((label) => derive('planted-seed', label))]) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(Buffer.from(secret).toString('base64'));
      }
    } finally {
      delete process.env.PULUMI_CONFIG;
    }
  });

  test('says nothing of when, where and by whom it was rendered', () => {
    const text = [...files.values()].join();
    expect(text).not.toMatch(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d/);
    expect(text).not.toContain(resolve(__dirname, '../..'));
  });
});

test.each(['ssp-cloud.paris', 'ls3.insee'])('the render of %s is byte-equal in two processes of another time zone, language and working directory', async (name) => {
  const datalab = resolve(__dirname, '../../datalab');
  const [one, other] = ['one', 'other'].map((part) => join(directory, name, part)) as [string, string];
  const render = (out: string, cwd: string, env: Record<string, string>) =>
    promisify(execFile)(datalab, ['render', name, '--out', out], { cwd, env: { PATH: process.env.PATH, ...env } });
  await Promise.all([
    render(one, resolve(__dirname, '../..'), { TZ: 'Pacific/Auckland', LANG: 'C', LC_ALL: 'C', HOME: directory }),
    render(other, tmpdir(), { TZ: 'America/St_Johns', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', HOME: '/' }),
  ]);
  expect(read(one)).toEqual(read(other));
  const { objects: _, ...said } = renditionOf(loadStack(name));
  expect(read(one)).toEqual(new Map([['.datalab-render', `${JSON.stringify(said, null, 2)}\n`], ...renderFiles(loadStack(name))]));
});

describe('the directory', () => {
  const stack = loadStack('ssp-cloud.paris');
  const fresh = () => mkdtempSync(join(directory, 'out-'));

  test('is made where it is not there, readable like any other', () => {
    const parent = fresh();
    const out = join(parent, 'a', 'b');
    expect(renderTo(stack, out)).toBe(renderFiles(stack).size);
    expect(read(out).size).toBe(renderFiles(stack).size + 1);
    expect(statSync(out).mode & 0o777).toBe(0o777 & ~process.umask());
    expect(readdirSync(join(parent, 'a'))).toEqual(['b']);
  });

  test('of an earlier render is replaced: stale files vanish', () => {
    const out = fresh();
    renderTo(stack, out);
    mkdirSync(join(out, 'gone'));
    writeFileSync(join(out, 'gone', 'service-gone.yaml'), 'kind: Service\n');
    renderTo(stack, out);
    expect(existsSync(join(out, 'gone'))).toBe(false);
    renderTo(loadStack('ls3.insee'), out);
    expect([...read(out).keys()].sort()).toEqual(['.datalab-render', ...renderFiles(loadStack('ls3.insee')).keys()].sort());
  });

  test('fails: with other files, which stay as they are', () => {
    const parent = fresh();
    const out = join(parent, 'out');
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'years of work');
    const error = refusal(() => renderTo(stack, out));
    expect(error.exitCode).toBe(exitCodes.wrongInput);
    expect(error.problems).toMatchObject([{ path: '--out', got: `${out}, which holds other files` }]);
    expect(read(parent)).toEqual(new Map([['out/thesis.txt', 'years of work']]));
  });

  test('fails: it is a file, which stays as it is', () => {
    const out = join(fresh(), 'file');
    writeFileSync(out, 'years of work');
    const error = refusal(() => renderTo(stack, out));
    expect(error.exitCode).toBe(exitCodes.wrongInput);
    expect(error.problems).toMatchObject([{ path: '--out', got: `${out}, which is a file` }]);
    expect(readFileSync(out, 'utf8')).toBe('years of work');
  });

  test('fails: below a file, where nothing can be written', () => {
    const parent = fresh();
    writeFileSync(join(parent, 'file'), '');
    const error = refusal(() => renderTo(stack, join(parent, 'file', 'out')));
    expect(error.exitCode).toBe(exitCodes.failed);
    expect(error.problems[0]!.got).toMatch(/ENOTDIR|EEXIST/);
    expect(readdirSync(parent)).toEqual(['file']);
  });

  test('fails: the disk gives up half-way, and nothing half-written stays', () => {
    const parent = fresh();
    const out = join(parent, 'out');
    renderTo(loadStack('ls3.insee'), out);
    const before = read(out);
    // No model would accept this name; no file system does either.
    const long = { ...stack, instance: { ...stack.instance, regions: { paris: { ...stack.instance.regions.paris!, demoUsers: { ['u'.repeat(300)]: { projects: [], admin: false } } } } } };
    const error = refusal(() => renderTo(long, out));
    expect(error.problems[0]!.got).toContain('ENAMETOOLONG');
    expect(readdirSync(parent)).toEqual(['out']);
    expect(read(out)).toEqual(before);
  });
});
