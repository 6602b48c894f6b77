import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { livingContainers } from '../../embedded/node/container';
import { sessionOf } from '../../embedded/proc';
import { readRegion } from '../../embedded/state';
import { keptInitialised } from '../../embedded/vault-operators';
import { decrypted } from '../../provision/vault-operators';
import { executable } from '../cli/datalab';
import { datalab, filesOf, printed, resultOf, start, textsWith } from '../region';
import { temporaryDirectory } from './temporary';

jest.setTimeout(600_000);

// Before the directory's own clean-up: hooks run in this order.
afterAll(async () => {
  await start(state, 'down', stack, '--delete-data').ended;
});

/** ls3.local with its real servers, as a person meets it who has to open Vault with shares. */
const stack = 'ls3.local';
const directory = temporaryDirectory();
const state = join(directory, 'state');
const region = readRegion(stack, state);
const away = join(directory, 'away');
const up = (code?: number) => datalab(state, ['up', stack, '--json'], code);
const names = () => keptInitialised(region)!.shares.map(({ operator }) => operator);
const shares = () => Promise.all(keptInitialised(region)!.shares.map(({ operator, encrypted }) => decrypted(encrypted, readFileSync(join(away, `${operator}.key`), 'utf8'))));

/** `datalab unseal` with something on its standard input. */
async function unseal(input: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(executable, ['unseal', stack, '--state', state, '--json'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  printed.push(stdout.join(''), stderr.join(''));
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

test('one `up` initialises Vault, opens it and makes what it gives; the next changes nothing', async () => {
  const { stderr } = await up();
  expect(stderr).toContain('vault/vault-0: open');
  expect(stderr).toContain('a throwaway key in');
  expect(resultOf(await up()).changes).toMatchObject({ create: 0, update: 0, delete: 0 });
});

test('killed, and without the throwaway keys, it is sealed, and `up` stops with what to do', async () => {
  mkdirSync(away);
  for (const name of names()) renameSync(region.file('vault', 'operators', `${name}.key`), join(away, `${name}.key`));
  const { record } = livingContainers(region).find((each) => each.record.pod === 'vault-0')!;
  for (const pid of sessionOf(record.pid)) if (pid !== record.pid) process.kill(pid, 'SIGKILL');
  const { stderr } = await up(1);
  expect(stderr).toContain('Vault is sealed: 0 of 2, run `datalab unseal ls3.local`');
});

test('too few shares, and a wrong one, leave it sealed', async () => {
  const [first, second] = (await shares()) as [string, string];
  expect(await unseal('')).toMatchObject({ code: 1, stdout: '{"stack":"ls3.local","open":false}\n' });
  expect((await unseal(`${first}\n`)).stderr).toContain('Vault is sealed: 1 of 2');
  const wrong = second.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
  const refused = await unseal(`${wrong}\n`);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('it counts from 0 of 2');
});

test('with the shares of two operators it opens, and `up` goes on as if nothing had been', async () => {
  expect(await unseal(`${(await shares()).slice(0, 2).join('\n')}\n`)).toMatchObject({ code: 0, stdout: '{"stack":"ls3.local","open":true}\n' });
  expect(resultOf(await up()).changes).toMatchObject({ create: 0, update: 0, delete: 0 });
});

test('shares and root token are in no file of the region, and nothing printed them', async () => {
  const { rootToken } = keptInitialised(region)!;
  const root = await decrypted(rootToken.encrypted, readFileSync(join(away, `${rootToken.operator}.key`), 'utf8'));
  const texts = new Map([...filesOf(region.dir), ['what the commands printed', printed.join('\n')]]);
  expect(texts.size).toBeGreaterThan(50);
  for (const secret of [...(await shares()), root]) expect(textsWith(secret, texts)).toEqual([]);
});
