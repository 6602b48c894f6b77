import type { Stack as PulumiStack } from '@pulumi/pulumi/automation';
import { exitCodes, UserError } from '../model/errors';
import { readText, writeAtomic, type RegionState } from './state';

interface Deployment {
  readonly resources?: readonly { readonly urn: string }[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
}

/**
 * URNs of what a run was about to create when it was killed, and what the state does not know: it was written down before it was
 * asked for. Such a thing may exist, and then it is ours. Why this is enough: docs/adr/0019-kill-points.md and 0023-first-up.md.
 */
export function interruptedCreations(state: RegionState): ReadonlySet<string> {
  const { resources, pending_operations: pending } = deploymentOf(state);
  const known = new Set(resources?.map(({ urn }) => urn));
  const creating = pending?.filter(({ type }) => type === 'creating').map(({ resource }) => resource.urn) ?? [];
  const announced = JSON.parse(readText(announcement(state)) ?? '[]') as string[];
  return new Set([...creating, ...announced].filter((urn) => !known.has(urn)));
}

/**
 * Does the work of an `up` after writing down all that it is about to create. When the engine has come to its end, and its state
 * says what there is, only what earlier runs may have left stays written down.
 */
export async function announced<T>(state: RegionState, creations: readonly string[], work: () => Promise<T>): Promise<T> {
  const before = [...interruptedCreations(state)];
  writeAtomic(announcement(state), JSON.stringify([...before, ...creations]));
  try {
    return await work();
  } finally {
    const left = interruptedCreations(state);
    if (!isFirstUp(state)) writeAtomic(announcement(state), JSON.stringify(before.filter((urn) => left.has(urn))));
  }
}

/** Takes those that the state knows by now off the list, where the engine itself would keep them until a person decides. */
export async function settleInterrupted(opened: PulumiStack, state: RegionState): Promise<void> {
  if (!deploymentOf(state).pending_operations?.length) return;
  const exported = await opened.exportStack();
  const deployment = exported.deployment as Deployment;
  const known = new Set(deployment.resources?.map(({ urn }) => urn));
  const open = deployment.pending_operations?.filter(({ resource }) => !known.has(resource.urn));
  await opened.importStack({ ...exported, deployment: { ...deployment, pending_operations: open } });
}

/** Whether nothing was deployed yet, as far as the state knows. */
export function isFirstUp(state: RegionState): boolean {
  return !deploymentOf(state).resources?.length;
}

/** What the first `up` was about to create, when it ended before the engine wrote its state. */
export function killedFirstUp(state: RegionState): readonly string[] {
  return isFirstUp(state) ? [...interruptedCreations(state)] : [];
}

/** @throws UserError when a first `up` that was killed may have made what the program does not create any more */
export function requireAllOfKilledFirstUp(state: RegionState, creations: readonly string[]): void {
  const lost = killedFirstUp(state).filter((urn) => !creations.includes(urn));
  if (!lost.length) return;
  throw new UserError(
    `The first up of ${state.stack} was killed, and may have made what the program does not have any more:`,
    lost.map((urn) => ({
      path: urn.split('::').at(-1)!,
      got: 'not in the program, and perhaps in the region',
      allowed: 'what the killed run was about to create',
      fix: `put it back until an up has ended, or begin anew: ./datalab down ${state.stack} --delete-data`,
    })),
    exitCodes.failed,
  );
}

function announcement(state: RegionState): string {
  return state.file('pulumi', 'creations.json');
}

function deploymentOf(state: RegionState): Deployment {
  const text = readText(state.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', `${state.stack}.json`));
  const { checkpoint } = JSON.parse(text ?? '{}') as { checkpoint?: { latest?: Deployment } };
  return checkpoint?.latest ?? {};
}
