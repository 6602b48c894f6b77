import { Command } from 'commander';
import { exitCodes, UserError } from '../model/errors';
import { addCheck } from './check';
import { addDoctor } from './doctor';
import { addDown } from './down';
import { addLogin } from './login';
import { addLogs } from './logs';
import { addOperations } from './operations';
import { addRender } from './render';
import { addRotate } from './rotate';
import { addStatus } from './status';
import { addUnseal } from './unseal';
import { addVerify } from './verify';

const program = new Command('datalab')
  .version('0.1.0')
  .description('A whole Onyxia datalab as typed code: try it on this computer, render it, check it.')
  .showHelpAfterError('(datalab --help shows the commands)')
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 done · 1 failed · 2 wrong input · 3 unapproved widening · 4 changes (with --exit-code)');

addOperations(program);
addDown(program);
addLogin(program);
addStatus(program);
addUnseal(program);
addVerify(program);
addLogs(program);
addRender(program);
addCheck(program);
addRotate(program);
addDoctor(program);

async function main(): Promise<void> {
  try {
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
