import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { loadStack, stackNames } from '../../model/stack';
import { rules } from '../../policies/all';
import type { Manifest } from '../../policies/rule';
import { diffStack, type Change, type Rendered, type StackDiff } from '../../review/diff';
import { topics, type Topic } from '../../review/facts/fact';
import { harmless } from './mutants/harmless';
import type { Mutant, Operator } from './mutants/operator';
import { mutantsOf, operators, randomOf, titleOf } from './mutants';

const today = '2026-11-23';
const seed = Number(process.env.MUTATION_SEED ?? 7);
const each = Number(process.env.MUTATION_EACH ?? 1);
const random = randomOf(seed);
const stacks: readonly Rendered[] = stackNames().map((name) => {
  const stack = loadStack(name);
  const { posture, waivers } = stack.instance;
  return { name, posture, waivers, approvals: [], choices: {}, objects: entriesOf(compose(stack)).map(({ object }) => object as Manifest) };
});

const diffOf = ({ stack, objects }: Mutant): StackDiff => {
  const before = stacks.find(({ name }) => name === stack)!;
  return diffStack(before, { ...before, objects }, today);
};

/** `security widens rbac` of `security widens rbac|data widens`. */
function says(changes: readonly Change[], wanted: string): boolean {
  return wanted.split('|').some((one) => {
    const [kind, effect, topic] = one.split(' ');
    const words = topic && (topics[topic as Topic]?.[0] ?? topic);
    return changes.some((change) => change.class === kind && change.effect === effect && (!words || change.topic === words));
  });
}

interface Caught {
  readonly title: string;
  readonly kind: string;
  readonly operator: Operator;
  readonly byRule: boolean;
  readonly byDiff: boolean;
  readonly told: string;
}

const mutants = Object.entries(operators).flatMap(([kind, list]) => list.flatMap((operator) => mutantsOf(operator, stacks, each, random).map((mutant) => ({ kind, mutant }))));
const caught = mutants.map(({ kind, mutant }): Caught => {
  const { changes, rules: { fresh } } = diffOf(mutant);
  return {
    title: titleOf(mutant), kind, operator: mutant.operator,
    byRule: fresh.some(({ rule }) => rule.id === mutant.operator.rule),
    byDiff: says(changes, mutant.operator.diff),
    told: [...changes.map((change) => `${change.class} ${change.effect} ${change.topic}`), ...fresh.map(({ rule }) => rule.id)].join(', ') || 'nothing',
  };
});

const share = (part: number, of: number) => (of ? `${part} of ${of}` : '').padStart(11);
const row = (name: string, of: readonly Caught[]) => {
  const ruled = of.filter(({ operator }) => operator.rule);
  return `${name.padEnd(26)}${share(ruled.filter(({ byRule }) => byRule).length, ruled.length)}${share(of.filter(({ byDiff }) => byDiff).length, of.length)}${share(of.filter(isCaught).length, of.length)}`;
};
const listed = (what: string, of: readonly Caught[]) => (of.length ? [`${what}:`, ...of.map(({ operator }) => `  ${operator.id}`)] : []);
const isCaught = ({ byRule, byDiff }: Caught) => byRule || byDiff;

describe('what somebody might slip past a reviewer', () => {
  test('each operator has a place, and names a rule that there is', () => {
    const ids = new Set(rules.map(({ id }) => id));
    const all = Object.values(operators).flat();
    expect(all.filter((operator) => !mutants.some(({ mutant }) => mutant.operator === operator)).map(({ id }) => id)).toEqual([]);
    expect(all.filter(({ rule }) => rule && !ids.has(rule)).map(({ id }) => id)).toEqual([]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(mutants.length).toBeGreaterThanOrEqual(150);
  });

  test('the right rule or the right class catches at least 98 % of the mutants, and all that are critical', () => {
    const missed = caught.filter((one) => !isCaught(one));
    console.log([
      `seed ${seed}: ${caught.length} mutants by ${new Set(caught.map(({ operator }) => operator)).size} operators in ${stacks.length} stacks`,
      `${' '.repeat(26)}${'by the rule'.padStart(11)}${'by the diff'.padStart(12)}${'caught'.padStart(10)}`,
      ...Object.keys(operators).map((name) => row(name, caught.filter(({ kind }) => kind === name))),
      row('all', caught),
      row('critical', caught.filter(({ operator }) => operator.critical)),
      ...listed('the rules alone would miss', caught.filter(({ operator, byRule }) => operator.rule && !byRule)),
      ...listed('the diff alone would miss', caught.filter(({ byDiff }) => !byDiff)),
      ...missed.flatMap(({ title, told }) => [`missed: ${title}`, `        it says: ${told}`]),
    ].join('\n'));
    expect(missed.filter(({ operator }) => operator.critical).map(({ title }) => title)).toEqual([]);
    expect(1 - missed.length / caught.length).toBeGreaterThanOrEqual(0.98);
  });
});

describe('what changes nothing that matters', () => {
  const changes = harmless.flatMap((operator) => mutantsOf({ ...operator, diff: '' }, stacks, each, random));

  test('there are many such changes', () => {
    expect(changes.length).toBeGreaterThanOrEqual(40);
    console.log(`seed ${seed}: ${changes.length} harmless changes by ${harmless.length} operators`);
  });

  test('none has a finding, a change of class security, or one that widens', () => {
    const wrong = changes.flatMap((mutant) => {
      const { changes: told, rules: { fresh } } = diffOf(mutant);
      const loud = [...told.filter((change) => change.class === 'security' || change.effect === 'widens').map(({ topic, text }) => `${topic}: ${text}`), ...fresh.map(({ rule }) => rule.id)];
      return loud.length ? [`${titleOf(mutant)} -> ${loud.join(' | ')}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  test('objects in another order, from files, are no change at all', () => {
    for (const stack of stacks) {
      expect(diffStack(stack, { ...stack, objects: [...stack.objects].reverse() }, today).changes).toEqual([]);
    }
  });
});
