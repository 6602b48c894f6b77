import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const executable = resolve(__dirname, '../../datalab');

/** Runs ./datalab as a process of its own, as a person does. */
export function datalab(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** What no person should see: the inside of the program. */
export const stackTrace = /^\s+at .*[:(]|This is a defect|node:internal|UnhandledPromise/m;
