import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { ensureServer, isRunning, runningServers, stopServers, type Server } from '../../embedded/processes';
import { sessionOf, startTimeOf } from '../../embedded/proc';
import { openRegion } from '../../embedded/state';
import { eventually, temporaryDirectory } from './temporary';

const state = openRegion('processes.local', temporaryDirectory());
const shell = (name: string, script: string, more: Partial<Server> = {}): Server => ({
  name, command: '/bin/sh', args: ['-c', script], ...more,
});
const pidOf = (name: string) => runningServers(state).find((entry) => entry.name === name)!.pid;

afterEach(() => stopServers(state));

test('a server starts in its own session, is left alone while it runs as described, and stops with its children', async () => {
  const server = shell('parent', 'sleep 100 & sleep 100');
  await ensureServer(state, server);
  const pid = pidOf('parent');
  await eventually('its children', () => sessionOf(pid).length === 3);
  await ensureServer(state, server);
  expect(pidOf('parent')).toBe(pid);
  await stopServers(state);
  expect(sessionOf(pid)).toEqual([]);
  expect(JSON.parse(readFileSync(state.file('processes.json'), 'utf8'))).toEqual([]);
});

test('a change of its arguments or files restarts it, in its old place of the order', async () => {
  writeFileSync(state.file('settings'), '1');
  const server = shell('first', 'exec sleep 100', { files: ['settings'] });
  await ensureServer(state, server);
  await ensureServer(state, shell('second', 'exec sleep 100'));
  const pid = pidOf('first');
  writeFileSync(state.file('settings'), '2');
  expect(isRunning(state, server)).toBe(false);
  await ensureServer(state, server);
  expect(startTimeOf(pid)).toBeUndefined();
  expect(runningServers(state).map(({ name }) => name)).toEqual(['first', 'second']);
});

test('servers stop in reverse order, and one that ignores SIGTERM is killed', async () => {
  await ensureServer(state, shell('deaf', "trap '' TERM; while :; do sleep 0.1; done", { secondsToStop: 1 }));
  await ensureServer(state, shell('polite', 'exec sleep 100'));
  const pids = [pidOf('deaf'), pidOf('polite')];
  const order: string[] = [];
  await stopServers(state, (name) => order.push(name));
  expect(order).toEqual(['polite', 'deaf']);
  for (const pid of pids) expect(sessionOf(pid)).toEqual([]);
});

test('children that a killed server left behind are stopped too', async () => {
  await ensureServer(state, shell('orphaner', 'sleep 100 & sleep 100'));
  const pid = pidOf('orphaner');
  await eventually('its children', () => sessionOf(pid).length === 3);
  process.kill(pid, 'SIGKILL');
  await eventually('its end', () => startTimeOf(pid) === undefined);
  expect(runningServers(state)).toEqual([]);
  await stopServers(state);
  expect(sessionOf(pid)).toEqual([]);
});

test('a process that has the pid of a dead server is never signalled', async () => {
  const stranger = spawn('sleep', ['100'], { detached: true });
  const entry = { name: 'old', pid: stranger.pid, startTime: 'boot/1', startedAt: 0, secondsToStop: 1, ports: [], setup: '' };
  writeFileSync(state.file('processes.json'), JSON.stringify([entry]));
  expect(runningServers(state)).toEqual([]);
  await stopServers(state);
  expect(startTimeOf(stranger.pid!)).toBeDefined();
  stranger.kill('SIGKILL');
});

test('a server that ends while it starts is an error with the end of its log', async () => {
  const noisy = shell('noisy', 'for i in $(seq 30); do echo line $i; done; echo wrong flag >&2; exit 1');
  const error = await ensureServer(state, noisy).catch((reason: Error) => reason);
  expect(error).toMatchObject({ name: 'UserError', exitCode: 1 });
  expect((error as Error).message).toContain('wrong flag');
  expect((error as Error).message).toContain('line 22');
  expect((error as Error).message).not.toContain('line 21');
  expect((error as Error).message).toContain(state.file('logs', 'noisy.log'));
});

test('a command that is not there is an error, not a crash', async () => {
  await expect(ensureServer(state, { name: 'none', command: '/nowhere/server', args: [] })).rejects.toThrow('ENOENT');
});

test('logs are for their owner only, and a large one is put aside at the start', async () => {
  writeFileSync(state.file('logs', 'talker.log'), Buffer.alloc(11 * 1024 * 1024), { mode: 0o600 });
  await ensureServer(state, shell('talker', 'echo hello; exec sleep 100'));
  await eventually('the log', () => readFileSync(state.file('logs', 'talker.log'), 'utf8') === 'hello\n');
  expect(statSync(state.file('logs', 'talker.log')).mode & 0o777).toBe(0o600);
  expect(statSync(state.file('logs', 'talker.log.1')).size).toBe(11 * 1024 * 1024);
});

test('a server sees PATH and its own settings, not the secrets of the caller', async () => {
  process.env.PULUMI_CONFIG_PASSPHRASE = 'the-passphrase';
  await ensureServer(state, shell('curious', 'env; exec sleep 100', { env: { SETTING: 'yes' } }));
  delete process.env.PULUMI_CONFIG_PASSPHRASE;
  const log = await eventually('the log', () => {
    const text = readFileSync(state.file('logs', 'curious.log'), 'utf8');
    return text.includes('SETTING=yes') && text;
  });
  expect(log).not.toContain('the-passphrase');
});

test('a taken port is an error that names who holds it', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await eventually('the listener', () => holder.listening);
  const port = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
  const error = await ensureServer(state, shell('late', 'exec sleep 100', { ports: [port] })).catch((reason: Error) => reason);
  expect(error).toMatchObject({ name: 'UserError', exitCode: 1 });
  expect((error as Error).message).toContain(port);
  expect((error as Error).message).toContain(`process ${process.pid}`);
  holder.close();
});
