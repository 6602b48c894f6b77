import { Option, type Command } from 'commander';

/** The stack of the main job. */
export const defaultStack = 'ssp-cloud.local';

export const stateOption = new Option('--state <dir>', 'state directory of the embedded regions; without it .datalab in the checkout').env('DATALAB_STATE');
export const jsonOption = new Option('--json', 'print JSON for scripts');

export function stackArgument(command: Command): Command {
  return command.argument('[stack]', '<instance>.<region>, for example ls3.local', defaultStack);
}
