import type { Command } from 'commander';
import { credentialsOf, execCredentialOf } from '../embedded/region';
import { loadStack } from '../model/stack';
import { printedProgress } from './progress';
import { defaultStack, jsonOption, stateOption } from './stack-argument';

export function addLogin(program: Command): void {
  program
    .command('login')
    .description('log a demo person of an embedded region in; print what Onyxia would inject into their services')
    .argument('<user>', 'a demo person of the region, for example alice')
    .argument('[stack]', '<instance>.<region>, for example ls3.local', defaultStack)
    .addOption(stateOption)
    .addOption(jsonOption)
    .option('--exec-credential', 'print a token for kubectl, which calls this itself')
    .addHelpText('after', '\nExamples:\n  ./datalab login alice\n  eval "$(./datalab login alice)" && kubectl get pods\n  ./datalab login bob ls3.local --json')
    .action(async (user: string, name: string, flags: { json?: boolean; execCredential?: boolean; state?: string }) => {
      const options = { progress: printedProgress(), command: `datalab login ${user} ${name}`, state: flags.state };
      if (flags.execCredential) {
        process.stdout.write(`${JSON.stringify(await execCredentialOf(loadStack(name), user, options))}\n`);
        return;
      }
      const injected = await credentialsOf(loadStack(name), user, options);
      const lines = Object.entries(injected).map(([key, value]) => `export ${key}='${value.replaceAll("'", "'\\''")}'`);
      process.stdout.write(`${flags.json ? JSON.stringify(injected) : lines.join('\n')}\n`);
    });
}
