import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { keycloakVersion } from '../../embedded/launchers/keycloak-dist';
import { cacheDirectory } from '../../model/cache';
import { temporaryDirectory } from './temporary';

const directory = temporaryDirectory();
const isRoot = process.getuid!() === 0;

/** Where the directories of this computer's own servers are empty, gets a server as `up` does and runs its programs. */
function without(server: string, cache: string, ...namespaces: string[]) {
  const hide = 'for each in /usr/lib/jvm /usr/lib/postgresql; do [ ! -d $each ] || mount -t tmpfs hidden $each; done; exec "$@"';
  const own = ['--mount', ...namespaces, ...(isRoot ? [] : ['--user', '--map-current-user', '--keep-caps'])];
  const program = [process.execPath, '--import', 'tsx', join(__dirname, 'without-servers.ts'), server];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATALAB_CACHE: cache };
  return spawnSync('unshare', [...own, 'sh', '-ec', hide, 'sh', ...program], { encoding: 'utf8', env, timeout: 300_000 });
}

/** A cache with everything but what the tests get. */
function cacheOf(name: string): string {
  const cache = join(directory, name);
  mkdirSync(cache);
  for (const entry of readdirSync(cacheDirectory())) {
    if (!/^(java|postgresql|temurin|draft)-/.test(entry)) symlinkSync(join(cacheDirectory(), entry), join(cache, entry));
  }
  return cache;
}

const open = cacheOf('open');
const postgres = without('postgres', open);
const why = /there is no apt-get|Temporary failure resolving|Could not (?:resolve|connect)|unshare: .*/.exec(postgres.stderr)?.[0];
const whereItCan = why ? test.skip : test;
const reason = why ? ` (skipped: ${why})` : '';

whereItCan(`a computer without PostgreSQL gets its distribution's, which serves in a container${reason}`, () => {
  expect([postgres.status, postgres.stderr]).toEqual([0, expect.stringContaining("unpack the distribution's package of postgresql")]);
  const [version, sum] = postgres.stdout.trim().split('\n');
  expect(parseInt(version!)).toBeGreaterThanOrEqual(15);
  expect(sum).toBe('4500001500000');
});

whereItCan(`a computer without Java gets one that runs Keycloak and knows the authorities${reason}`, () => {
  const { status, stdout, stderr } = without('keycloak', open);
  expect([status, stderr]).toEqual([0, expect.stringMatching(/Temurin|unpack the distribution's package of java/)]);
  expect(stdout).toContain(`Keycloak ${keycloakVersion}`);
  expect(Number(stdout.trim().split('\n').at(-1))).toBeGreaterThanOrEqual(rootCertificates.length / 2);
});

whereItCan(`what was got is used again, without a network${reason}`, () => {
  const again = without('postgres', open, '--net');
  expect([again.status, again.stdout]).toEqual([0, postgres.stdout]);
  expect(again.stderr).not.toContain('unpack');
});

test.each([
  ['postgres', ['PostgreSQL is not installed.', 'apt-get install postgresql', 'neither on the PATH nor below /usr/lib/postgresql']],
  ['keycloak', ['Keycloak needs Java.', 'default-jre-headless', "Temurin's release: github.com cannot be reached", "the distribution's package: "]],
])('without a network, %s says what was tried and what to install, and leaves nothing', (server, words) => {
  const cache = cacheOf(`closed-${server}`);
  const { status, stderr } = without(server, cache, '--net');
  if (/^unshare: /m.test(stderr)) return void process.stdout.write(`skipped: ${stderr.trim()}\n`);
  expect(status).toBe(1);
  for (const word of words) expect(stderr).toContain(word);
  expect(readdirSync(cache).filter((entry) => /^(java|postgresql|temurin|draft)-/.test(entry))).toEqual([]);
});
