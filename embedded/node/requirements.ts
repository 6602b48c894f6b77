import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { exitCodes, UserError } from '../../model/errors';
import { isRoot } from './identity';
import { unshareFlags } from './sandbox';

/** Whether this computer lets its processes have a file system of their own. @throws UserError with what to install or permit */
export async function requireSandbox(): Promise<void> {
  const attempt = async (command: string, ...args: string[]) => promisify(execFile)(command, args);
  try {
    for (const program of ['setpriv', 'nsenter', 'findmnt', 'hostname']) await attempt(program, '--version');
    await attempt('unshare', ...unshareFlags({ uid: 1000, gid: 1000, groups: [] }), 'mount', '-t', 'tmpfs', 'check', '/tmp');
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string | number; stderr?: string };
    const missing = code === 'ENOENT';
    throw new UserError('The process node cannot run servers on this computer.', [{
      path: 'unshare, setpriv, nsenter, findmnt, hostname',
      got: stderr?.trim().split('\n')[0] || message,
      allowed: `Linux with util-linux 2.36 or newer${isRoot ? '' : ', and user namespaces for everyone'}`,
      fix: missing || isRoot ? 'install util-linux' : 'as root: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0',
    }], exitCodes.failed);
  }
}
