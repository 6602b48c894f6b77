import { Option, type Command } from 'commander';
import type { Changes, Operation } from '../embedded/engine';
import { operate, type OperationResult } from '../embedded/region';
import { regionStatus } from '../embedded/status';
import { exitCodes } from '../model/errors';
import { loadStack, type Stack } from '../model/stack';
import { printedProgress } from './progress';
import { jsonOption, stackArgument, stateOption } from './stack-argument';
import { statusText } from './status';

interface Flags {
  readonly adopt?: boolean;
  readonly exitCode?: boolean;
  readonly json?: boolean;
  readonly plugins: 'auto' | 'official' | 'stand-in';
  readonly state?: string;
}

const descriptions: Record<Operation, string> = {
  up: 'start an embedded region and deploy its stack; again: continue, or change nothing',
  preview: 'show what `up` would change; starts the region when it does not run, changes no object',
  refresh: 'read what is really there into the state, and name what others changed; starts the region when it does not run',
  destroy: 'delete what was deployed; what holds data is protected and stays',
};

/** `up`, `preview`, `refresh` and `destroy`: the operations of the engine on an embedded region. */
export function addOperations(program: Command): void {
  for (const operation of ['up', 'preview', 'refresh', 'destroy'] as const) {
    const command = stackArgument(program.command(operation).description(descriptions[operation]));
    if (operation === 'up' || operation === 'preview') command.option('--adopt', 'take over objects that exist and do not belong to this stack');
    if (operation !== 'destroy') command.option('--exit-code', 'exit with 4 when there are changes');
    command
      .addOption(
        new Option('--plugins <which>', 'Pulumi plugins: the official ones where they can be had, or our stand-ins').choices(['auto', 'official', 'stand-in']).default('auto'),
      )
      .addOption(stateOption)
      .addOption(jsonOption)
      .addHelpText('after', `\nExamples:\n  ./datalab ${operation}\n  ./datalab ${operation} ls3.local --json\n\nA region on a real cluster: pulumi ${operation} --stack ssp-cloud.paris`)
      .action((name: string, flags: Flags) => act(operation, loadStack(name), flags));
  }
}

async function act(operation: Operation, stack: Stack, flags: Flags): Promise<void> {
  const started = Date.now();
  const result = await operate(stack, operation, { ...flags, progress: printedProgress(), command: `datalab ${operation} ${stack.name}` });
  const seconds = Math.round((Date.now() - started) / 100) / 10;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ stack: stack.name, changes: result.changes, seconds })}\n`);
  } else {
    process.stdout.write(`${changesText(operation, stack.name, result, seconds)}\n`);
    if (operation === 'up') process.stdout.write(`\n${statusText(await regionStatus(stack, flags.state), result.plugin)}\n`);
    if (operation === 'destroy') {
      process.stdout.write(`\nProtected objects hold data and stay. To remove the region with its data: ./datalab down ${stack.name} --delete-data\n`);
    }
  }
  if (flags.exitCode && result.changed.length) process.exitCode = exitCodes.changes;
}

/** What changed, named line by line, and the sums. */
export function changesText(operation: Operation, stack: string, { changed, changes }: OperationResult, seconds: number): string {
  const lines = operation === 'up' ? [] : changed.map((line) => `  ${line}`);
  const would = operation === 'preview' ? 'would be ' : '';
  return [...lines, `${stack}: ${would}${sums(changes)} (${seconds} s)`].join('\n');
}

function sums(changes: Changes): string {
  return `${changes.create} created, ${changes.update} updated, ${changes.delete} deleted, ${changes.same} unchanged`;
}
