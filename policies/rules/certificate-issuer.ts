import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

/** Hours of 398 days. */
const longest = 9552;
const certificate = (change: object) => object('cert-manager.io/v1', 'Certificate', { spec: { secretName: 'tls', dnsNames: ['a.example.org'], issuerRef: { name: 'pki', kind: 'ClusterIssuer' }, ...change } });

export const certificateIssuer: Rule = {
  id: 'certificate-issuer',
  title: 'Certificates name exact hosts, come from the ClusterIssuer and last at most 398 days',
  why: 'A wildcard key that is stolen is every host; a long life is a long time to use it.',
  sources: ['Kyverno cert-manager restrict-issuer, limit-duration, limit-dnsnames', 'CA/Browser Forum: 398 days'],
  severity: 'medium',
  mandatory: everywhere,
  check: eachOf(['Certificate'], ({ spec }) => [
    ...((spec.dnsNames ?? []) as string[]).flatMap((name, index) => (name.includes('*') ? [{ path: `spec.dnsNames[${index}]`, got: name, fix: 'name the host' }] : [])),
    ...(spec.issuerRef?.kind === 'ClusterIssuer' ? [] : [{ path: 'spec.issuerRef.kind', got: String(spec.issuerRef?.kind), fix: "use the region's ClusterIssuer" }]),
    ...(hours(spec.duration) > longest ? [{ path: 'spec.duration', got: spec.duration as string, fix: `at most ${longest}h` }] : []),
  ]),
  admission: {
    resources: { 'cert-manager.io': ['certificates'] },
    validations: [{
      expression: `object.spec.?dnsNames.orValue([]).all(each, !each.contains('*')) && object.spec.issuerRef.?kind.orValue('') == 'ClusterIssuer' && (!has(object.spec.duration) || duration(object.spec.duration) <= duration('${longest}h'))`,
      message: `A certificate names exact hosts, comes from the region's ClusterIssuer and lasts at most ${longest}h: correct dnsNames, issuerRef.kind or duration.`,
    }],
  },
  examples: { pass: [[certificate({})]], fail: [[certificate({ dnsNames: ['*.example.org'] })], [certificate({ duration: '87600h' })], [certificate({ issuerRef: { name: 'self', kind: 'Issuer' } })]] },
};

function hours(duration = '0h'): number {
  return Number(/^(\d+)h/.exec(duration)?.[1] ?? 0);
}
