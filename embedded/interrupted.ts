import type { Stack as PulumiStack } from '@pulumi/pulumi/automation';
import { readText, type RegionState } from './state';

interface Deployment {
  readonly resources?: readonly { readonly urn: string }[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
}

/**
 * URNs of what a run was about to create when it was killed: the engine writes each down before it asks for it. Such a
 * thing may exist, and then it is ours, although the state does not know it. Why this is enough: docs/adr/0019-kill-points.md.
 */
export function interruptedCreations(state: RegionState): ReadonlySet<string> {
  const text = readText(state.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', `${state.stack}.json`));
  const { checkpoint } = JSON.parse(text ?? '{}') as { checkpoint?: { latest?: Deployment } };
  return creating(checkpoint?.latest);
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

function creating(deployment: Deployment | undefined): ReadonlySet<string> {
  const pending = deployment?.pending_operations?.filter(({ type }) => type === 'creating') ?? [];
  return new Set(pending.map(({ resource }) => resource.urn));
}
