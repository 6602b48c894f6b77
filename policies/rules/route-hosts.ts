import { object } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachOf, type Place } from '../tree';

export const routeHosts: Rule = {
  id: 'route-hosts',
  title: 'Routes name their hosts: none without a host, no wildcard, no host of two namespaces',
  why: 'A route without a host, or with a wildcard, catches the requests of others, with their cookies.',
  sources: ['Kyverno block-wildcard-ingress, restrict-ingress-host, unique-ingress-host-and-path'],
  severity: 'high',
  mandatory: everywhere,
  together: true,
  check: eachOf(['Ingress', 'HTTPRoute', 'TLSRoute', 'GRPCRoute'], (route, objects) => {
    const hosts = hostsOf(route);
    const fix = 'name the exact host';
    if (!hosts.length || route.spec.defaultBackend) return { path: 'spec', got: 'every host', fix };
    return hosts.flatMap(({ host, path }): Place[] => {
      if (!host || host.includes('*')) return [{ path, got: host || 'every host', fix }];
      const other = objects.find((each) => hostsOf(each).some((theirs) => theirs.host === host) && each.metadata.namespace !== route.metadata.namespace);
      return other ? [{ path, got: `${host}, which ${other.kind} ${other.metadata.namespace}/${other.metadata.name} has too`, fix: 'take another host' }] : [];
    });
  }),
  admission: { by: "`datalab-ingresses`, `datalab-routes`: one name below the users' domain" },
  examples: {
    pass: [[object('gateway.networking.k8s.io/v1', 'HTTPRoute', { spec: { hostnames: ['a.example.org'] } })]],
    fail: [
      [object('gateway.networking.k8s.io/v1', 'HTTPRoute', { spec: {} })],
      [object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: '*.example.org' }] } })],
      [object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{}] } })],
      [
        object('gateway.networking.k8s.io/v1', 'HTTPRoute', { spec: { hostnames: ['a.example.org'] } }),
        object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: 'a.example.org' }] } }, { namespace: 'others' }),
      ],
    ],
  },
};

function hostsOf({ kind, spec }: Manifest): { host: string | undefined; path: string }[] {
  if (kind === 'Ingress') return ((spec.rules ?? []) as any[]).map(({ host }, index) => ({ host, path: `spec.rules[${index}].host` }));
  if (!/^(HTTP|TLS|GRPC)Route$/.test(kind)) return [];
  return ((spec.hostnames ?? []) as string[]).map((host, index) => ({ host, path: `spec.hostnames[${index}]` }));
}
