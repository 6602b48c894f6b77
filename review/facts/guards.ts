import { idOf } from '../../constructs/objects';
import { amount } from '../../model/fields';
import type { Manifest } from '../../policies/rule';
import { canonical, isMap, unordered } from '../canonical';
import { selects } from '../reachability';
import { list, settingsOf, type Fact } from './fact';

/** What the API server refuses or alters, where it does, and what limits namespaces. */
export function guardFacts(objects: readonly Manifest[]): Fact[] {
  const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
  return objects.flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata, apiVersion } = object;
    const id = idOf(object);
    const guard = (text: string, value?: string, within?: string): Fact => ({ topic: 'guard', sense: 'guards', text, subjects: [metadata.name], object: id, ...(value === undefined ? {} : { value }), ...(within === undefined ? {} : { within }) });
    const here = metadata.namespace ?? '';
    if (apiVersion.startsWith('admissionregistration.')) {
      const changes = kind.startsWith('Mutating');
      const rest = (value: unknown, known: RegExp) => settingsOf(object, { topic: 'guard', subject: `${kind} ${metadata.name}`, value, known, sense: changes ? 'sets' : 'guards' });
      switch (kind) {
        case 'ValidatingAdmissionPolicy':
          return [
            ...list(spec.validations).map(({ expression, message, messageExpression }) => guard(`${metadata.name} refuses: ${message ?? messageExpression ?? expression}`, oneLine(expression))),
            ...[guard(`${metadata.name}: what it looks at`, oneLine(unordered(withoutDefaults([spec.matchConstraints, spec.matchConditions, spec.variables, spec.failurePolicy ?? 'Fail', spec.paramKind, spec.auditAnnotations]))))],
          ];
        case 'ValidatingAdmissionPolicyBinding': {
          const selector = spec.matchResources?.namespaceSelector ?? {};
          const covered = namespaces.filter((namespace) => selects(selector, { 'kubernetes.io/metadata.name': namespace.metadata.name, ...namespace.metadata.labels }));
          return [
            ...covered.map((namespace): Fact => ({ ...guard(`${spec.policyName} holds in ${namespace.metadata.name} by ${metadata.name}`, undefined, idOf(namespace)), subjects: [metadata.name, namespace.metadata.name] })),
            guard(`${spec.policyName} is in force by ${metadata.name}`, oneLine(unordered(withoutDefaults(spec)))),
          ];
        }
        default:
          return [guard(`${kind} ${metadata.name} is in force`), ...rest(Object.fromEntries(Object.entries(object).filter(([key]) => !['apiVersion', 'kind', 'metadata'].includes(key))), /^$/)];
      }
    }
    if (kind === 'ResourceQuota') {
      return [
        ...Object.entries(spec.hard ?? {}).map(([name, value]): Fact => ({ topic: 'limit', sense: 'permits', text: `quota of ${here}: ${name} (${metadata.name})`, amount: Number.isNaN(amount(String(value))) ? Infinity : amount(String(value)), value: String(value), subjects: [here, name], within: `_cluster/namespace/${here}`, object: id })),
        ...settingsOf(object, { topic: 'limit', subject: `quota of ${here} (${metadata.name})`, value: spec, known: /^hard/, within: id }),
      ];
    }
    if (kind === 'LimitRange') {
      return list(spec.limits).flatMap((limit) => Object.entries(limit).filter(([key]) => key !== 'type').flatMap(([key, of]) => Object.entries(of as object).map(([name, value]): Fact =>
        ({ topic: 'limit', sense: 'permits', text: `${key} of each ${limit.type} in ${here}: ${name}`, amount: amount(String(value)) * (key === 'min' ? -1 : 1), value: String(value), subjects: [here, `${key} ${name}`], within: `_cluster/namespace/${here}`, object: id }))));
    }
    return [];
  });
}

/** Without defaults that are written out. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!isMap(value)) return value;
  const isDefault = (key: string, of: unknown) => (key === 'matchPolicy' && of === 'Equivalent') || (/^(namespace|object)Selector$/.test(key) && canonical(of) === '{}');
  return Object.fromEntries(Object.entries(value).filter(([key, of]) => !isDefault(key, of)).map(([key, of]) => [key, withoutDefaults(of)]));
}

function oneLine(text: unknown): string {
  return String(text).replaceAll(/(\\n|\s)+/g, ' ').trim();
}
