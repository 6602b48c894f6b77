import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A directory that is removed when the tests of the file have run. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Waits until `check` answers with something, and returns that. An error counts as no answer. */
export async function eventually<T>(what: string, check: () => Promise<T | undefined | false> | T | undefined | false, seconds = 20): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let answer: T | undefined | false;
    let failure = '';
    try {
      answer = await check();
    } catch (error) {
      failure = `: ${(error as Error).message}`;
    }
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not after ${seconds} s${failure}`);
    await sleep(50);
  }
}
