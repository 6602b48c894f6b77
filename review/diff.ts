import { idOf } from '../constructs/objects';
import { ownerLabel, projectPrefix } from '../constructs/onyxia-names';
import type { Approval } from '../model/approval';
import { alteredChoices } from '../model/immutable';
import type { Problem } from '../model/errors';
import type { Posture } from '../model/instance';
import type { Waiver } from '../model/waiver';
import { inForce, judge, type Judged } from '../policies/judge';
import type { Manifest } from '../policies/rule';
import { availabilityOf } from './availability';
import { canonical, leavesOf, shown } from './canonical';
import { fold, type Change, type Told } from './change';
import { compareObjects, type ObjectChange } from './compare';
import { costOf, totalsOf, type Totals } from './cost';
import { dataOf } from './data';
import { factsOf } from './facts';
import { hidden, isSecret, list } from './facts/fact';
import { keptBy, type Kept } from './facts/kept';
import { endsOf } from './facts/reach';
import { holdersOf, type Holder } from './holders';
import { choicesIn } from './immutable';
import { securityOf } from './security';

export type { Change } from './change';

/** One stack of one revision: what each side of a diff is made of. */
export interface Rendered {
  /** `<instance>.<region>`. */
  readonly name: string;
  readonly posture: Posture;
  readonly objects: readonly Manifest[];
  readonly waivers: readonly Waiver[];
  readonly approvals: readonly Approval[];
  /** Immutable choices of the instance and the region, by path. */
  readonly choices: Readonly<Record<string, string>>;
}

export interface StackDiff {
  readonly stack: string;
  readonly posture: Posture;
  /** Security first, and what widens before what narrows; the order is always the same. */
  readonly changes: readonly Change[];
  /** Numbers of objects. */
  readonly objects: { readonly added: number; readonly removed: number; readonly changed: number; readonly same: number };
  /** Each object that differs, in the order of ids. */
  readonly differs: readonly { readonly id: string; readonly change: ObjectChange['change'] }[];
  /** What was not there at all. */
  readonly adds: { readonly namespaces: readonly string[]; readonly buckets: readonly string[]; readonly hosts: readonly string[] };
  /** Whom its changes name, and how they prove to be it. */
  readonly holders: readonly Holder[];
  /** Findings that are new with the revision, and those that are gone. */
  readonly rules: { readonly fresh: readonly Judged[]; readonly mended: readonly Judged[] };
  readonly totals: { readonly before: Totals; readonly after: Totals };
  /** Namespaces with a change that is no noise, and the people and projects whose namespaces are among them. */
  readonly blast: { readonly namespaces: readonly string[]; readonly people: readonly string[]; readonly projects: readonly string[] };
  /** Immutable choices that were altered: the diff is refused, and each says which migration to follow. */
  readonly refused: readonly Problem[];
}

/** What the stack is on a side where it is not. */
const absent = { objects: [], waivers: [], choices: {} } as const;

/**
 * What becomes different in a stack; without `before` it is new, without `after` it is given up. A pure function: equal input, equal
 * output, and two equal sides give no change. `today` is YYYY-MM-DD, for waivers.
 */
export function diffStack(before: Rendered | undefined, after: Rendered | undefined, today: string): StackDiff {
  const one = (after ?? before)!;
  const [old, fresh] = [{ ...absent, ...before }, { ...absent, ...after }];
  const objects = compareObjects(old.objects, fresh.objects);
  const count = (change: ObjectChange['change']) => objects.filter((each) => each.change === change).length;
  const told = objects.length ? tell(old.objects, fresh.objects, objects) : [];
  const changes = fold([...told, ...postureOf(before, after), ...waiversOf(old.waivers, fresh.waivers)]);
  const findings = (of: Rendered | undefined) => (of ? judge(of.objects, of.posture, inForce(of.waivers, today)) : []);
  const [had, has] = objects.length || before?.posture !== after?.posture || canonical(old.waivers) !== canonical(fresh.waivers) ? [findings(before), findings(after)] : [[], []];
  return {
    stack: one.name,
    posture: one.posture,
    changes,
    objects: { added: count('added'), removed: count('removed'), changed: count('changed'), same: old.objects.length - count('removed') - count('changed') },
    differs: objects.map(({ id, change }) => ({ id, change })),
    adds: addsOf(old.objects, fresh.objects),
    holders: holdersOf(new Set(objects.map(({ id }) => id)), fresh.objects),
    rules: { fresh: without(has, had), mended: without(had, has) },
    totals: { before: totalsOf(old.objects), after: totalsOf(fresh.objects) },
    blast: blastOf(changes, [...old.objects, ...fresh.objects]),
    refused: alteredChoices({ ...choicesIn(old.objects), ...old.choices }, { ...choicesIn(fresh.objects), ...fresh.choices }),
  };
}

function addsOf(before: readonly Manifest[], after: readonly Manifest[]): StackDiff['adds'] {
  const fresh = (names: (objects: readonly Manifest[]) => readonly string[]) => {
    const known = new Set(names(before));
    return [...new Set(names(after))].filter((name) => !known.has(name)).sort();
  };
  return {
    namespaces: fresh((objects) => objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name)),
    buckets: fresh((objects) => objects.filter(({ kind }) => kind === 'S3Bucket').map(({ spec, metadata }) => String(spec?.bucket ?? metadata.name))),
    hosts: fresh((objects) => objects.flatMap(({ kind, spec }) => (kind === 'Ingress' ? list(spec?.rules).flatMap(({ host }) => host ?? []) : kind.endsWith('Route') ? list(spec?.hostnames) : [])).map(String)),
  };
}

interface Side {
  readonly all: readonly Manifest[];
  readonly from: Kept['from'];
  readonly ids: ReadonlySet<string>;
}

function sideOf(objects: readonly Manifest[]): Side {
  const { objects: later, from } = keptBy(objects);
  const all = [...objects, ...later];
  return { all, from, ids: new Set(all.map(idOf)) };
}

function tell(before: readonly Manifest[], after: readonly Manifest[], objects: readonly ObjectChange[]): Told[] {
  const [old, fresh] = [sideOf(before), sideOf(after)];
  const ends = endsOf([old.all, fresh.all]);
  const sources = new Map([...old.from, ...fresh.from]);
  const told = [
    ...securityOf(factsOf(old.all, ends), factsOf(fresh.all, ends), { before: old.ids, after: fresh.ids }, objects, sources),
    ...dataOf(objects),
    ...costOf(before, after),
    ...availabilityOf(objects),
  ];
  const named = new Set(told.flatMap((each) => each.objects));
  return [...told, ...objects.filter(({ id }) => !named.has(id)).map(noise)];
}

/** What changes nothing that a class knows, so that no object that differs is left out. */
function noise({ id, change, fields, before, after }: ObjectChange): Told {
  const paths = fields.map(({ path }) => path);
  const said = change === 'changed' ? paths : leavesOf((after ?? before)!.spec ?? {}).map(([path, value]) => `${path} ${isSecret(path) ? hidden(value) : value === '[]' ? 'none' : value}`);
  const topic = change === 'added' ? 'new objects' : change === 'removed' ? 'objects that go' : paths.length === 0 ? 'order and comments' : paths.every((path) => path.startsWith('metadata')) ? 'labels and annotations' : 'other fields';
  return { class: 'noise', effect: 'neutral', topic, text: `${id}${said.length ? `: ${shown(said.join(', '))}` : ''}`, subjects: [topic], objects: [id] };
}

function postureOf(before: Rendered | undefined, after: Rendered | undefined): Told[] {
  if (!before || !after || before.posture === after.posture) return [];
  return [{
    class: 'security', effect: after.posture === 'open' ? 'widens' : 'narrows', topic: 'posture', text: `posture ${before.posture} → ${after.posture}`, subjects: ['posture'], objects: [],
  }];
}

/** A waiver permits nothing by itself: what it waives is told where it is. */
function waiversOf(before: readonly Waiver[], after: readonly Waiver[]): Told[] {
  const told = (waivers: readonly Waiver[], others: readonly Waiver[], word: string) => {
    const known = new Set(others.map(canonical));
    return waivers.filter((waiver) => !known.has(canonical(waiver))).map(({ rules, objects, owner, until, reason }): Told => ({
      class: 'security', effect: 'neutral', topic: 'waivers', text: `${word} waiver of ${rules.join(', ')} on ${objects}, by ${owner} until ${until}: ${reason}`, subjects: ['waivers'], objects: [],
    }));
  };
  return [...told(after, before, 'new'), ...told(before, after, 'no longer: a')];
}

/** Findings that the others do not have; where in a list they stand says nothing. */
function without(findings: readonly Judged[], others: readonly Judged[]): Judged[] {
  const keyOf = ({ rule, object, path, got, status }: Judged) => JSON.stringify([rule.id, object, path.replaceAll(/\[\d+\]/g, '[]'), got, status]);
  const known = new Map<string, number>();
  for (const other of others) known.set(keyOf(other), (known.get(keyOf(other)) ?? 0) + 1);
  return findings.filter((finding) => {
    const left = known.get(keyOf(finding)) ?? 0;
    known.set(keyOf(finding), left - 1);
    return left <= 0;
  });
}

function blastOf(changes: readonly Change[], objects: readonly Manifest[]): StackDiff['blast'] {
  const touched = new Set(changes.filter((change) => change.class !== 'noise').flatMap((change) => change.objects).map((id) => {
    const [namespace, kind, name] = id.split('/') as [string, string, string];
    return kind === 'namespace' ? name : namespace;
  }));
  const owned = new Map(objects.filter(({ kind, metadata }) => kind === 'Namespace' && metadata.labels?.[ownerLabel]).map(({ metadata }) => [metadata.name, metadata.labels![ownerLabel]!]));
  const owners = (projects: boolean) => [...owned].filter(([name]) => touched.has(name) && name.startsWith(projectPrefix) === projects).map(([, owner]) => owner).sort();
  return { namespaces: [...touched].filter((name) => name !== '_cluster').sort(), people: owners(false), projects: owners(true) };
}
