import { ApiObject } from 'cdk8s';
import { DerivedSecret, refuseStraySecrets, resolveSecrets, SecretObject, secretsIn } from '../../constructs/secrets';
import { UserError } from '../../model/errors';
import type { SecretVersions } from '../../model/secret-versions';
import { objectsOf, platformWith } from './base';

const { token } = new DerivedSecret(platformWith(), 'app/login');

const object = (fields: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'app' }, ...fields });

function refusal(fields: object): UserError {
  try {
    refuseStraySecrets(object(fields));
  } catch (error) {
    return error as UserError;
  }
  throw new Error('nothing was refused');
}

test('a token names the secret and its version, and tells nothing of its value', () => {
  expect(token).toBe('${secret:app/login@v1}');
});

test('the stack says which version it has, and which it had before', () => {
  const secret = (secrets: SecretVersions) => new DerivedSecret(platformWith({}, undefined, undefined, secrets), 'app/login');
  expect(secret({ epoch: 1, versions: { 'app/login': 2, other: 7 } })).toMatchObject({
    token: '${secret:app/login@v2}', version: 'v2', earlierTokens: ['${secret:app/login@v1}'],
  });
  expect(secret({ epoch: 3, versions: {} })).toMatchObject({
    token: '${secret:app/login@e3v1}', version: 'e3v1', earlierTokens: ['${secret:app/login@e2v1}'],
  });
  expect(secret({ epoch: 1, versions: { other: 7 } })).toMatchObject({ token, version: 'v1', earlierTokens: [] });
});

test('the tokens in a text are found, and replaced', () => {
  const text = `user=me password=${token} again=${token} other=\${secret:b@e2v3} none=\${secret:} \${HOME}`;
  expect(secretsIn(text)).toEqual(['app/login@v1', 'app/login@v1', 'b@e2v3']);
  expect(resolveSecrets(text, (label) => `<${label}>`)).toBe('user=me password=<app/login@v1> again=<app/login@v1> other=<b@e2v3> none=${secret:} ${HOME}');
});

test('the token stands in stringData and nowhere else; the key tells which secrets it holds', () => {
  const platform = platformWith();
  const secret = new SecretObject(platform, 'login', 'app', { user: 'me', url: `https://me:${token}@db` });
  expect(objectsOf(platform)['app/secret/login']).toMatchObject({ type: 'Opaque', stringData: { user: 'me', url: `https://me:${token}@db` } });
  expect(secret.key('url')).toEqual({ secretName: 'login', key: 'url', labels: ['app/login@v1'] });
  expect(secret.key('user').labels).toEqual([]);
  expect(secret.keyReadOnce('url')).toEqual({ secretName: 'login', key: 'url', labels: [] });
});

test.each([
  ['a ConfigMap', { data: { password: token } }, ['data.password']],
  ['an environment variable', { spec: { containers: [{ env: [{ name: 'PASSWORD', value: `x${token}` }] }] } }, ['spec.containers.0.env.0.value']],
  ['an annotation', { metadata: { name: 'settings', namespace: 'app', annotations: { note: token } } }, ['metadata.annotations.note']],
  ['data of a Secret, which would be base64', { kind: 'Secret', data: { password: token } }, ['data.password']],
  ['metadata of a Secret', { kind: 'Secret', metadata: { name: 'settings', namespace: 'app', labels: { stringData: token } } }, ['metadata.labels.stringData']],
  ['a key', { data: { [token]: 'x' } }, [`data.${token}`]],
  ['two places, both told', { a: token, b: { c: [token] } }, ['a', 'b.c.0']],
])('fails: a secret in %s', (_, fields, paths) => {
  const error = refusal(fields);
  expect(error).toBeInstanceOf(UserError);
  expect(error.title).toContain('app/settings');
  expect(error.problems.map(({ path }) => path)).toEqual(paths);
  expect(error.problems[0]).toMatchObject({ got: 'a derived secret', fix: 'put it into a SecretObject and pass its key()' });
});

test('fails: synthesis of a tree with a secret in the wrong place', () => {
  const platform = platformWith();
  new ApiObject(platform, 'settings', { ...object({}), data: { password: token } });
  expect(() => objectsOf(platform)).toThrow('A secret stands where it would be readable, in ConfigMap app/settings:');
});

test.each(['app/Login', 'app login', 'app/login@v', ''])('fails: a secret of a name that no token can hold: %j', (name) => {
  expect(() => new DerivedSecret(platformWith(), name)).toThrow(/name of a secret/);
});
