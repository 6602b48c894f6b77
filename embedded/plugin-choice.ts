import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../model/cache';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';

/** `official`: the publisher's plugin. `stand-in`: ours. `auto`: the official one where it is there or can be downloaded. */
export type PluginChoice = 'auto' | 'official' | 'stand-in';

export interface ChosenPlugin {
  readonly kind: 'official' | 'stand-in';
  /** The `plugins` folder of a Pulumi home that has it; undefined for the stand-in. */
  readonly folder?: string;
}

const { version } = JSON.parse(readFileSync(require.resolve('@pulumi/kubernetes/package.json'), 'utf8')) as { version: string };
const plugin = `resource-kubernetes-v${version}`;
const publisher = 'https://get.pulumi.com';

/** Which `kubernetes` plugin the engine uses. @throws UserError when the official one is asked for and cannot be had. */
export async function choosePlugin(choice: PluginChoice, pulumi: string, progress: Progress): Promise<ChosenPlugin> {
  if (choice === 'stand-in') return { kind: 'stand-in' };
  const ours = join(cacheDirectory(), 'pulumi-home');
  const homes = [process.env.PULUMI_HOME ?? join(homedir(), '.pulumi'), ours];
  const installed = () => homes.map((home) => join(home, 'plugins')).find((folder) => existsSync(join(folder, plugin)));
  let reason = '';
  if (!installed()) {
    try {
      await fetch(publisher, { method: 'HEAD', signal: AbortSignal.timeout(3000) });
      await progress.step(`download the Pulumi plugin kubernetes ${version}`, () =>
        promisify(execFile)(pulumi, ['plugin', 'install', 'resource', 'kubernetes', version], { env: { ...process.env, PULUMI_HOME: ours } }),
      );
    } catch (error) {
      reason = error instanceof Error ? error.message.trim().split('\n').at(-1)! : String(error);
    }
  }
  const folder = installed();
  if (folder) return { kind: 'official', folder };
  if (choice === 'auto') return { kind: 'stand-in' };
  throw new UserError(
    'The official Pulumi plugin cannot be had:',
    [{ path: `kubernetes ${version}`, got: `not installed, and not downloaded: ${reason}`, allowed: `${plugin} in ${homes[0]}/plugins, or a way to ${publisher}`, fix: 'install it, or run with --plugins stand-in' }],
    exitCodes.failed,
  );
}
