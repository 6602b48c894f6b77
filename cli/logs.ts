import type { Command } from 'commander';
import { followLogs, logsOf } from '../embedded/logs';
import { loadStack } from '../model/stack';
import { defaultStack, stateOption } from './stack-argument';

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description("print the logs of a system's servers, those of pods that are gone included")
    .argument('<system>', 'its namespace, for example keycloak')
    .argument('[stack]', '<instance>.<region>, for example ls3.local', defaultStack)
    .option('-f, --follow', 'go on with what is written from now on, until Ctrl-C or the region is down')
    .addOption(stateOption)
    .addHelpText('after', '\nExamples:\n  datalab logs keycloak\n  datalab logs postgresql ls3.local -f')
    .action(async (system: string, name: string, flags: { follow?: boolean; state?: string }) => {
      const stack = loadStack(name);
      const print = (text: string) => void process.stdout.write(text);
      const ends = logsOf(stack.name, system, print, flags.state);
      if (!flags.follow) return;
      await followLogs(stack.name, system, print, ends, flags.state);
      process.stderr.write(`${stack.name} is down.\n`);
    });
}
