import type { Progress } from '../model/progress';

/** Seconds between two signs of life where the output is no terminal. */
const heartbeat = 15;

/**
 * Shows steps on standard error: on a terminal one line that moves, elsewhere plain lines:
 * one at the start, one every 15 seconds, one at the end.
 */
export function printedProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return {
    async step(title, work) {
      const started = Date.now();
      const line = stream.isTTY ? movingLine(stream, title, started) : plainLines(stream, title, started);
      try {
        const result = await work(line.tell);
        line.end('✓');
        return result;
      } catch (error) {
        line.end('✗');
        throw error;
      }
    },
    note: (text) => void stream.write(`${text}\n`),
  };
}

interface Line {
  tell(detail: string): void;
  end(mark: string): void;
}

function movingLine(stream: NodeJS.WriteStream, title: string, started: number): Line {
  let detail = '';
  const draw = () => {
    const text = `… ${title} ${elapsed(started)}${detail && ` · ${detail}`}`;
    stream.write(`\r\u001b[K${text.slice(0, (stream.columns || 80) - 1)}`);
  };
  draw();
  const timer = setInterval(draw, 200);
  return {
    tell: (text) => {
      detail = text.split('\n')[0]!;
    },
    end: (mark) => {
      clearInterval(timer);
      stream.write(`\r\u001b[K${mark} ${title} ${elapsed(started)}\n`);
    },
  };
}

function plainLines(stream: NodeJS.WriteStream, title: string, started: number): Line {
  let detail = '';
  stream.write(`… ${title}\n`);
  const timer = setInterval(() => stream.write(`… ${title} ${elapsed(started)}${detail && ` · ${detail}`}\n`), heartbeat * 1000);
  return {
    tell: (text) => {
      detail = text.split('\n')[0]!;
    },
    end: (mark) => {
      clearInterval(timer);
      stream.write(`${mark} ${title} ${elapsed(started)}\n`);
    },
  };
}

/** `4.2 s`, or `3 min 20 s`. */
function elapsed(started: number): string {
  const seconds = (Date.now() - started) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}
