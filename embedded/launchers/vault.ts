import { join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';
import { ensureTools, toolPath } from '../toolchain';
import { toolTable } from '../tools';
import type { Launcher } from './launcher';

const version = toolTable.vault.version.slice(1);

/**
 * Vault from its Go module, the last version that builds as one; the platform deploys a later one. Where it listens stands
 * in the manifest, as the pod's own address.
 */
export const vault: Launcher = {
  name: 'vault',
  repositories: ['hashicorp/vault'],
  runs: () => (toolPath('vault', 'vault') ? `Vault ${version}` : undefined),
  how: 'datalab doctor --install: built from its Go module',
  install: async (_env, progress) => void (await ensureTools(['vault'], progress)),
  open: async ({ memory }) => {
    const binary = toolPath('vault', 'vault');
    if (!binary) throw notInstalled();
    return {
      entrypoint: ['/bin/sh', '/opt/image/docker-entrypoint.sh'],
      command: ['server', '-dev'],
      user: { name: 'vault', uid: 100, gid: 1000, home: '/home/vault' },
      env: { PATH: '/opt/bin:/usr/bin:/bin', ...(memory ? { GOMEMLIMIT: String(Math.round(memory * 0.9)) } : {}) },
      files: { '/opt/bin/vault': binary, '/opt/image/docker-entrypoint.sh': join(__dirname, 'vault-entrypoint.sh') },
    };
  },
};

function notInstalled(): UserError {
  return new UserError('Vault is not installed.', [{
    path: 'vault', got: 'no binary in DATALAB_TOOLS or the cache', allowed: 'a binary that `datalab doctor` finds', fix: 'datalab doctor --install',
  }], exitCodes.failed);
}
