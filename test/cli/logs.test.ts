import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureServer, stopServer } from '../../embedded/processes';
import { openRegion } from '../../embedded/state';
import { eventually, temporaryDirectory } from '../embedded/temporary';
import { datalab, executable, stackTrace } from './datalab';

const directory = temporaryDirectory();
const state = openRegion('ssp-cloud.local', directory);
const log = (name: string) => state.file('logs', 'pods', `keycloak_${name}.log`);
/** What keeps the region running, as far as its process table tells. */
const server = { name: 'agent', command: '/bin/sleep', args: ['1000'] };

function follow() {
  const child = spawn(executable, ['logs', 'keycloak', 'ssp-cloud.local', '--follow', '--state', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  return { child, said, ended: once(child, 'close') as Promise<[number | null, string | null]> };
}

beforeEach(async () => {
  rmSync(state.file('logs', 'pods'), { recursive: true, force: true });
  mkdirSync(state.file('logs', 'pods'));
  writeFileSync(log('keycloak-0_keycloak'), 'first\n');
  await ensureServer(state, server);
});
afterEach(() => stopServer(state, 'agent'));

test('logs -f prints what is added, files that appear and files that begin anew, until the region is down', async () => {
  const { said, ended } = follow();
  await eventually('the first line', () => said.stdout.includes('first'), 90);
  appendFileSync(log('keycloak-0_keycloak'), 'second\n');
  await eventually('the second', () => said.stdout.includes('second'));
  writeFileSync(log('keycloak-1_keycloak'), 'of another pod\n');
  await eventually("another pod's", () => said.stdout.includes('of another pod'));
  writeFileSync(log('keycloak-0_keycloak'), 'anew\n');
  await eventually('the new beginning', () => said.stdout.includes('anew'));
  await stopServer(state, 'agent');
  expect(await ended).toEqual([0, null]);
  expect(said).toEqual({
    stdout: '── keycloak-0/keycloak\nfirst\nsecond\n── keycloak-1/keycloak\nof another pod\n── keycloak-0/keycloak\nanew\n',
    stderr: 'ssp-cloud.local is down.\n',
  });
});

test('Ctrl-C ends it at once, as a shell expects: 130', async () => {
  const { child, said, ended } = follow();
  await eventually('the first line', () => said.stdout.includes('first'), 90);
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
  expect(said.stderr).not.toMatch(stackTrace);
});

test('of a region that is down it prints what there is, and ends', async () => {
  await stopServer(state, 'agent');
  const { said, ended } = follow();
  expect(await ended).toEqual([0, null]);
  expect(said.stdout).toBe('── keycloak-0/keycloak\nfirst\n');
});

test('down of a region that never ran makes no directory', async () => {
  const { code } = await datalab(['down', 'ls3.local', '--state', directory]);
  expect([code, existsSync(join(directory, 'ls3.local'))]).toEqual([0, false]);
});
