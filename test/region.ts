import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { executable, stackTrace, type Ran } from './cli/datalab';

/** Everything that the commands of a test printed. */
export const printed: string[] = [];

/** A running ./datalab: what it says until now, its end, and how to end it the hard way. */
export interface Running {
  readonly ended: Promise<Ran>;
  stderr(): string;
  kill(): Promise<void>;
}

/** What the commands leave in the directory for temporary files, when they are killed for example. */
export const temporaryFiles = (state: string) => join(state, '..', 'temporary');

/** Starts ./datalab on the embedded regions of a state directory. */
export function start(state: string, ...args: string[]): Running {
  mkdirSync(temporaryFiles(state), { recursive: true });
  const env = { ...process.env, TMPDIR: temporaryFiles(state) };
  const operation = ['up', 'preview', 'refresh', 'destroy'].includes(args[0]!);
  const child = spawn(executable, [...args, '--state', state, ...(operation ? ['--plugins', 'stand-in'] : [])], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]): Ran => {
    printed.push(stdout, stderr);
    return { code: code as number | null, stdout, stderr };
  });
  return {
    ended,
    stderr: () => stderr,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Runs ./datalab to its end, which is `code`. */
export async function datalab(state: string, args: readonly string[], code = 0): Promise<Ran> {
  const ran = await start(state, ...args).ended;
  if (ran.code !== code || stackTrace.test(ran.stderr)) throw new Error(`datalab ${args.join(' ')} ended with ${ran.code}, not ${code}:\n${ran.stdout}${ran.stderr}`);
  return ran;
}

/** The last line of an operation with --json. */
export function resultOf({ stdout }: Ran): { stack: string; changes: Record<'create' | 'update' | 'delete' | 'same', number>; seconds: number } {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
}

/** Where a secret stands in texts: plain, or in base64 at any offset. Names of texts, not the secret. */
export function textsWith(secret: string, texts: ReadonlyMap<string, string>): string[] {
  const forms = [secret, ...[0, 1, 2].map((offset) => base64At(secret, offset))];
  return [...texts].filter(([, text]) => forms.some((form) => text.includes(form))).map(([name]) => name);
}

/** The part of the base64 text that does not depend on what stands before and after, `offset` bytes into a group of three. */
function base64At(secret: string, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64').replace(/=+$/, '');
  return text.slice(offset ? offset + 1 : 0, text.length - 1);
}

/** Every file below a directory, byte by byte, without those that `leftOut` names. */
export function filesOf(directory: string, leftOut: (path: string) => boolean = () => false): Map<string, string> {
  if (!existsSync(directory)) return new Map();
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => !leftOut(path))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}
