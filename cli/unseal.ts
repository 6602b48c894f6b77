import type { Command } from 'commander';
import { ensureTools } from '../embedded/toolchain';
import { unsealRegion } from '../embedded/unseal';
import { loadStack, type Stack } from '../model/stack';
import { openClusterVault } from '../provision/vault-cluster';
import type { Encrypted, Initialised, OpeningProps } from '../provision/vault-opening';
import { printedProgress } from './progress';
import { SecretInput } from './secret-input';
import { jsonOption, stackArgument, stateOption } from './stack-argument';

export function addUnseal(program: Command): void {
  stackArgument(program.command('unseal').description("open Vault with its operators' shares; the first time, initialise it and write the login of Pulumi"))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nShares and the root token are read from standard input, one on each line: typed, or piped from where they were decrypted.\nThey are never arguments, never shown and never kept.\n\nExamples:\n  ./datalab unseal ls3.insee\n  ./datalab unseal ls3.insee < shares\n  ./datalab unseal ls3.local --json',
    )
    .action((name: string, flags: { json?: boolean; state?: string }) => unseal(loadStack(name), flags));
}

async function unseal(stack: Stack, flags: { json?: boolean; state?: string }): Promise<void> {
  const progress = printedProgress();
  const input = new SecretInput();
  let initialised: Initialised | undefined;
  const keep = (result: Initialised) => {
    initialised = result;
    if (!flags.json) process.stdout.write(`${initialisedText(stack.name, result)}\n`);
  };
  const give = sorted(input);
  let open = false;
  try {
    const { access } = stack.instance.regions[stack.region]!.cluster;
    if (access === 'embedded') {
      await unsealRegion(stack, { progress, command: `datalab unseal ${stack.name}`, state: flags.state, give });
    } else {
      const { kubectl } = await ensureTools(['kubernetes'], progress);
      await openClusterVault(stack, { kubectl, context: access.context, give, keep, progress });
    }
    open = true;
  } finally {
    input.end();
    if (flags.json) process.stdout.write(`${JSON.stringify({ stack: stack.name, open, ...(initialised ? { initialised } : {}) })}\n`);
  }
  if (!flags.json) process.stdout.write(`Vault of ${stack.name} is open, and Pulumi can log in.\n`);
}

/** Root tokens can be told from shares, so they may come in any order. */
function sorted(input: SecretInput): OpeningProps['give'] {
  const kept: Record<'share' | 'root token', string[]> = { share: [], 'root token': [] };
  return async (what) => {
    for (;;) {
      const found = kept[what].shift();
      if (found !== undefined) return found;
      const line = await input.next(what === 'share' ? 'The share of an operator' : 'The root token');
      if (line === undefined) return undefined;
      kept[/^(hvs|s)\./.test(line) ? 'root token' : 'share'].push(line);
    }
  };
}

function initialisedText(stack: string, { shares, rootToken }: Initialised): string {
  const command = ({ operator, encrypted }: Encrypted) => `  ${operator}:\n    echo '${encrypted}' | base64 -d | gpg --decrypt`;
  return [
    `Vault of ${stack} is initialised. Only the operator named can read each of the following. It is not shown again: send it to them now.`,
    '',
    'Shares:',
    ...shares.map(command),
    '',
    'The root token, which is needed once and then revoked:',
    command(rootToken),
    '',
    `Then give \`datalab unseal ${stack}\` what they decrypted.`,
  ].join('\n');
}
