import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { isAlive, startTimeOf } from '../../embedded/proc';
import { lockRegion, openRegion, withRegionLock } from '../../embedded/state';
import { UserError } from '../../model/errors';
import { temporaryDirectory } from './temporary';

const directory = temporaryDirectory();
const dead = { pid: 2 ** 22 + 1, startTime: 'boot/1', command: 'datalab up', since: '2026-01-01T00:00:00.000Z' };

function failure(work: () => unknown): UserError {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('a region has its own directory that only its owner may enter', () => {
  const state = openRegion('ssp-cloud.local', directory);
  expect(state.file('pki')).toBe(`${directory}/ssp-cloud.local/pki`);
  for (const part of ['', 'pki', 'logs', 'pulumi']) expect(statSync(state.file(part)).mode & 0o777).toBe(0o700);
});

test('a state directory that cannot be made is an error that names another way', () => {
  writeFileSync(`${directory}/file`, '');
  const error = failure(() => openRegion('ssp-cloud.local', `${directory}/file`));
  expect(error.exitCode).toBe(1);
  expect(error.message).toContain('DATALAB_STATE');
});

describe('the lock of a region', () => {
  const state = openRegion('locked.local', directory);
  const lock = state.file('lock');

  test('keeps a second command out, and tells who holds it, since when and what to do', () => {
    const release = lockRegion(state, 'datalab up locked.local');
    const error = failure(() => lockRegion(state, 'datalab down locked.local'));
    expect(error.exitCode).toBe(1);
    expect(error.problems[0]!.got).toMatch(
      new RegExp(`"datalab up locked.local", process ${process.pid}, since ${new Date().getUTCFullYear()}-`),
    );
    expect(error.problems[0]!.fix).toContain(`kill ${process.pid}`);
    release();
    expect(existsSync(lock)).toBe(false);
  });

  test('is given back when the work fails', async () => {
    await expect(withRegionLock(state, 'datalab up', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(lock)).toBe(false);
  });

  test.each([
    ['whose process is gone', JSON.stringify(dead)],
    ['whose pid belongs to another process now', JSON.stringify({ ...dead, pid: process.pid })],
    ['that cannot be read', '{"pid":'],
  ])('is taken over from one %s', (_which, content) => {
    writeFileSync(lock, content);
    const release = lockRegion(state, 'datalab up');
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid, command: 'datalab up' });
    release();
  });

  test('of a living process stays, also when that process is another one', () => {
    const other = spawn('sleep', ['60']);
    try {
      writeFileSync(lock, JSON.stringify({ ...dead, pid: other.pid, startTime: startTimeOf(other.pid!) }));
      expect(failure(() => lockRegion(state, 'datalab up')).message).toContain(`process ${other.pid}`);
    } finally {
      other.kill('SIGKILL');
    }
  });
});

test('a process is told from a later one with the same pid', () => {
  const startTime = startTimeOf(process.pid)!;
  expect(isAlive({ pid: process.pid, startTime })).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: `${startTime}0` })).toBe(false);
  expect(startTimeOf(dead.pid)).toBeUndefined();
});
