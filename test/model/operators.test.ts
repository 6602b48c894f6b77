import { join } from 'node:path';
import { UserError } from '../../model/errors';
import { defineInstance } from '../../model/instance';
import { checkOperators, loadOperators, type Operator } from '../../model/operators';
import { operatorsOf, loadStack, stacksFolder } from '../../model/stack';
import { keysOf } from '../../provision/vault-operators';
import { confidential, open } from './base';

const [key] = loadOperators(join(stacksFolder, 'ls3')) as [Operator];
const operators = (count: number): Operator[] => Array.from({ length: count }, (_, index) => ({ ...key, name: `operator-${index + 1}` }));

function problems(definition: ReturnType<typeof open>, keys: readonly Operator[], threshold = 2) {
  const { main } = definition.regions;
  const instance = defineInstance({ ...definition, regions: { main: { ...main!, vault: { ...main!.vault, threshold } } } });
  try {
    checkOperators(instance, keys);
    return [];
  } catch (error) {
    return (error as UserError).problems.map(({ path, got, allowed }) => [path, got, allowed]);
  }
}

test.each([
  ['open', 1, 1],
  ['open', 3, 2],
  ['open', 3, 3],
  ['confidential', 2, 2],
] as const)('posture %s: %d operators of whom %d open it', (posture, count, threshold) => {
  expect(problems(posture === 'open' ? open() : confidential(), operators(count), threshold)).toEqual([]);
});

test.each([
  ['open', 0, 1, 'stacks/demo/operators', '0 public keys', 'at least 1, since main has a Vault'],
  ['confidential', 1, 1, 'stacks/demo/operators', '1 public keys', 'at least 2, since main has a Vault'],
  ['open', 3, 4, 'regions.main.vault.threshold', '4', '2 to 3: there are 3 public keys, and one person alone must not open it'],
  ['confidential', 3, 1, 'regions.main.vault.threshold', '1', '2 to 3: there are 3 public keys, and one person alone must not open it'],
  ['open', 1, 2, 'regions.main.vault.threshold', '2', '1: there is one public key'],
] as const)('fails: posture %s, %d operators of whom %d open it', (posture, count, threshold, ...problem) => {
  expect(problems(posture === 'open' ? open() : confidential(), operators(count), threshold)).toEqual([problem]);
});

test('fails: a file that is no public key, and one that is a private key', () => {
  const wrong = [...operators(2), { name: 'a', publicKey: 'x' }, { name: 'b', publicKey: '-----BEGIN PGP PRIVATE KEY BLOCK-----\n' }];
  expect(problems(open(), wrong)).toEqual([
    ['stacks/demo/operators/a.asc', 'no OpenPGP public key', 'an armoured OpenPGP public key'],
    ['stacks/demo/operators/b.asc', 'a private key', 'an armoured OpenPGP public key'],
  ]);
});

test.each(['ls3.insee', 'ssp-cloud.paris'])("the operators' keys of %s can be read, and say that they are examples", async (name) => {
  const keys = await keysOf(operatorsOf(loadStack(name)), 'operators');
  expect(keys).toHaveLength(3);
  expect(keys.every(({ example }) => example)).toBe(true);
});

test('fails: a key that an OpenPGP library cannot read', async () => {
  const broken = { name: 'broken', publicKey: key.publicKey.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA') };
  await expect(keysOf([key, broken], 'stacks/ls3/operators')).rejects.toMatchObject({ problems: [{ path: 'stacks/ls3/operators/broken.asc' }] });
});
