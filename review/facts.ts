import type { Manifest } from '../policies/rule';
import { configFacts } from './facts/config';
import type { Fact } from './facts/fact';
import { guardFacts } from './facts/guards';
import { loginFacts } from './facts/keycloak';
import { otherFacts } from './facts/other';
import { podFacts } from './facts/pods';
import { rbacFacts } from './facts/rbac';
import { reachFacts, type Ends } from './facts/reach';
import { routeFacts } from './facts/routes';
import { s3Facts } from './facts/s3';
import { vaultFacts } from './facts/vault';

/** Everything that the objects permit, refuse or set, in words that a reviewer reads; each once. */
export function factsOf(objects: readonly Manifest[], ends: Ends): Map<string, Fact> {
  const facts = [
    ...reachFacts(objects, ends), ...routeFacts(objects), ...rbacFacts(objects), ...s3Facts(objects), ...vaultFacts(objects), ...loginFacts(objects),
    ...podFacts(objects), ...guardFacts(objects), ...configFacts(objects), ...otherFacts(objects),
  ];
  const found = new Map<string, Fact>();
  for (const fact of facts) {
    const key = `${fact.topic} ${fact.text}`;
    const twin = found.get(key);
    found.set(key, twin && twin.value !== fact.value ? { ...twin, value: [twin.value, fact.value].sort().join(' and ') } : fact);
  }
  return found;
}
