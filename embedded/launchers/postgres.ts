import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';
import type { Progress } from '../../model/progress';
import { unpackedPackage, unpackPackage, type DebianPackage } from './debian';
import type { Launcher } from './launcher';

const oldest = 15;

const debian: DebianPackage = { name: 'postgresql', candidates: ['postgresql'], programs: /^postgresql-(client-)?\d+$/ };

/** Where containers see the unpacked package: its programs find their files relative to themselves. */
const unpackedAt = '/opt/postgresql';

/** PostgreSQL of this computer, else the distribution's package in the cache, with the entrypoint of the official image; its client programs too. */
export const postgres: Launcher = {
  name: 'postgres',
  repositories: ['postgres'],
  stopsLast: true,
  runs: () => {
    const server = search().found;
    return server && `PostgreSQL ${server.version} ${server.root ? 'of the distribution, unpacked' : 'of this computer'}`;
  },
  how: `datalab doctor --install: the distribution's package unpacked into the cache; or install PostgreSQL ${oldest} or newer`,
  install: ensurePostgres,
  open: async ({ address }) => {
    const { programs, root, libraries } = required();
    const inside = (path: string) => (root ? path.replace(root, unpackedAt) : path);
    return {
      entrypoint: ['/bin/sh', '/opt/image/docker-entrypoint.sh'],
      command: ['postgres'],
      user: { name: 'postgres', uid: 999, gid: 999, home: '/var/lib/postgresql' },
      env: {
        PATH: `${inside(programs)}:/usr/bin:/bin`, LANG: 'C.UTF-8', PGDATA: '/var/lib/postgresql/data',
        ...(libraries ? { LD_LIBRARY_PATH: libraries.map(inside).join(':') } : {}),
      },
      forcedEnv: { LISTEN_ADDRESS: address },
      files: { '/opt/image/docker-entrypoint.sh': join(__dirname, 'postgres-entrypoint.sh'), ...(root ? { [unpackedAt]: root } : {}) },
    };
  },
};

interface Programs {
  /** Directory with postgres, initdb and psql. */
  readonly programs: string;
  /** `15.18` */
  readonly version: string;
  /** Of an unpacked package. */
  readonly root?: string;
  /** Directories of its libraries. */
  readonly libraries?: readonly string[];
}

async function ensurePostgres(_env: unknown, progress: Progress): Promise<void> {
  const { found, reasons } = search();
  if (found) return;
  try {
    await unpackPackage(debian, progress);
  } catch (error) {
    throw problem([...reasons, `the distribution's package: ${(error as Error).message}`]);
  }
  required();
}

function required(): Programs {
  const { found, reasons } = search();
  if (!found) throw problem(reasons);
  return found;
}

/** The newest server that this computer has below /usr, else the unpacked one. */
function search(): { found?: Programs; reasons: string[] } {
  const debians = list('/usr/lib/postgresql').map((version) => join('/usr/lib/postgresql', version, 'bin'));
  const fedoras = list('/usr').filter((name) => name.startsWith('pgsql-')).map((name) => join('/usr', name, 'bin'));
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(hasServer).map((directory) => dirname(realpathSync(join(directory, 'postgres'))));
  const system = [...debians, ...fedoras, ...onPath].filter((directory) => directory.startsWith('/usr/') && hasServer(directory));
  const servers = system.map((programs): Programs => ({ programs, version: versionOf(programs) })).sort((a, b) => Number(b.version) - Number(a.version));
  const all = [...servers, ...packaged()];
  const reasons = servers.length ? [] : ['neither on the PATH nor below /usr/lib/postgresql'];
  return {
    found: all.find(({ version }) => Number(version) >= oldest),
    reasons: [...reasons, ...all.map(({ programs, version }) => `${programs} is PostgreSQL ${version || 'that does not start'}`)],
  };
}

function packaged(): Programs[] {
  const unpacked = unpackedPackage(debian);
  if (!unpacked) return [];
  const { root } = unpacked;
  const libraries = unpacked.libraries.map((each) => join(root, each));
  const folder = join(root, 'usr', 'lib', 'postgresql');
  return list(folder)
    .map((version) => join(folder, version, 'bin'))
    .filter(hasServer)
    .map((programs) => ({ programs, root, libraries, version: versionOf(programs, libraries) }));
}

function versionOf(programs: string, libraries: readonly string[] = []): string {
  try {
    const env = libraries.length ? { LD_LIBRARY_PATH: libraries.join(':') } : {};
    return /[\d.]+/.exec(execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8', env }))?.[0] ?? '';
  } catch {
    return '';
  }
}

function hasServer(directory: string): boolean {
  try {
    for (const program of ['postgres', 'initdb', 'psql']) accessSync(join(directory, program), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function problem(reasons: readonly string[]): UserError {
  return new UserError('PostgreSQL is not installed.', [{
    path: 'postgres',
    got: reasons.join('; '),
    allowed: `a PostgreSQL server, ${oldest} or newer, below /usr, or the package of a distribution with apt`,
    fix: 'install it: apt-get install postgresql, or dnf install postgresql-server; or let this computer reach its distribution\'s packages and call: ./datalab doctor --install',
  }], exitCodes.failed);
}
