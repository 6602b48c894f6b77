import type { Command } from 'commander';
import { shutDown } from '../embedded/region';
import { loadStack } from '../model/stack';
import { printedProgress } from './progress';
import { jsonOption, stackArgument, stateOption } from './stack-argument';

export function addDown(program: Command): void {
  stackArgument(program.command('down').description('stop an embedded region; its data stays unless you say otherwise'))
    .option('--delete-data', 'also delete the region with all its data, for good')
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab down\n  ./datalab down ls3.local --delete-data')
    .action(async (name: string, flags: { deleteData?: boolean; json?: boolean; state?: string }) => {
      const stack = loadStack(name);
      const deleteData = flags.deleteData ?? false;
      await shutDown(stack, { progress: printedProgress(), command: `datalab down ${name}`, state: flags.state, deleteData });
      if (flags.json) process.stdout.write(`${JSON.stringify({ stack: stack.name, running: false, dataDeleted: deleteData })}\n`);
      else process.stdout.write(deleteData ? `${name} is stopped and deleted.\n` : `${name} is stopped; its data is kept. Start it again: ./datalab up ${name}\n`);
    });
}
