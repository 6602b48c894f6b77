import type { Policies, ResourceValidationPolicy, StackValidationPolicy } from '@pulumi/policy';
import type { Posture } from '../model/instance';
import { idOf } from '../model/objects';
import type { Waiver } from '../model/waiver';
import { rules } from './all';
import { objectOf, type PulumiResource } from './from-pulumi';
import { judge, type Judged } from './judge';
import type { Rule } from './rule';

export interface Held {
  /** `<instance>.<region>`. */
  readonly stack: string;
  readonly posture: Posture;
  /** Those in force. */
  readonly waivers: readonly Waiver[];
}

/**
 * The rules as policies of Pulumi's CrossGuard, mandatory where they are mandatory in the posture. A rule that judges each object
 * alone sees its inputs, before it is made; one that looks at several sees the whole stack at the end of a preview or deployment.
 * A preview that meets a value which is not known yet says so as advice, by the library's own way; the deployment knows it.
 */
export function policiesOf(held: Held): Policies {
  return rules.map((rule) => (rule.together ? ofStack(rule, held) : ofResource(rule, held)));
}

function ofResource(rule: Rule, held: Held): ResourceValidationPolicy {
  return {
    ...about(rule, held),
    validateResource: (resource, report) => {
      for (const { text } of findings(rule, [resource], held)) report(text);
    },
  };
}

function ofStack(rule: Rule, held: Held): StackValidationPolicy {
  return {
    ...about(rule, held),
    validateStack: ({ resources }, report) => {
      for (const { text, urn } of findings(rule, resources, held)) report(text, urn);
    },
  };
}

function about({ id, title, severity, mandatory }: Rule, { posture }: Held) {
  return { name: id, description: title, severity, enforcementLevel: mandatory.includes(posture) ? 'mandatory' : 'advisory' } as const;
}

/** What the rule finds and nobody waived, in words, with the resource. */
function findings(rule: Rule, resources: readonly (PulumiResource & { readonly urn: string })[], { stack, posture, waivers }: Held): { text: string; urn?: string }[] {
  const objects = resources.flatMap((resource) => {
    const object = objectOf(resource, stack);
    return object ? [{ object, urn: resource.urn }] : [];
  });
  const urns = new Map(objects.map(({ object, urn }) => [idOf(object), urn]));
  return judge(objects.map(({ object }) => object), posture, waivers, undefined, [rule])
    .filter(({ status }) => status !== 'waived')
    .map((finding) => ({ text: told(finding), urn: urns.get(finding.object) }));
}

function told({ object, path, got, fix }: Judged): string {
  return `${object} ${path}: got ${got}; ${fix}`;
}
