import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcherFor } from '../../embedded/launchers/all';
import { containersOf } from '../../embedded/launchers/install';
import { keycloak } from '../../embedded/launchers/keycloak';
import type { Launcher } from '../../embedded/launchers/launcher';
import { postgres } from '../../embedded/launchers/postgres';
import { sandboxScript, unshareFlags } from '../../embedded/node/sandbox';
import type { Progress } from '../../model/progress';
import { loadStack } from '../../model/stack';

// A program: started where this computer's own Java and PostgreSQL are hidden, it gets the one that its argument names as
// `up` does, and prints what programs of it print in a container's file system.

const identity = { uid: 1000, gid: 1000, groups: [] };
const progress: Progress = {
  step: async (title, work) => {
    process.stderr.write(`${title}\n`);
    return work(() => undefined);
  },
  note: (text) => void process.stderr.write(`${text}\n`),
};

/** What a script prints in a container of the stack whose image the launcher stands in for. */
async function printedBy(launcher: Launcher, script: string): Promise<string> {
  const { env: wanted } = containersOf(loadStack('ssp-cloud.local')).find(({ image }) => launcherFor(image) === launcher)!;
  await launcher.install(wanted, progress);
  const { env, files = {}, scratch = [] } = await launcher.open({ env: wanted, address: '127.0.0.1' });
  const directory = mkdtempSync(join(tmpdir(), 'without-'));
  mkdirSync(join(directory, 'root'));
  writeFileSync(join(directory, 'passwd'), 'server:x:1000:1000::/:/sbin/nologin\n');
  const mounts = Object.entries({ ...files, '/etc/passwd': join(directory, 'passwd') }).map(([path, from]) => ({ path, from, readOnly: true }));
  writeFileSync(join(directory, 'setup.sh'), sandboxScript({ identity, mounts, scratch: [...scratch, '/data'], hostname: 'test', workingDirectory: '/data', readOnlyRoot: true }, directory));
  const command = ['/bin/sh', '-c', 'exec 4>&2; exec "$@"', 'sh', 'unshare', ...unshareFlags(identity), '/bin/sh', join(directory, 'setup.sh'), join(directory, 'root'), '/bin/sh', '-euc', script];
  return execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', cwd: directory, env: { ...env } });
}

const scripts: Record<string, [Launcher, string]> = {
  postgres: [postgres, `
    initdb --pgdata=/data/db --username=me --no-sync >/dev/null
    pg_ctl --pgdata=/data/db --wait --log=/data/log --options="-c listen_addresses= -c unix_socket_directories=/data" start >/dev/null
    psql -XAt -h /data -U me -d postgres -c "show server_version" -c "select sum(g) from generate_series(1, 3000000) g"
    pg_ctl --pgdata=/data/db --mode=immediate stop >/dev/null`],
  keycloak: [keycloak, `
    kc.sh --version
    "$JAVA_HOME/bin/keytool" -list -cacerts -storepass changeit | grep -c trustedCertEntry`],
};

const [launcher, script] = scripts[process.argv[2]!]!;
printedBy(launcher, `PATH=$PATH:/opt/keycloak/bin\n${script}`).then(
  (printed) => process.stdout.write(printed),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
