import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exitCodes, UserError, type Problem } from '../../model/errors';
import { loadStack, stackNames, stacksFolder } from '../../model/stack';

const folder = mkdtempSync(join(tmpdir(), 'datalab-stacks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(resolve(__dirname, '../../model'), join(folder, 'model'));

const publicKey = readFileSync(join(stacksFolder, 'ssp-cloud', 'operators', 'operator-1.asc'), 'utf8');
const operators = { 'operators/a.asc': publicKey, 'operators/b.asc': publicKey };

/** A stacks folder with one instance, made from the files given; its logo and two operators are there unless they say otherwise. */
function stacksWith(instanceFolder: string, files: Record<string, string>): string {
  const stacks = mkdtempSync(join(folder, 'stacks-'));
  for (const [path, text] of Object.entries({ 'logo.svg': '<svg/>', ...operators, ...files })) {
    const file = join(stacks, instanceFolder, path);
    mkdirSync(resolve(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
  return stacks;
}

/** An instance.ts like the one of ssp-cloud, changed. */
const instance = (change: string) => `
  import sspCloud from '${join(stacksFolder, 'ssp-cloud/instance')}';
  import { defineInstance } from '${resolve(__dirname, '../../model/instance')}';
  const { brand, regions, ...rest } = sspCloud;
  export default defineInstance({ ...rest, brand: { ...brand, logo: 'logo.svg' }, regions, ${change} });`;

const problemsOf = (load: () => unknown): readonly Problem[] => {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(exitCodes.wrongInput);
    return (error as UserError).problems;
  }
  throw new Error('nothing was refused');
};

test('the stacks of this checkout', () => {
  expect(stackNames()).toEqual(['ls3.insee', 'ls3.local', 'ssp-cloud.local', 'ssp-cloud.paris']);
  expect(loadStack('ls3.insee')).toMatchObject({ name: 'ls3.insee', region: 'insee', instance: { name: 'ls3' }, definitions: [] });
});

test.each([
  ['ssp-cloud.pari', 'did you mean ssp-cloud.paris?'],
  ['paris', 'did you mean ssp-cloud.paris?'],
  ['ls3.Insee', 'did you mean ls3.insee?'],
  ['local', 'choose one of them, or add a region to an instance below stacks/'],
  ['', 'choose one of them, or add a region to an instance below stacks/'],
  ['../ssp-cloud.paris', 'choose one of them, or add a region to an instance below stacks/'],
])('fails: there is no stack %j, and the ones there are stand in the message', (name, fix) => {
  expect(problemsOf(() => loadStack(name))).toEqual([
    { path: 'stack', got: JSON.stringify(name), allowed: 'ls3.insee, ls3.local, ssp-cloud.local, ssp-cloud.paris', fix },
  ]);
});

test('fails: an instance that is not named like its folder', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': instance("name: 'other'") });
  expect(problemsOf(() => loadStack('my-datalab.paris', stacks))).toEqual([
    {
      path: 'stacks/my-datalab/instance.ts',
      got: 'an instance named "other"',
      allowed: 'a default export of defineInstance({…}), named like its folder',
      fix: "write name: 'my-datalab', or rename the folder",
    },
  ]);
});

test('fails: an instance file that exports nothing', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': 'export const forgotten = 1;' });
  expect(problemsOf(() => stackNames(stacks))).toMatchObject([
    { path: 'stacks/my-datalab/instance.ts', got: 'no default export', fix: 'write `export default defineInstance({…})`' },
  ]);
});

test('fails: an instance file that does not parse', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': 'export default defineInstance({' });
  expect(problemsOf(() => stackNames(stacks))).toMatchObject([{ path: 'stacks/my-datalab/instance.ts', allowed: expect.stringContaining('TypeScript') }]);
});

test('fails: an instance whose definition is not valid, with the problems of the definition', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': instance("name: 'my-datalab', realm: 'My Realm'") });
  expect(problemsOf(() => stackNames(stacks))).toMatchObject([{ path: 'realm', got: '"My Realm"' }]);
});

test('fails: a logo that is not there', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': instance("name: 'my-datalab', brand: { ...brand, logo: 'brand/logo.svg' }") });
  expect(problemsOf(() => loadStack('my-datalab.paris', stacks))).toEqual([
    { path: 'brand.logo', got: '"brand/logo.svg"', allowed: 'a file below stacks/my-datalab/', fix: 'add the file, or correct the path' },
  ]);
});

test.each(['../logo.svg', '/etc/hostname', '.'])('fails: a logo outside the folder of the instance, or no file: %s', (logo) => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': instance(`name: 'my-datalab', brand: { ...brand, logo: '${logo}' }`) });
  cpSync(join(stacks, 'my-datalab/logo.svg'), join(stacks, 'logo.svg'));
  expect(problemsOf(() => loadStack('my-datalab.paris', stacks))).toMatchObject([{ path: 'brand.logo', allowed: 'a file below stacks/my-datalab/' }]);
});

describe('a region that installs its definitions', () => {
  const definition = (name: string) =>
    `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: ${name} }\nspec: { group: example.org, names: { kind: Thing } }\n`;
  const installs = instance("name: 'my-datalab', regions: { paris: { ...regions.paris, crds: 'install' }, present: regions.paris }");

  test('reads them from the folder of the instance, sorted, and nothing else', () => {
    const stacks = stacksWith('my-datalab', {
      'instance.ts': installs,
      'crds/b.yml': definition('c.example.org'),
      'crds/a.yaml': `${definition('a.example.org')}---\n# nothing here\n---\n${definition('b.example.org')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: notes }\n`,
      'crds/README.md': 'kind: CustomResourceDefinition',
    });
    expect(loadStack('my-datalab.paris', stacks).definitions.map(({ metadata }) => metadata.name)).toEqual(['a.example.org', 'b.example.org', 'c.example.org']);
    expect(loadStack('my-datalab.present', stacks).definitions).toEqual([]);
  });

  test('has none when there is no such folder', () => {
    expect(loadStack('my-datalab.paris', stacksWith('my-datalab', { 'instance.ts': installs })).definitions).toEqual([]);
  });

  test('fails: a file that is no YAML', () => {
    const stacks = stacksWith('my-datalab', { 'instance.ts': installs, 'crds/a.yaml': 'kind: [unclosed' });
    expect(problemsOf(() => loadStack('my-datalab.paris', stacks))).toMatchObject([{ path: 'stacks/my-datalab/crds/a.yaml', allowed: 'YAML' }]);
  });
});

test('the versions of secrets of a region on a real cluster stand in its Pulumi configuration; those of an embedded one do not', () => {
  const stacks = stacksWith('my-datalab', { 'instance.ts': instance("name: 'my-datalab'") });
  for (const region of ['paris', 'local']) writeFileSync(join(stacks, `Pulumi.my-datalab.${region}.yaml`), 'config:\n  datalab:secrets: { epoch: 2, versions: { minio/root: 3 } }\n');
  expect(loadStack('my-datalab.paris', stacks).secrets).toEqual({ epoch: 2, versions: { 'minio/root': 3 } });
  expect(loadStack('my-datalab.local', stacks).secrets).toEqual({ epoch: 1, versions: {} });
});
