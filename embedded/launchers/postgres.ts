import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';
import type { Launcher } from './launcher';

/** Where Debian keeps servers, by major version. */
const packages = '/usr/lib/postgresql';

const installation = 'install it: apt-get install postgresql, or dnf install postgresql-server';

/** PostgreSQL of this computer, with the entrypoint of the official image; its client programs too. */
export const postgres: Launcher = {
  name: 'postgres',
  repositories: ['postgres'],
  stopsLast: true,
  runs: () => {
    const directory = serverDirectory();
    if (!directory) return undefined;
    const printed = execFileSync(join(directory, 'postgres'), ['--version'], { encoding: 'utf8' });
    return `PostgreSQL ${/[\d.]+/.exec(printed)![0]} of this computer`;
  },
  how: installation,
  install: async () => void required(),
  open: async ({ address }) => ({
    entrypoint: ['/bin/sh', '/opt/image/docker-entrypoint.sh'],
    command: ['postgres'],
    user: { name: 'postgres', uid: 999, gid: 999, home: '/var/lib/postgresql' },
    env: { PATH: `${required()}:/usr/bin:/bin`, LANG: 'C.UTF-8', PGDATA: '/var/lib/postgresql/data' },
    forcedEnv: { LISTEN_ADDRESS: address },
    files: { '/opt/image/docker-entrypoint.sh': join(__dirname, 'postgres-entrypoint.sh') },
  }),
};

function required(): string {
  const directory = serverDirectory();
  if (directory) return directory;
  throw new UserError('PostgreSQL is not installed.', [{
    path: 'postgres',
    got: 'neither on the PATH nor below /usr/lib/postgresql',
    allowed: 'a PostgreSQL server, 15 or newer, below /usr',
    fix: installation,
  }], exitCodes.failed);
}

/** The newest server that this computer has. */
function serverDirectory(): string | undefined {
  const versions = list(packages).sort((a, b) => Number(b) - Number(a)).map((version) => join(packages, version, 'bin'));
  const packaged = list('/usr').filter((name) => name.startsWith('pgsql-')).map((name) => join('/usr', name, 'bin'));
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(hasServer).map((directory) => dirname(realpathSync(join(directory, 'postgres'))));
  return [...versions, ...packaged, ...onPath].find((directory) => hasServer(directory) && directory.startsWith('/usr/'));
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
