import type { Posture } from '../model/instance';
import { idOf } from '../model/objects';
import type { Waiver } from '../model/waiver';
import { rules } from './all';
import type { Manifest, Rule } from './rule';

/** A finding as it counts where it was found. */
export interface Judged {
  readonly rule: Pick<Rule, 'id' | 'title' | 'severity'>;
  /** `<namespace or _cluster>/<kind>/<name>`, lower case; `instance` for a waiver itself. */
  readonly object: string;
  readonly path: string;
  readonly got: string;
  readonly fix: string;
  /** `failed`: mandatory in the posture and not waived. `advice`: not mandatory there. */
  readonly status: 'failed' | 'waived' | 'advice';
  /** Why it is waived, by whom and until when. */
  readonly waiver?: Pick<Waiver, 'reason' | 'owner' | 'until'>;
}

/** Rules over some objects. `waivers` are those that are in force; which of them a finding needed goes into `used`. */
export function judge(objects: readonly Manifest[], posture: Posture, waivers: readonly Waiver[] = [], used = new Set<string>(), held: readonly Rule[] = rules): Judged[] {
  return held.flatMap((rule) =>
    rule.check(objects).map(({ object, path, got, fix }): Judged => {
      const id = idOf(object);
      const finding = { rule: { id: rule.id, title: rule.title, severity: rule.severity }, object: id, path, got, fix };
      if (!rule.mandatory.includes(posture)) return { ...finding, status: 'advice' };
      const waiver = waivers.find((each) => each.rules.includes(rule.id) && covers(each.objects, id));
      if (!waiver) return { ...finding, status: 'failed' };
      used.add(waiverKey(waiver, rule.id));
      const { reason, owner, until } = waiver;
      return { ...finding, status: 'waived', waiver: { reason, owner, until } };
    }),
  );
}

/** The waivers that are in force on a day, `2027-06-30`. */
export function inForce(waivers: readonly Waiver[], today: string): Waiver[] {
  return waivers.filter(({ until }) => until >= today);
}

/** Names a rule of a waiver among those that findings needed. */
export function waiverKey(waiver: Waiver, rule: string): string {
  return `${rule} ${waiver.objects}`;
}

function covers(pattern: string, id: string): boolean {
  return new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.]/g, '\\.')).join('.*')}$`).test(id);
}
