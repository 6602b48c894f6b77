import type { z } from 'zod';
import { refuse } from './fields';
import type { Region } from './region';

/** Labels that Onyxia, the API server or this platform sets on a namespace of people. */
const taken = /^(onyxia_owner|kubernetes\.io\/|pod-security\.kubernetes\.io\/|app\.kubernetes\.io\/|datalab-stacks\/)/;

/** What Onyxia's API would stumble over only when somebody logs in. */
export function checkOnyxia(region: Region, posture: 'open' | 'confidential', path: PropertyKey[], context: z.RefinementCtx): void {
  const embedded = region.cluster.access === 'embedded';
  for (const key of Object.keys(region.namespaceLabels).filter((label) => taken.test(label))) {
    refuse(context, [...path, 'namespaceLabels', key], {
      allowed: 'a label that nobody else sets: Onyxia applies its own at every login, and a second manager with another value makes each login fail',
      fix: 'remove it, or use a key of your own such as `example.org/team`',
    });
  }
  if (region.users.length && (posture === 'open' || embedded)) {
    refuse(context, [...path, 'users'], {
      allowed: 'declared users in posture confidential, outside the embedded region',
      fix: embedded ? 'write them into `demoUsers`' : 'remove them: Onyxia makes the namespace of each person at the first login',
    });
  }
  if (region.exposure.via === 'ingress' && region.exposure.userIngress) {
    refuse(context, [...path, 'exposure', 'userIngress'], {
      allowed: 'with via "gateway" only: the Ingress controller of the platform serves users too',
      fix: 'remove it',
    });
  }
}
