import { UserError } from '../model/errors';
import type { Operator } from '../model/operators';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- its types speak of an ES module, which this is not
const openpgp = require('openpgp') as typeof import('openpgp', { with: { 'resolution-mode': 'import' } });

/** The user id of the keys that come with this repository says so. */
const exampleMark = 'nobody has the private key';

export interface OperatorKey {
  readonly operator: string;
  readonly fingerprint: string;
  /** The binary key in base64, as Vault takes it. */
  readonly base64: string;
  /** It came with this repository; whatever is encrypted to it is lost. */
  readonly example: boolean;
}

/** The operators' keys, read by an OpenPGP library. @throws UserError that names each one that cannot be used */
export async function keysOf(operators: readonly Operator[], folder: string): Promise<OperatorKey[]> {
  const results = await Promise.allSettled(
    operators.map(async ({ name, publicKey }): Promise<OperatorKey> => {
      const key = await openpgp.readKey({ armoredKey: publicKey });
      if (key.isPrivate()) throw new Error('it is a private key');
      await key.getEncryptionKey();
      return {
        operator: name,
        fingerprint: key.getFingerprint(),
        base64: Buffer.from(key.write()).toString('base64'),
        example: key.getUserIDs().some((id) => id.includes(exampleMark)),
      };
    }),
  );
  const problems = results.flatMap((result, index) =>
    result.status === 'fulfilled'
      ? []
      : [{
          path: `${folder}/${operators[index]!.name}.asc`,
          got: (result.reason as Error).message.split('\n')[0]!,
          allowed: 'an armoured OpenPGP public key that can encrypt and has not expired',
          fix: 'gpg --export --armor ADDRESS',
        }],
  );
  if (problems.length) throw new UserError("Operators' keys cannot be used:", problems);
  return results.map((result) => (result as PromiseFulfilledResult<OperatorKey>).value);
}

/** What Vault encrypted to an operator. @throws Error when the private key is not the operator's */
export async function decrypted(base64: string, armoredPrivateKey: string): Promise<string> {
  const { data } = await openpgp.decrypt({
    message: await openpgp.readMessage({ binaryMessage: Buffer.from(base64, 'base64') }),
    decryptionKeys: await openpgp.readPrivateKey({ armoredKey: armoredPrivateKey }),
  });
  return data;
}

/** A new pair of keys, armoured. */
export async function keyPair(name: string): Promise<{ publicKey: string; privateKey: string }> {
  return openpgp.generateKey({ userIDs: [{ name }] });
}
