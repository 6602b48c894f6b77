import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import { nearest } from '../model/problems';
import type { Posture } from '../model/instance';
import { loadStack, stackNames } from '../model/stack';
import type { Waiver } from '../model/waiver';
import { rules } from '../policies/all';
import { inForce, judge, waiverKey, type Judged } from '../policies/judge';
import type { Manifest } from '../policies/rule';

export { judge, type Judged } from '../policies/judge';

export interface Checked {
  /** `<instance>.<region>`, an instance, or the directory that was read. */
  readonly name: string;
  readonly posture: Posture;
  readonly objects: number;
  readonly findings: readonly Judged[];
}

/**
 * The stacks of some names with all rules, and the waivers of their instances: one that has expired, that names no rule,
 * or that no stack of the instance needs, is a finding too. `today` is YYYY-MM-DD.
 */
export function checkStacks(names: readonly string[], today: string): Checked[] {
  const wanted = new Set(names);
  const stacks = stackNames().map((name) => loadStack(name));
  const instances = [...new Map(stacks.map(({ instance }) => [instance.name, instance])).values()];
  return instances.flatMap((instance): Checked[] => {
    const { posture, waivers } = instance;
    const own = stacks.filter((stack) => stack.instance.name === instance.name);
    if (!own.some(({ name }) => wanted.has(name))) return [];
    const used = new Set<string>();
    const holding = inForce(waivers, today);
    const checked = own.map((stack): Checked => {
      const objects = entriesOf(compose(stack)).map(({ object }) => object as Manifest);
      return { name: stack.name, posture, objects: objects.length, findings: judge(objects, posture, holding, used) };
    });
    const wrong = waivers.flatMap((waiver, index) => waiverFindings(waiver, index, used, today));
    return [...checked.filter(({ name }) => wanted.has(name)), ...(wrong.length ? [{ name: `${instance.name}: waivers`, posture, objects: 0, findings: wrong }] : [])];
  });
}

/** What is wrong with a waiver itself. */
export function waiverFindings(waiver: Waiver, index: number, used: ReadonlySet<string>, today: string): Judged[] {
  const finding = (id: string, path: string, got: string, fix: string): Judged => ({
    rule: { id, title: 'Waivers are needed, in force, and name a rule', severity: 'high' }, object: 'instance', path: `waivers[${index}].${path}`, got, fix, status: 'failed',
  });
  if (waiver.until < today) return [finding('waiver-expired', 'until', `${waiver.until}, for ${waiver.rules.join(', ')}`, 'mend what it waives, or have its owner renew it')];
  return waiver.rules.flatMap((id) => {
    if (!rules.some((rule) => rule.id === id)) {
      const near = nearest(id, rules.map((rule) => rule.id));
      return [finding('waiver-unknown', 'rules', id, near ? `did you mean ${near}?` : 'datalab check --rules lists the rules')];
    }
    return used.has(waiverKey(waiver, id)) ? [] : [finding('waiver-unused', 'rules', `${id} on ${waiver.objects}`, 'remove it: nothing needs it')];
  });
}
