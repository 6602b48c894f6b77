import { z } from 'zod';
import { approval } from './approval';
import { brand, languages } from './brand';
import { catalogIds } from './catalogs';
import { crossCheck } from './cross-check';
import { name, sentence } from './fields';
import { fail } from './problems';
import { quota, region } from './region';
import { waiver } from './waiver';

/** A group of people who share a namespace, a bucket and a Vault path. */
export const project = z.strictObject({
  name,
  title: sentence,
  /** The group of the directory or of Keycloak whose members work in it. */
  group: sentence,
  /** @default the region's `quotas.group` */
  quota: quota.optional(),
});

export const instance = z
  .strictObject({
    /** The folder below stacks/, and the first part of every stack name. */
    name,
    /** The one security knob: it sets defaults and the rules that must hold. */
    posture: z.enum(['open', 'confidential']),
    /** The first is the default. */
    languages: z.array(z.enum(languages)).min(1),
    brand,
    /** Keycloak realm of people. */
    realm: name,
    projects: z.array(project).default([]),
    /** What Onyxia offers, in this order. Where the charts come from follows from the region's `internet`. */
    catalogs: z.array(z.enum(catalogIds)).default([]),
    /** Rules of policies/ that do not hold somewhere; an expired or unused one fails the check. */
    waivers: z.array(waiver).default([]),
    /** Widenings that this revision brings: `datalab diff` prints their ids. One that stood here before approves nothing. */
    approvals: z.array(approval).default([]),
    regions: z.record(name, region),
  })
  .superRefine(crossCheck);

export type Instance = z.output<typeof instance>;
export type InstanceDefinition = z.input<typeof instance>;
export type Project = z.output<typeof project>;
export type Posture = Instance['posture'];

/**
 * Checks the definition of an instance and fills its defaults.
 * @throws UserError with every problem at once: path, what it got, what is allowed, the fix. What only several fields
 * together can tell (model/cross-check.ts) is checked once each field has the right type and no key is unknown.
 */
export function defineInstance(definition: InstanceDefinition): Instance {
  const result = instance.safeParse(definition);
  if (result.success) return result.data;
  const named = typeof definition?.name === 'string' ? definition.name : 'without a name';
  throw fail(`The instance ${named} is not valid:`, definition, result.error, instance);
}
