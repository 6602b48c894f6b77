import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadStack, stackNames } from '../model/stack';
import { renderTo } from '../review/render';

/** A process of its own, which the bench measures from its start to its end: renders every stack, and says what it took. */
const directory = mkdtempSync(join(tmpdir(), 'datalab-bench-render-'));
try {
  const started = Date.now();
  const names = stackNames();
  const files = names.reduce((sum, name) => sum + renderTo(loadStack(name), join(directory, name)), 0);
  const { maxRSS } = process.resourceUsage();
  process.stdout.write(JSON.stringify({ stacks: names.length, files, workSeconds: (Date.now() - started) / 1000, peakMegabytes: maxRSS / 1024 }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
