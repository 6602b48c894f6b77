import { existsSync, rmSync } from 'node:fs';
import type { Stack as PulumiStack } from '@pulumi/pulumi/automation';
import { exitCodes, UserError } from '../model/errors';
import { readText, writeAtomic, type RegionState } from './state';

interface Deployment {
  readonly resources?: readonly { readonly urn: string }[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
}

/**
 * URNs of what a run was about to create when it was killed: it is written down before it is asked for. Such a thing may exist,
 * and then it is ours, although the state does not know it. Why this is enough: docs/adr/0019-kill-points.md and 0023-first-up.md.
 */
export function interruptedCreations(state: RegionState): ReadonlySet<string> {
  const pending = deploymentOf(state).pending_operations?.filter(({ type }) => type === 'creating') ?? [];
  return new Set([...pending.map(({ resource }) => resource.urn), ...announced(state)]);
}

/** Takes those that the state knows by now off the list, where the engine itself would keep them until a person decides. */
export async function settleInterrupted(opened: PulumiStack, state: RegionState): Promise<void> {
  if (!interruptedCreations(state).size) return;
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

/** Whether the first `up` was killed before the engine wrote its state. Once it has, what was written down before is removed. */
export function firstUpWasKilled(state: RegionState): boolean {
  if (!isFirstUp(state)) rmSync(announcement(state), { force: true });
  return existsSync(announcement(state));
}

/**
 * Writes down all that the first `up` is about to create, so that the engine need not write down each.
 * @throws UserError when a first `up` was killed that may have made what is not among it any more.
 */
export function announceFirstUp(state: RegionState, urns: readonly string[]): void {
  const lost = announced(state).filter((urn) => !urns.includes(urn));
  if (lost.length) {
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
  writeAtomic(announcement(state), JSON.stringify(urns));
}

/** Nothing once the state has anything: then the engine came to its end, and wrote what there is. */
function announced(state: RegionState): readonly string[] {
  return isFirstUp(state) ? (JSON.parse(readText(announcement(state)) ?? '[]') as string[]) : [];
}

function announcement(state: RegionState): string {
  return state.file('pulumi', 'first-up.json');
}

function deploymentOf(state: RegionState): Deployment {
  const text = readText(state.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', `${state.stack}.json`));
  const { checkpoint } = JSON.parse(text ?? '{}') as { checkpoint?: { latest?: Deployment } };
  return checkpoint?.latest ?? {};
}
