import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError, type Problem } from './errors';
import type { Instance } from './instance';

/** Somebody who holds a share of the key that opens a Vault. */
export interface Operator {
  readonly name: string;
  /** OpenPGP public key, armoured. */
  readonly publicKey: string;
}

const armour = /^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n[^]*\n-----END PGP PUBLIC KEY BLOCK-----\s*$/;

/** The operators of an instance: the files `operators/<name>.asc` of its folder, in the order of their names. */
export function loadOperators(instanceFolder: string): Operator[] {
  const folder = join(instanceFolder, 'operators');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.asc'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.asc'.length), publicKey: readFileSync(join(folder, file), 'utf8') }));
}

/** Refuses operators who could not open the Vaults of the instance's real regions. @throws UserError with every problem */
export function checkOperators(instance: Instance, operators: readonly Operator[]): void {
  const folder = `stacks/${instance.name}/operators`;
  const problems: Problem[] = operators
    .filter(({ publicKey }) => !armour.test(publicKey))
    .map(({ name, publicKey }) => ({
      path: `${folder}/${name}.asc`,
      got: publicKey.includes('PRIVATE KEY') ? 'a private key' : 'no OpenPGP public key',
      allowed: 'an armoured OpenPGP public key',
      fix: 'gpg --export --armor ADDRESS; a private key that stood here must be given up',
    }));
  for (const [name, region] of Object.entries(instance.regions)) {
    if (region.cluster.access === 'embedded') continue;
    const { threshold } = region.vault;
    const count = operators.length;
    const least = instance.posture === 'confidential' ? 2 : 1;
    if (count < least) {
      problems.push({ path: folder, got: `${count} public keys`, allowed: `at least ${least}, since ${name} has a Vault`, fix: 'add the armoured public key of each operator as <name>.asc' });
    } else if (threshold > count || threshold < Math.min(count, 2)) {
      problems.push({
        path: `regions.${name}.vault.threshold`,
        got: String(threshold),
        allowed: count === 1 ? '1: there is one public key' : `2 to ${count}: there are ${count} public keys, and one person alone must not open it`,
        fix: `correct it, or add or remove keys in ${folder}`,
      });
    }
  }
  if (problems.length) throw new UserError(`The instance ${instance.name} is not valid:`, problems);
}
