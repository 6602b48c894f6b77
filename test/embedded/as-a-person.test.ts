import { execFile, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silent } from '../../model/progress';
import { installLaunchers } from '../../embedded/launchers/install';
import { ensureTools } from '../../embedded/toolchain';
import { cacheDirectory } from '../../model/cache';
import { loadStack } from '../../model/stack';
import { temporaryDirectory } from './temporary';

const directory = temporaryDirectory();
const isRoot = process.getuid!() === 0;
const nobody = 65534;
/** Started by root, the test becomes somebody else; started by a person, it is one. */
const become = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'] : [];
// What a person needs of the kernel: a user namespace in which they mount.
const kernel = spawnSync(become[0] ?? 'env', [...become.slice(1), 'unshare', '--user', '--map-user=1000', '--mount', '--keep-caps', 'mount', '-t', 'tmpfs', 'check', '/tmp'], { encoding: 'utf8' });
const reason = kernel.status === 0 ? '' : ` (skipped: ${kernel.stderr.trim().split('\n')[0]})`;

/** The cache of whoever runs the tests, which others may not enter, at a path that they may; below it what a person writes. */
function person(): { home: string; shared: string; env: NodeJS.ProcessEnv } {
  const [home, shared] = ['home', 'shared'].map((name) => join(directory, name)) as [string, string];
  const cache = join(home, 'cache');
  for (const each of [shared, home, cache]) mkdirSync(each);
  for (const entry of readdirSync(cacheDirectory())) if (!/^(draft-|addresses$)/.test(entry)) symlinkSync(join(isRoot ? shared : cacheDirectory(), entry), join(cache, entry));
  if (isRoot) for (const each of [home, cache, directory]) chownSync(each, nobody, nobody);
  return { home, shared, env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, DATALAB_CACHE: cache } };
}

beforeAll(async () => {
  await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  await installLaunchers(loadStack('ssp-cloud.local'), silent);
}, 20 * 60_000);

(reason ? test.skip : test)(`a person without root runs PostgreSQL and MinIO from their manifests${reason}`, async () => {
  const { home, shared, env } = person();
  const program = [process.execPath, '--import', 'tsx', join(__dirname, 'servers-of-a-person.ts'), join(home, 'state')];
  const share = isRoot ? ['unshare', '--mount', 'sh', '-ec', 'mount --bind "$0" "$1"; shift; exec "$@"', cacheDirectory(), shared] : [];
  const [command, ...args] = [...share, ...become, ...program] as [string, ...string[]];
  const { stdout } = await promisify(execFile)(command, args, { env, cwd: join(__dirname, '../..'), timeout: 280_000 });
  const seen = JSON.parse(stdout) as { person: number; owners: number[] };
  expect(seen).toEqual({ person: isRoot ? nobody : process.getuid!(), owners: [seen.person] });
}, 300_000);
