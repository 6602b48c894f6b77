import type { Manifest } from '../../policies/rule';
import { availability, cost, data } from './mutants/data';
import { admission, namespaces } from './mutants/guards';
import { keycloak } from './mutants/keycloak';
import { network } from './mutants/network';
import { mutate, placesOf, type Mutant, type Operator } from './mutants/operator';
import { code, identity, podSecurity, secrets } from './mutants/pods';
import { rbac } from './mutants/rbac';
import { ways } from './mutants/routes';
import { s3 } from './mutants/s3';
import { vault } from './mutants/vault';

/** Operators by what they are about. */
export const operators: Readonly<Record<string, readonly Operator[]>> = {
  'rights on the API server': rbac,
  'the network': network,
  'what pods may do': podSecurity,
  'what code runs': code,
  'who a pod is': identity,
  'secrets in plain sight': secrets,
  'ways in': ways,
  'namespaces and quotas': namespaces,
  admission,
  buckets: s3,
  Vault: vault,
  Keycloak: keycloak,
  data,
  cost,
  availability,
};

export interface Stacked {
  readonly name: string;
  readonly objects: readonly Manifest[];
}

/** Some places of an operator over all stacks, by chance: different stacks first. */
export function mutantsOf(operator: Operator, stacks: readonly Stacked[], count: number, random: () => number): Mutant[] {
  const places = shuffled(stacks, random).map(({ name, objects }) => shuffled(placesOf(operator, objects), random).map((place) => ({ name, objects, place })));
  const turns = Array.from({ length: Math.max(...places.map(({ length }) => length)) }, (_turn, turn) => places.flatMap((of) => of[turn] ?? [])).flat();
  const found: Mutant[] = [];
  for (const { name, objects, place } of turns) {
    if (found.length === count) break;
    found.push(...([mutate(operator, name, objects, place) ?? []].flat()));
  }
  return found;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list.map((member) => ({ member, key: random() })).sort((a, b) => a.key - b.key).map(({ member }) => member);
}

/** `ssp-cloud.paris keycloak/client/onyxia spec: every path after login`. */
export function titleOf({ stack, touched, path, operator }: Mutant): string {
  return `${stack} ${touched[0]}${path ? ` ${path}` : ''}: ${operator.id}`;
}

