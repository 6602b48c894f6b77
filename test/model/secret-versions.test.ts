import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../model/errors';
import { earlierLabels, epochOf, firstVersions, labelOf, raised, readVersions, writeVersions } from '../../model/secret-versions';

const directory = mkdtempSync(join(tmpdir(), 'datalab-versions-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'Pulumi.my-datalab.paris.yaml');
const of = (text: string) => {
  writeFileSync(file, text);
  return file;
};

test.each([
  [1, {}, 'minio/root@v1', []],
  [1, { 'minio/root': 3, other: 5 }, 'minio/root@v3', ['minio/root@v2', 'minio/root@v1']],
  [2, {}, 'minio/root@e2v1', ['minio/root@v1']],
  [3, { 'minio/root': 2 }, 'minio/root@e3v2', ['minio/root@e3v1', 'minio/root@e2v2', 'minio/root@e2v1']],
])('epoch %d with %j: the label, and those that it had before, the latest first', (epoch, versions, label, earlier) => {
  expect(labelOf({ epoch, versions }, 'minio/root')).toBe(label);
  expect(earlierLabels({ epoch, versions }, 'minio/root')).toEqual(earlier);
  expect(epochOf(label)).toBe(epoch);
});

test('a rotation raises the versions of the secrets that it names', () => {
  expect(raised({ epoch: 2, versions: { a: 4, b: 2 } }, ['a', 'c'])).toEqual({ epoch: 2, versions: { a: 5, b: 2, c: 2 } });
});

test.each([
  ['no file', () => join(directory, 'none.yaml'), firstVersions],
  ['no key', () => of('config: {}\n'), firstVersions],
  ['an epoch alone', () => of('config:\n  datalab:secrets: { epoch: 2 }\n'), { epoch: 2, versions: {} }],
  ['both', () => of('config:\n  datalab:secrets:\n    epoch: 2\n    versions:\n      minio/root: 3\n'), { epoch: 2, versions: { 'minio/root': 3 } }],
])('read from the configuration: %s', (_, path, expected) => {
  expect(readVersions(path())).toEqual(expected);
});

test('written into the configuration: the rest of the file stays, comments too', () => {
  const rest = '# about the seed\nencryptionsalt: v1:abc\nconfig:\n  datalab:seed:\n    secure: v1:def\n';
  writeVersions(of(rest), { epoch: 1, versions: { 'minio/root': 2, 'keycloak/database': 3 } });
  expect(readFileSync(file, 'utf8')).toBe(`${rest}  datalab:secrets:\n    epoch: 1\n    versions:\n      keycloak/database: 3\n      minio/root: 2\n`);
  expect(readVersions(file)).toEqual({ epoch: 1, versions: { 'keycloak/database': 3, 'minio/root': 2 } });
  writeVersions(of('# about the seed\nconfig: {}\n'), { epoch: 2, versions: {} });
  expect(readFileSync(file, 'utf8')).toBe('# about the seed\nconfig:\n  datalab:secrets:\n    epoch: 2\n    versions: {}\n');
  writeVersions(join(directory, 'new.yaml'), { epoch: 2, versions: {} });
  expect(readVersions(join(directory, 'new.yaml'))).toEqual({ epoch: 2, versions: {} });
  expect(readdirSync(directory).sort()).toEqual(['Pulumi.my-datalab.paris.yaml', 'new.yaml']);
});

test.each([
  ['a version of 0', 'datalab:secrets: { versions: { minio/root: 0 } }', { path: 'versions["minio/root"]', got: '0', allowed: 'at least 1' }],
  ['an epoch in words', 'datalab:secrets: { epoch: two }', { path: 'epoch', got: '"two"', allowed: 'a number' }],
  ['a key that does not exist', 'datalab:secrets: { version: {} }', { path: 'version', got: 'an unknown key', fix: 'did you mean versions?' }],
  ['no YAML', 'datalab:secrets: {', { path: 'Pulumi.my-datalab.paris.yaml', allowed: 'YAML', fix: 'mend the file' }],
])('fails: %s', (_, line, problem) => {
  expect.assertions(2);
  try {
    readVersions(of(`config:\n  ${line}\n`));
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).problems).toEqual([expect.objectContaining(problem)]);
  }
});
