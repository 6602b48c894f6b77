import { exitCodes, UserError } from '../../model/errors';
import { ensureTools, toolPath } from '../toolchain';
import { toolTable } from '../tools';
import type { Launcher } from './launcher';

/** kubectl of the toolchain, with the shell of this computer. */
export const kubectl: Launcher = {
  name: 'kubectl',
  repositories: ['alpine/kubectl'],
  runs: () => (toolPath('kubernetes', 'kubectl') ? `kubectl ${toolTable.kubernetes.version}` : undefined),
  how: 'datalab doctor --install: released by Kubernetes, or built from its Go module',
  install: async (_env, progress) => void (await ensureTools(['kubernetes'], progress)),
  open: async () => {
    const binary = toolPath('kubernetes', 'kubectl');
    if (!binary) {
      throw new UserError('kubectl is not installed.', [{
        path: 'kubectl', got: 'no binary in DATALAB_TOOLS or the cache', allowed: 'a binary that `datalab doctor` finds', fix: 'datalab doctor --install',
      }], exitCodes.failed);
    }
    return {
      entrypoint: ['kubectl'],
      command: [],
      user: { name: 'kubectl', uid: 1000, gid: 1000, home: '/tmp' },
      env: { PATH: '/opt/bin:/usr/bin:/bin' },
      files: { '/opt/bin/kubectl': binary },
    };
  },
};
