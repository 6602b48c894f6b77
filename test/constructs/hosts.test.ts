import { certificate, Hosts } from '../../constructs/hosts';
import { objectsOf, platformWith } from './base';

test('a host is taken once, and named without dots', () => {
  const hosts = new Hosts();
  expect(hosts.take('web.example.org', 'app')).toBe('web-example-org');
  expect(hosts.taken).toEqual([{ name: 'web-example-org', host: 'web.example.org', namespace: 'app' }]);
  expect(() => hosts.take('web.example.org', 'other')).toThrow("give one of them another host in the region's `endpoints`");
});

test('a certificate has an elliptic key that changes with each renewal', () => {
  const platform = platformWith();
  certificate(platform, 'web-example-org', 'web.example.org', 'app');
  expect(objectsOf(platform)['app/certificate/tls-web-example-org']!.spec).toEqual({
    secretName: 'tls-web-example-org',
    dnsNames: ['web.example.org'],
    issuerRef: { kind: 'ClusterIssuer', name: 'letsencrypt' },
    privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
  });
});
