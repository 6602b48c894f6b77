import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Secrets that people type or pipe in, one on each line; what is typed is not shown. */
export class SecretInput {
  private readonly lines: AsyncIterator<string>;
  private readonly typed = process.stdin.isTTY === true;
  private readonly close: () => void;

  constructor() {
    // Readline would echo to its output; that a terminal does not is what `terminal` is for.
    const lines = createInterface({ input: process.stdin, output: new Writable({ write: (_chunk, _encoding, done) => done() }), terminal: this.typed });
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    this.lines = lines[Symbol.asyncIterator]();
    this.close = () => lines.close();
  }

  /** The next line that is not empty; undefined at the end, or when a person types none. */
  async next(prompt: string): Promise<string | undefined> {
    for (;;) {
      if (this.typed) process.stderr.write(`${prompt} (not shown; Enter alone: no more): `);
      const { value, done } = await this.lines.next();
      if (this.typed) process.stderr.write('\n');
      const text = done ? '' : String(value).trim();
      if (text) return text;
      if (done || this.typed) return undefined;
    }
  }

  end(): void {
    this.close();
  }
}
