import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Report } from '../../bench/report';
import { entriesOf } from '../../constructs/objects';
import { objectsOf } from '../../bench/objects';
import { compose } from '../../constructs/compose';
import { packageOf } from '../../constructs/tokens';
import { loadStack } from '../../model/stack';

const root = resolve(__dirname, '../..');

describe('the objects of the bench', () => {
  const stack = loadStack('ssp-cloud.local');
  const all = entriesOf(compose(stack)).filter(({ object }) => !packageOf(object));

  test('are those of the stack, in an order that it allows', () => {
    const entries = entriesOf(objectsOf(stack, { times: 1, wait: true }));
    expect(entries.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
    const ids = new Set(all.map(({ id }) => id));
    for (const { id, after } of all) {
      expect(entries.find((entry) => entry.id === id)!.after).toEqual(expect.arrayContaining(after.filter((each) => ids.has(each))));
    }
  });

  test.each([4, 16])('%d times as many, within one namespace', (times) => {
    const count = entriesOf(objectsOf(stack, { times, wait: false })).length;
    expect(Math.abs(count - times * all.length)).toBeLessThan(10);
  });
});

test('npm run bench measures all of it once, and writes what it prints', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(root, 'bench/main.ts'), '--quick', '--json'], { cwd: root });
  const report = JSON.parse(stdout) as Report;
  const file = join(root, /written: (\S+)/.exec(stderr)![1]!);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(report);
  rmSync(file);
  expect(report).toMatchObject({ quick: true, machine: { cores: expect.any(Number), load: expect.any(Number), quiet: expect.any(Boolean) } });
  expect(report.rows.length).toBeGreaterThanOrEqual(12);
  for (const { what, value, samples, note, goal, met } of report.rows) {
    expect([what, samples.every((sample) => Number.isFinite(sample) && sample >= 0)]).toEqual([what, true]);
    expect([what, Number.isFinite(value), note]).toEqual([what, true, expect.stringMatching(/\w/)]);
    expect([what, met]).toEqual([what, goal === undefined ? undefined : value <= goal]);
  }
}, 1_200_000);
