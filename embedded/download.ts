import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const secondsToFirstByte = 5;
const secondsWithoutByte = 30;

/** Downloads that remember which hosts do not answer, so that a closed network costs one short wait for each. */
export class Downloads {
  private readonly unreachable = new Map<string, string>();

  async text(url: string): Promise<string> {
    const { response, alive } = await this.open(url);
    const text = await response.text();
    alive.stop();
    return text;
  }

  /** Writes the file and returns its SHA-256 in hexadecimal. */
  async file(url: string, path: string, tell: (detail: string) => void): Promise<string> {
    const { response, alive } = await this.open(url);
    const total = Number(response.headers.get('content-length'));
    const hash = createHash('sha256');
    let bytes = 0;
    await pipeline(response.body!, async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        alive.renew();
        hash.update(chunk);
        bytes += chunk.length;
        tell(`${megabytes(bytes)}${total ? ` of ${megabytes(total)}` : ''} MB`);
        yield chunk;
      }
    }, createWriteStream(path, { mode: 0o700 }));
    alive.stop();
    return hash.digest('hex');
  }

  private async open(url: string) {
    const { host } = new URL(url);
    const known = this.unreachable.get(host);
    if (known) throw new Error(known);
    const alive = deadline(secondsToFirstByte);
    try {
      const response = await fetch(url, { signal: alive.signal });
      if (!response.ok) throw new HttpError(`${url} answers ${response.status}`);
      alive.renew();
      return { response, alive };
    } catch (error) {
      alive.stop();
      if (error instanceof HttpError) throw error;
      const cause = alive.signal.aborted ? `no answer within ${secondsToFirstByte} s` : causeOf(error as Error);
      const reason = `${host} cannot be reached: ${cause}`;
      this.unreachable.set(host, reason);
      throw new Error(reason);
    }
  }
}

class HttpError extends Error {}

/** Aborts after `seconds`; each `renew` gives the next wait between two chunks. */
function deadline(seconds: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error('the download stopped'));
  let timer = setTimeout(abort, seconds * 1000);
  return {
    signal: controller.signal,
    stop: () => clearTimeout(timer),
    renew: () => {
      clearTimeout(timer);
      timer = setTimeout(abort, secondsWithoutByte * 1000);
    },
  };
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
