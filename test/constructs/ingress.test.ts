import { Ingress } from '../../constructs/ingress';
import { System } from '../../constructs/system';
import { appIn, objectsOf, platformWith, yamlOf } from './base';

function routed(paths?: readonly string[]) {
  const exposure = { ...platformWith().region.exposure, via: 'ingress' as const, className: 'haproxy' };
  const platform = platformWith({ exposure });
  const ingress = new Ingress(platform, 'ingress');
  const url = ingress.route({ host: 'web.lab.example.org', workload: appIn(platform), port: 'http', paths });
  return { platform, ingress, url, objects: objectsOf(platform) };
}

test('defaults', () => {
  expect(yamlOf(routed().platform, 'ingress')).toMatchSnapshot();
});

test('a route gives the URL, by TLS with a certificate of its own, in the namespace of the workload', () => {
  const { url, objects } = routed();
  expect(url).toBe('https://web.lab.example.org');
  expect(objects['app/ingress/web-lab-example-org']!.spec.tls).toEqual([{ hosts: ['web.lab.example.org'], secretName: 'tls-web-lab-example-org' }]);
  expect(objects['app/certificate/tls-web-lab-example-org']!.spec).toMatchObject({ secretName: 'tls-web-lab-example-org', dnsNames: ['web.lab.example.org'] });
});

test('it has the class of the region, and sends only the paths it names to the named port of the Service', () => {
  const { spec } = routed(['/realms/', '/resources/']).objects['app/ingress/web-lab-example-org']!;
  const backend = { service: { name: 'web', port: { name: 'http' } } };
  expect(spec.ingressClassName).toBe('haproxy');
  expect(spec.rules).toEqual([
    { host: 'web.lab.example.org', http: { paths: ['/realms/', '/resources/'].map((path) => ({ path, pathType: 'Prefix', backend })) } },
  ]);
});

test('two workloads of a system share a host, each by its own paths, and the proxies reach both', () => {
  const platform = platformWith();
  const system = new System(platform, 'app');
  const [web, api] = [appIn(platform, {}, 'web', system), appIn(platform, {}, 'api', system)];
  new Ingress(platform, 'ingress').route({ host: 'web.lab.example.org', workload: web, port: 'http', others: [{ workload: api, port: 'http', paths: ['/api'] }] });
  const objects = objectsOf(platform);
  const [rule] = objects['app/ingress/web-lab-example-org']!.spec.rules;
  expect(rule.http.paths.map(({ path, backend }: any) => [path, backend.service.name])).toEqual([['/api', 'api'], ['/', 'web']]);
  for (const name of ['web', 'api']) expect(objects[`app/networkpolicy/${name}`]!.spec.ingress).toHaveLength(1);
});

test('the proxies may reach the port', () => {
  expect(routed().objects['app/networkpolicy/web']!.spec.ingress).toHaveLength(1);
});

test('fails: two systems want one host', () => {
  const { platform, ingress } = routed();
  const other = appIn(platform, {}, 'web', new System(platform, 'other'));
  expect(() => ingress.route({ host: 'web.lab.example.org', workload: other, port: 'http' })).toThrow('routes of app and of other');
});
