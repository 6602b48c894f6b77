import { Gateway } from '../../constructs/gateway';
import { System } from '../../constructs/system';
import { appIn, objectsOf, platformWith, yamlOf } from './base';

function routed(paths?: readonly string[]) {
  const platform = platformWith();
  const gateway = new Gateway(platform, 'gateway');
  const url = gateway.route({ host: 'web.lab.example.org', workload: appIn(platform), port: 'http', paths });
  return { platform, gateway, url, objects: objectsOf(platform) };
}

test('defaults', () => {
  expect(yamlOf(routed().platform, 'gateway')).toMatchSnapshot();
});

test('a route gives the URL, by TLS', () => {
  expect(routed().url).toBe('https://web.lab.example.org');
});

test('only the namespace of the system may attach to the listener of its host', () => {
  expect(routed().objects['gateway/gateway/datalab']!.spec).toEqual({
    gatewayClassName: 'envoy',
    listeners: [
      {
        name: 'web-lab-example-org',
        hostname: 'web.lab.example.org',
        port: 443,
        protocol: 'HTTPS',
        tls: { mode: 'Terminate', certificateRefs: [{ kind: 'Secret', name: 'tls-web-lab-example-org' }] },
        allowedRoutes: {
          namespaces: { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'app' } } },
          kinds: [{ kind: 'HTTPRoute' }],
        },
      },
    ],
  });
});

test('the certificate is of the issuer of the region, for this host, where the gateway reads it', () => {
  expect(routed().objects['gateway/certificate/tls-web-lab-example-org']!.spec).toMatchObject({
    secretName: 'tls-web-lab-example-org',
    dnsNames: ['web.lab.example.org'],
    issuerRef: { kind: 'ClusterIssuer', name: 'letsencrypt' },
  });
});

test('the route attaches to that listener and sends what it names to the Service', () => {
  expect(routed(['/realms/', '/resources/']).objects['app/httproute/web-lab-example-org']!.spec).toEqual({
    parentRefs: [{ name: 'datalab', namespace: 'gateway', sectionName: 'web-lab-example-org' }],
    hostnames: ['web.lab.example.org'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/realms/' } }, { path: { type: 'PathPrefix', value: '/resources/' } }],
        backendRefs: [{ name: 'web', port: 8080 }],
      },
    ],
  });
});

test("the proxies may reach the port, and nobody else's pods", () => {
  expect(routed().objects['app/networkpolicy/web']!.spec).toMatchObject({
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'envoy' } }, podSelector: { matchLabels: { app: 'envoy' } } }],
        ports: [{ port: 8080, protocol: 'TCP' }],
      },
    ],
    egress: [],
  });
});

test('fails: two systems want one host', () => {
  const { platform, gateway } = routed();
  const other = appIn(platform, {}, 'web', new System(platform, 'other'));
  expect(() => gateway.route({ host: 'web.lab.example.org', workload: other, port: 'http' })).toThrow(
    /web\.lab\.example\.org\n +got +routes of app and of other\n +allowed +one system for each host/,
  );
});
