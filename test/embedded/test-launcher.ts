import type { Launcher } from '../../embedded/launchers/launcher';

// Import this first: the launchers are read once, in this process and in the agent.
process.env.DATALAB_LAUNCHERS = __filename;

/** Runs a shell, and Node.js as `node`, for pods of the image `datalab-test/shell`. Their address is in ADDRESS. */
const shell: Launcher = {
  name: 'shell',
  repositories: ['datalab-test/shell'],
  runs: () => 'a shell for tests',
  how: 'with the tests',
  install: async () => undefined,
  open: async ({ address }) => ({
    entrypoint: ['/bin/sh', '-c'],
    command: ['echo no script'],
    user: { name: 'shell', uid: 1000, gid: 1000, home: '/' },
    env: { PATH: '/opt/test:/usr/bin:/bin' },
    forcedEnv: { ADDRESS: address },
    files: { '/opt/test/node': process.execPath },
  }),
};

export const launchers = [shell];
