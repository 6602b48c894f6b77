import { Command } from 'commander';
import { exitCodes, UserError } from '../model/errors';
const program = new Command('datalab')
  .version('0.1.0')
  .description('A whole Onyxia datalab as typed code: try it on this computer, render it, check it.')
  .showHelpAfterError('(datalab --help shows the commands)')
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 done · 1 failed · 2 wrong input · 3 unapproved widening · 4 changes (with --exit-code)');

/** Where each command is: only the one that is asked for is loaded, all of them for help and for an unknown one. */
const commands: Readonly<Record<string, () => Promise<void>>> = {
  ...Object.fromEntries(['up', 'preview', 'refresh', 'destroy'].map((name) => [name, async () => (await import('./operations')).addOperations(program)])),
  down: async () => (await import('./down')).addDown(program),
  login: async () => (await import('./login')).addLogin(program),
  status: async () => (await import('./status')).addStatus(program),
  unseal: async () => (await import('./unseal')).addUnseal(program),
  verify: async () => (await import('./verify')).addVerify(program),
  logs: async () => (await import('./logs')).addLogs(program),
  render: async () => (await import('./render')).addRender(program),
  check: async () => (await import('./check')).addCheck(program),
  diff: async () => (await import('./diff')).addDiff(program),
  rotate: async () => (await import('./rotate')).addRotate(program),
  doctor: async () => (await import('./doctor')).addDoctor(program),
};

async function load(asked: string): Promise<void> {
  if (asked === '--version') return;
  if (Object.hasOwn(commands, asked)) return commands[asked]!();
  for (const name of Object.keys(commands)) {
    if (!program.commands.some((command) => command.name() === name)) await commands[name]!();
  }
}

async function main(): Promise<void> {
  try {
    await load(process.argv[2] ?? '');
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof UserError) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  if (code?.startsWith('commander.')) return exitCode === 0 ? exitCodes.done : exitCodes.wrongInput;
  process.stderr.write(`This is a defect of datalab, not of your input:\n${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCodes.failed;
}

// Pulumi's runtime leaves this behind when the engine ends before the program does; the operation's failure is told anyway.
process.on('unhandledRejection', (reason) => {
  if (reason instanceof Error && reason.message.includes('Resource monitor is terminating')) return;
  process.exit(report(reason));
});

void main();
