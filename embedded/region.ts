import { existsSync, rmSync } from 'node:fs';
import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import type { Platform } from '../constructs/platform';
import { packageOf } from '../constructs/tokens';
import { nodesOf } from './nodes';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import { readVersions } from '../model/secret-versions';
import type { Stack } from '../model/stack';
import { prepareCluster } from './cluster';
import { startControlPlane, stopControlPlane, type ControlPlane } from './control-plane';
import { ensureCrds } from './crds';
import { endpoints, execCredentialFor, injectedFor, type Injected } from './credentials';
import { configFile, forgetPreviousSeed, openStack, run, type Operation, type Outcome } from './engine';
import { announced, isFirstUp, killedFirstUp, requireAllOfKilledFirstUp, settleInterrupted } from './interrupted';
import { Kube } from './kube';
import { installLaunchers } from './launchers/install';
import { requireSandbox } from './node/requirements';
import { requireServers, waitForServers } from './node/settled';
import { choosePlugin, type PluginChoice } from './plugin-choice';
import { startSealVault } from './seal-vault';
import { startStandIns } from './stand-ins';
import { requireEmbedded } from './region-kind';
import { openRegion, readRegion, withRegionLock, type RegionState } from './state';
import { ensureTools } from './toolchain';
import { RegionVault } from './vault';

/** How long the servers of the process node may take together. */
const secondsToReady = 180;

export interface RegionOptions {
  readonly progress: Progress;
  /** What the person called, for the message that another command gets meanwhile. */
  readonly command: string;
  /** The state directory. @default DATALAB_STATE, else `.datalab` in the checkout */
  readonly state?: string;
  /** @default 'auto' */
  readonly plugins?: PluginChoice;
  /** What is deployed. @default what the stack composes */
  readonly platform?: Platform;
  /** Take over objects that exist and do not belong to this stack. @default false */
  readonly adopt?: boolean;
}

export interface OperationResult extends Outcome {
  readonly controlPlane: ControlPlane;
  readonly plugin: 'official' | 'stand-in';
}

/**
 * Runs an operation of the Pulumi engine on an embedded region, after starting what it needs: toolchain, control plane,
 * and the cluster as administrators hand it over. Running it again continues or changes nothing.
 * @throws UserError when the stack is not embedded, when a part does not start, or when the operation fails.
 */
export async function operate(stack: Stack, operation: Operation, options: RegionOptions): Promise<OperationResult> {
  requireEmbedded(stack, operation);
  const state = openRegion(stack.name, options.state);
  const { progress, platform = compose(stackOf(stack, state)) } = options;
  const region = stack.instance.regions[stack.region]!;
  return withRegionLock(state, options.command, async () => {
    const killed = killedFirstUp(state).length > 0;
    if (killed && operation === 'destroy') throw unknownToPulumi(stack);
    const tools = await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi', 'vault'], progress);
    const definitions = await ensureCrds(progress);
    await requireSandbox();
    await installLaunchers(stack, progress);
    const transit = region.vault.seal.kind === 'transit' ? await startSealVault(state, tools, progress) : undefined;
    const controlPlane = await startControlPlane({ state, tools, progress, issuer: endpoints(stack).issuer });
    const kube = new Kube(controlPlane.kubeconfig);
    const vault = new RegionVault({ stack, state, kube, progress, transit });
    try {
      await prepareCluster({
        kube,
        definitions,
        storageClasses: [...new Set(Object.values(region.storageClasses))],
        nodes: nodesOf(region.nodePools),
        progress,
      });
      if (operation !== 'preview') await vault.openWhenThere();
      if (operation !== 'preview') await waitForServers(kube, progress, secondsToReady);
    } catch (error) {
      kube.close();
      throw error;
    }
    const { plugins = 'auto' } = options;
    // The official plugin refuses objects that exist, and a run that was killed in its first up has made some.
    const plugin = await choosePlugin(killed && plugins === 'auto' ? 'stand-in' : plugins, tools.pulumi, progress);
    const first = plugin.kind === 'stand-in' && isFirstUp(state);
    const standIns = await startStandIns(stack, state, { adopt: options.adopt ?? false, kubernetes: plugin.kind === 'stand-in', jwt: vault.jwt });
    try {
      const opened = await openStack({
        platform,
        state,
        pulumi: tools.pulumi,
        pluginFolder: plugin.folder,
        env: {
          KUBECONFIG: controlPlane.kubeconfig,
          PULUMI_DEBUG_PROVIDERS: standIns.addresses,
          ...(first ? { PULUMI_SKIP_CHECKPOINTS: 'true' } : {}),
        },
      });
      const step = (title: string, kind: Operation) => progress.step(title, (tell) => run(opened, kind, tell).catch((error: unknown) => Promise.reject(vault.problem ?? error)));
      const refuseStrangers = () => {
        const found = standIns.strangers();
        if (found.length) throw new UserError('Nothing was changed: these objects exist and do not belong to this stack.', found, exitCodes.failed);
      };
      if (operation === 'up') {
        // The preview finds what would fail, before anything changes.
        const planned = await step(`plan ${stack.name}`, 'preview').finally(refuseStrangers);
        const unchanged = planned.changed.length === 0;
        requireAllOfKilledFirstUp(state, planned.creations);
        const outcome = unchanged ? planned : await announced(state, planned.creations, () => step(`deploy ${stack.name}`, 'up'));
        if (usesVault(platform)) await vault.open();
        await settleInterrupted(opened, state);
        await requireServers(kube, state, progress, secondsToReady);
        if (await forgetPreviousSeed(opened, state)) await step(`forget the seed before this one in ${stack.name}`, 'up');
        return { ...outcome, controlPlane, plugin: plugin.kind };
      }
      const outcome = await step(`${operation} ${stack.name}`, operation).finally(refuseStrangers);
      return { ...outcome, controlPlane, plugin: plugin.kind };
    } finally {
      kube.close();
      await standIns.stop();
    }
  });
}

function unknownToPulumi(stack: Stack): UserError {
  const problem = {
    path: stack.name,
    got: 'its first up did not come to an end, so Pulumi does not know what there is to delete',
    allowed: 'a stack whose first up did',
    fix: `./datalab up ${stack.name}, then again; or remove the region with its data: ./datalab down ${stack.name} --delete-data`,
  };
  return new UserError('Nothing was deleted.', [problem], exitCodes.failed);
}

/** Whether Pulumi makes anything in Vault. */
function usesVault(platform: Platform): boolean {
  return entriesOf(platform).some(({ object }) => packageOf(object) === 'vault');
}

/** The stack with the versions of secrets that the region has: they were raised here, not in the repository. */
export function stackOf(stack: Stack, state: RegionState): Stack {
  return { ...stack, secrets: readVersions(configFile(state)) };
}

/** Stops the region's servers; `deleteData` also removes its directory, data and all. */
export async function shutDown(stack: Stack, options: Pick<RegionOptions, 'progress' | 'command' | 'state'> & { deleteData: boolean }): Promise<void> {
  requireEmbedded(stack, 'down');
  if (!existsSync(readRegion(stack.name, options.state).dir)) return;
  const state = openRegion(stack.name, options.state);
  await withRegionLock(state, options.command, async () => {
    await stopControlPlane({ state, progress: options.progress });
    if (options.deleteData) rmSync(state.dir, { recursive: true, force: true });
  });
}

type LoginOptions = Pick<RegionOptions, 'progress' | 'command' | 'state'>;

/** What Onyxia would inject for a demo person. @throws UserError when the person cannot log in. */
export function credentialsOf(stack: Stack, username: string, options: LoginOptions): Promise<Injected> {
  return logIn(stack, options, (state, pulumi) => injectedFor(stack, username, state, pulumi));
}

/** What kubectl asks for when it uses the kubeconfig of a demo person. @throws UserError when the person cannot log in. */
export function execCredentialOf(stack: Stack, username: string, options: LoginOptions): Promise<object> {
  return logIn(stack, options, (state, pulumi) => execCredentialFor(stack, username, state, pulumi));
}

async function logIn<T>(stack: Stack, options: LoginOptions, work: (state: RegionState, pulumi: string) => Promise<T>): Promise<T> {
  requireEmbedded(stack, 'login');
  const state = openRegion(stack.name, options.state);
  return withRegionLock(state, options.command, async () => {
    const { pulumi } = await ensureTools(['pulumi'], options.progress);
    return work(state, pulumi);
  });
}
