import { printedProgress } from '../../cli/progress';

/** A stream that keeps what is written. */
function stream(isTTY: boolean) {
  const written: string[] = [];
  const fake = { isTTY, columns: 40, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { progress: printedProgress(fake), text: () => written.join('') };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('without a terminal: a line at the start, a sign of life every 15 seconds, a line at the end', async () => {
  const { progress, text } = stream(false);
  await progress.step('build etcd', async (tell) => {
    tell('12 packages\nand more');
    await jest.advanceTimersByTimeAsync(31_000);
  });
  expect(text()).toBe('… build etcd\n… build etcd 15.0 s · 12 packages\n… build etcd 30.0 s · 12 packages\n✓ build etcd 31.0 s\n');
});

test('long steps count in minutes', async () => {
  const { progress, text } = stream(false);
  await progress.step('build', () => jest.advanceTimersByTimeAsync(119_600));
  expect(text()).toMatch(/✓ build 1 min 59 s\n$/);
});

test('fails: a step that throws is marked, and its error goes on', async () => {
  const { progress, text } = stream(false);
  await expect(progress.step('boot', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(text()).toBe('… boot\n✗ boot 0.0 s\n');
  await jest.advanceTimersByTimeAsync(60_000);
  expect(text()).toBe('… boot\n✗ boot 0.0 s\n');
});

test('on a terminal one line moves, within its width, and stays at the end', async () => {
  const { progress, text } = stream(true);
  await progress.step('deploy', async (tell) => {
    tell('create minio/statefulset/minio (12) and so on and so on');
    await jest.advanceTimersByTimeAsync(400);
  });
  const lines = text().split('\r\u001b[K').slice(1);
  expect(lines[0]).toBe('… deploy 0.0 s');
  expect(lines.at(-1)).toBe('✓ deploy 0.4 s\n');
  for (const line of lines) expect(line.trimEnd().length).toBeLessThan(40);
});

test('a note is a line of its own', () => {
  const { progress, text } = stream(false);
  progress.note('etcd is not downloaded');
  expect(text()).toBe('etcd is not downloaded\n');
});
