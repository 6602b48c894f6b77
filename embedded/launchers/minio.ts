import { exitCodes, UserError } from '../../model/errors';
import { ensureTools, toolPath } from '../toolchain';
import { toolTable } from '../tools';
import type { Launcher } from './launcher';

/**
 * MinIO from its last published Go module. It stands in for SILO, the kept fork that the platform deploys, which is not
 * published as a Go module: same code base, same interface.
 */
export const minio: Launcher = {
  name: 'minio',
  repositories: ['silo', 'minio'],
  runs: () => (toolPath('minio', 'minio') ? `MinIO of ${/\d{8}/.exec(toolTable.minio.version)![0]}, in place of its fork SILO` : undefined),
  how: 'datalab doctor --install: built from its Go module',
  install: async (_env, progress) => void (await ensureTools(['minio'], progress)),
  open: async ({ address, memory }) => {
    const binary = toolPath('minio', 'minio');
    if (!binary) throw notInstalled();
    return {
      entrypoint: ['minio'],
      command: [],
      user: { name: 'minio', uid: 1000, gid: 1000, home: '/' },
      env: { PATH: '/opt/bin:/usr/bin:/bin', ...(memory ? { GOMEMLIMIT: String(Math.round(memory * 0.9)) } : {}) },
      files: { '/opt/bin/minio': binary },
      bind: (argv) => (argv[0] === 'minio' && argv[1] === 'server' ? [...argv.map((each) => each.replace(/^(--console-address=)?:(\d+)$/, `$1${address}:$2`)), '--address', `${address}:9000`] : argv),
    };
  },
};

function notInstalled(): UserError {
  return new UserError('MinIO is not installed.', [{
    path: 'minio', got: 'no binary in DATALAB_TOOLS or the cache', allowed: 'a binary that `datalab doctor` finds', fix: 'datalab doctor --install',
  }], exitCodes.failed);
}
