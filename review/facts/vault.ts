import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { pathsOf } from '../../policies/vault-policy';
import { canonical, withoutComments } from '../canonical';
import { list, reference, settingsOf, type Fact } from './fact';

/** Rights on secrets: path × capability × whoever has the policy, and who gets which policy at login. */
export function vaultFacts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => isProvisioned(object, 'vault')).flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata } = object;
    const subject = `${kind === 'Policy' ? 'policy' : kind === 'AuthBackendRole' ? 'login' : kind.toLowerCase()} ${spec.roleName ?? spec.name ?? spec.path ?? metadata.name}`;
    const make = (text: string, rest: Partial<Fact> = {}): Fact => ({ topic: 'vault', sense: 'permits', text: `${subject}: ${text}`, subjects: [subject], object: idOf(object), ...rest });
    const rest = (known: RegExp, within?: string) => settingsOf(object, { topic: 'vault', subject, value: spec, known, ...(within === undefined ? {} : { within }) });
    const kept = (field: string) => (spec[field] === undefined ? [] : [make(field, { sense: 'sets', value: String(spec[field]), within: idOf(object) })]);
    switch (kind) {
      case 'Policy':
        return [
          ...pathsOf(String(spec.policy)).flatMap(({ path, capabilities }) => capabilities.map((each) =>
            (each === 'deny' ? make(`denies ${path}`, { sense: 'guards', within: idOf(object) }) : make(`${each} ${path}`, { covers: [subject, each, path] })))),
          ...conditions(String(spec.policy)).map((text) => make('more than paths and capabilities', { sense: 'sets', value: text })),
          ...rest(/^(name|policy)$/),
        ];
      case 'AuthBackendRole':
        return [
          ...list(spec.tokenPolicies).map((policy) => make(`gives the policy ${policy}`)),
          ...['boundAudiences', 'boundCidrs', 'tokenBoundCidrs'].flatMap((field) => list(spec[field]).map((each) => make(`${field} ${each}`))),
          ...['boundAudiences', 'boundSubject', 'boundClaims', 'userClaim', 'tokenBoundCidrs'].map((field) => make(`is bound by ${field}`, { sense: 'guards', value: list(spec[field]).length ? 'yes' : 'no', within: idOf(object) })).filter(({ value }) => value === 'yes'),
          ...['tokenTtl', 'tokenMaxTtl', 'clockSkewLeeway', 'tokenExplicitMaxTtl'].filter((field) => spec[field]).map((field) => make(field, { topic: 'limit', amount: Number(spec[field]), value: `${spec[field]} s`, within: idOf(object) })),
          ...(spec.tokenPeriod ? [make('its tokens may be renewed for ever')] : []),
          ...rest(/^(tokenPolicies|boundAudiences|tokenTtl|tokenMaxTtl|clockSkewLeeway|tokenExplicitMaxTtl|tokenPeriod|roleName)(\.|\[|$)/),
        ];
      case 'Group':
        return [...list(spec.policies).map((policy) => make(`has the policy ${policy}`)), ...kept('type'), ...rest(/^(policies|name|type)$/)];
      case 'GroupAlias': {
        const group = `group ${reference(spec.canonicalId)}`;
        return [make('', { text: `${group}: whoever a token puts into ${spec.name} is a member`, subjects: [group] }), ...kept('mountAccessor'), ...rest(/^(canonicalId|mountAccessor|name)$/)];
      }
      case 'Audit':
        return [make('Vault writes this audit log', { topic: 'guard', sense: 'guards' }), ...rest(/^path$/, idOf(object))];
      case 'Mount':
        return rest(/^(description|path)$/);
      default:
        return [make('is there'), ...rest(/^(description|ignoreAbsentFields)$/)];
    }
  });
}

/** What a policy says beside paths with capabilities, in one line; nothing when it says no more. */
function conditions(policy: string): string[] {
  const rest = withoutComments(policy).replace(/path\s+"[^"]+"\s*\{\s*capabilities\s*=\s*\[[^\]]*\]\s*,?\s*\}/g, '').replaceAll(/\s+/g, ' ').trim();
  return rest ? [canonical(rest)] : [];
}
