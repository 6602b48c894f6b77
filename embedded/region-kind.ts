import { UserError } from '../model/errors';
import type { Stack } from '../model/stack';

/** What Pulumi itself does for a region on a real cluster. */
const pulumi = {
  up: 'pulumi up',
  preview: 'pulumi preview',
  refresh: 'pulumi refresh',
  destroy: 'pulumi destroy --exclude-protected',
  down: 'pulumi destroy --exclude-protected',
  status: 'pulumi stack',
  login: 'pulumi stack output',
} as const;

/** @throws UserError with Pulumi's command when the stack's region is on a real cluster. */
export function requireEmbedded(stack: Stack, command: keyof typeof pulumi): void {
  if (stack.instance.regions[stack.region]!.cluster.access === 'embedded') return;
  throw new UserError('That region is on a real cluster:', [
    {
      path: 'stack',
      got: stack.name,
      allowed: 'an embedded region, `<instance>.local`; Pulumi itself works on the others',
      fix: `${pulumi[command]} --stack ${stack.name}`,
    },
  ]);
}
