import { randomBytes } from 'node:crypto';
import { compose } from '../constructs/compose';
import { raised, readVersions, writeVersions } from '../model/secret-versions';
import type { Stack } from '../model/stack';
import { configFile, openStack } from './engine';
import { operate, stackOf, type OperationResult, type RegionOptions } from './region';
import { openRegion, withRegionLock } from './state';
import { ensureTools } from './toolchain';

/** Names of secrets that get a new value, or `all`: then the seed is a new one too. */
export type Rotation = readonly string[] | 'all';

/**
 * Rotates secrets of an embedded region. It deploys what is not deployed yet, raises the versions, and deploys again: a region that
 * is not well must not lose its passwords too, and a seed before the one before must not be needed.
 * @throws UserError when a deployment fails; `datalab up` then continues the rotation.
 */
export async function rotate(stack: Stack, rotation: Rotation, options: Omit<RegionOptions, 'platform'>): Promise<OperationResult> {
  await operate(stack, 'up', options);
  const state = openRegion(stack.name, options.state);
  await withRegionLock(state, options.command, async () => {
    const versions = readVersions(configFile(state));
    if (rotation !== 'all') return writeVersions(configFile(state), raised(versions, rotation));
    const { pulumi } = await ensureTools(['pulumi'], options.progress);
    const opened = await openStack({ platform: compose(stackOf(stack, state)), state, pulumi, env: {} });
    const { value: seed } = await opened.getConfig('datalab:seed');
    // A kill in between leaves a rotation with the seed as it is, which `up` completes.
    writeVersions(configFile(state), { ...versions, epoch: versions.epoch + 1 });
    await opened.setAllConfig({
      'datalab:previousSeed': { value: seed, secret: true },
      'datalab:seed': { value: randomBytes(32).toString('base64url'), secret: true },
    });
  });
  return operate(stack, 'up', options);
}
