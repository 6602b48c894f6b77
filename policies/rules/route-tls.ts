import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

export const routeTls: Rule = {
  id: 'route-tls',
  title: 'Every way in is TLS',
  why: 'Tokens and cookies would cross the network for everybody to read.',
  sources: ['Kyverno require-ingress-https, ingress-host-match-tls', 'Polaris tlsSettingsMissing'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Ingress', 'Gateway'], ({ kind, spec }) => {
    if (kind === 'Gateway') {
      return ((spec.listeners ?? []) as any[]).flatMap(({ protocol, tls }, index) =>
        ['HTTPS', 'TLS'].includes(protocol) && (tls?.certificateRefs?.length || tls?.mode === 'Passthrough') ? [] : [{ path: `spec.listeners[${index}]`, got: `${protocol} ${tls ? 'without a certificate' : 'without tls'}`, fix: 'use HTTPS with a certificate' }]);
    }
    const covered = ((spec.tls ?? []) as any[]).filter(({ secretName }) => secretName).flatMap(({ hosts = [] }) => hosts as string[]);
    return ((spec.rules ?? []) as any[]).flatMap(({ host }, index) => (covered.includes(host) ? [] : [{ path: `spec.rules[${index}].host`, got: `${host} without tls`, fix: 'add it to spec.tls with the Secret of its certificate' }]));
  }),
  examples: {
    pass: [
      [object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: 'a.example.org' }], tls: [{ hosts: ['a.example.org'], secretName: 'tls' }] } })],
      [object('gateway.networking.k8s.io/v1', 'Gateway', { spec: { listeners: [{ protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'tls' }] } }] } })],
    ],
    fail: [
      [object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: 'a.example.org' }] } })],
      [object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: 'a.example.org' }], tls: [{ hosts: ['b.example.org'], secretName: 'tls' }] } })],
      [object('gateway.networking.k8s.io/v1', 'Gateway', { spec: { listeners: [{ protocol: 'HTTP' }] } })],
    ],
  },
};
