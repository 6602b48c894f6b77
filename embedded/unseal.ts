import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import type { Stack } from '../model/stack';
import type { OpeningProps } from '../provision/vault-opening';
import { Kube } from './kube';
import { runningServers } from './processes';
import { startSealVault } from './seal-vault';
import { openRegion, withRegionLock } from './state';
import { ensureTools } from './toolchain';
import { RegionVault } from './vault';

export interface UnsealOptions {
  readonly progress: Progress;
  /** What the person called. */
  readonly command: string;
  /** @default DATALAB_STATE, else `.datalab` in the checkout */
  readonly state?: string;
  readonly give: OpeningProps['give'];
}

/** Opens Vault of an embedded region with what operators give. @throws UserError when it does not run, or stays sealed */
export async function unsealRegion(stack: Stack, options: UnsealOptions): Promise<void> {
  const { progress, give } = options;
  const state = openRegion(stack.name, options.state);
  await withRegionLock(state, options.command, async () => {
    if (!runningServers(state).some(({ name }) => name === 'kube-apiserver')) {
      throw new UserError('The region does not run:', [{ path: stack.name, got: 'no API server', allowed: 'a region that runs', fix: `./datalab up ${stack.name}` }], exitCodes.failed);
    }
    const { seal } = stack.instance.regions[stack.region]!.vault;
    const transit = seal.kind === 'transit' ? await startSealVault(state, await ensureTools(['vault'], progress), progress) : undefined;
    progress.note(`What Vault encrypted to the operators of this region: ${state.file('vault', 'initialised.json')}`);
    const kube = new Kube(state.file('kubeconfig'));
    try {
      await new RegionVault({ stack, state, kube, progress, transit, give }).open();
    } finally {
      kube.close();
    }
  });
}
