import { derive, withSecrets } from '../../provision/secrets';

test('equal seed and label give the equal value, in any process and version of this program', () => {
  expect(derive('a seed', 'minio/root@v1')).toBe(derive('a seed', 'minio/root@v1'));
  // Written down, since another value here would be another password in every deployed platform.
  expect(derive('a seed', 'minio/root@v1')).toBe('zdtKll46UKcyiZdMYcQvYEO8D8yOiigbe9ROHhjn5Lk');
});

test.each([
  ['another seed', 'b seed', 'minio/root@v1'],
  ['another name', 'a seed', 'minio/other@v1'],
  ['another version', 'a seed', 'minio/root@v2'],
  ['a seed that ends where the label begins', 'a seedminio', '/root@v1'],
])('%s gives an unrelated value', (_, seed, label) => {
  const [one, other] = [derive('a seed', 'minio/root@v1'), derive(seed, label)].map((value) => Buffer.from(value, 'base64url'));
  const bits = one!.reduce((sum, byte, index) => sum + (byte ^ other![index]!).toString(2).replaceAll('0', '').length, 0);
  expect(bits).toBeGreaterThan(80);
});

test('a value is 32 bytes in letters that need no quotes anywhere', () => {
  const value = derive('a seed', 'minio/root@v1');
  expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(Buffer.from(value, 'base64url')).toHaveLength(32);
});

test('every token of a manifest is replaced, and nothing else', () => {
  const one = derive('a seed', 'one@v1');
  expect(withSecrets({ a: ['x', 'url: ${secret:one@v1}/${secret:one@v1}'], b: { c: '${secret:two@v2}', d: 3, e: null, f: '${HOME}' } }, { current: 'a seed', epoch: 1 })).toEqual({
    a: ['x', `url: ${one}/${one}`],
    b: { c: derive('a seed', 'two@v2'), d: 3, e: null, f: '${HOME}' },
  });
});

test('values of the epochs before come from the seed before, as long as there is one', () => {
  const tokens = ['${secret:one@v1}', '${secret:one@e2v1}', '${secret:one@e3v2}'];
  const seeds = (...from: string[]) => ['one@v1', 'one@e2v1', 'one@e3v2'].map((label, index) => derive(from[index]!, label));
  expect(withSecrets(tokens, { current: 'new', previous: 'old', epoch: 3 })).toEqual(seeds('old', 'old', 'new'));
  expect(withSecrets(tokens, { current: 'new', previous: undefined, epoch: 3 })).toEqual(seeds('new', 'new', 'new'));
});
