import { mkdirSync } from 'node:fs';
import { loadOperators, type Operator } from '../model/operators';
import { decrypted, keyPair } from '../provision/vault-operators';
import type { Initialised } from '../provision/vault-opening';
import { readText, writeAtomic, type RegionState } from './state';

const names = ['operator-1', 'operator-2', 'operator-3'];

const label = `Throwaway keys of this embedded region: they stand for the operators who open Vault.
<name>.key is a private key without a passphrase. \`datalab up\` plays the operators with them. Never use them elsewhere.
`;

/** The operators of an embedded region; their keys are made at the first start. */
export async function throwawayOperators(state: RegionState): Promise<Operator[]> {
  if (!loadOperators(state.file('vault')).length) {
    mkdirSync(state.file('vault', 'operators'), { recursive: true, mode: 0o700 });
    writeAtomic(state.file('vault', 'operators', 'README'), label);
    for (const name of names) {
      const { publicKey, privateKey } = await keyPair(`${state.stack} ${name}, throwaway`);
      writeAtomic(state.file('vault', 'operators', `${name}.key`), privateKey);
      writeAtomic(state.file('vault', 'operators', `${name}.asc`), publicKey);
    }
  }
  return loadOperators(state.file('vault'));
}

/** Keeps what Vault encrypted to the operators. */
export function keepInitialised(state: RegionState, result: Initialised): void {
  mkdirSync(state.file('vault'), { recursive: true, mode: 0o700 });
  writeAtomic(state.file('vault', 'initialised.json'), `${JSON.stringify(result, null, 2)}\n`);
}

/** What Vault encrypted to the operators when it was initialised; undefined before. */
export function keptInitialised(state: RegionState): Initialised | undefined {
  const text = readText(state.file('vault', 'initialised.json'));
  return text === undefined ? undefined : (JSON.parse(text) as Initialised);
}

/** Plays the operators: gives what their throwaway keys decrypt, as far as these keys are there. */
export function playedOperators(state: RegionState): (what: 'share' | 'root token') => Promise<string | undefined> {
  let next = 0;
  return async (what) => {
    const kept = keptInitialised(state);
    for (;;) {
      const secret = what === 'share' ? kept?.shares[next++] : kept?.rootToken;
      const key = secret && readText(state.file('vault', 'operators', `${secret.operator}.key`));
      if (key) return decrypted(secret.encrypted, key);
      if (!secret || what === 'root token') return undefined;
    }
  };
}
