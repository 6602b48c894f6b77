import { cel } from '../../constructs/admission';
import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import { Onyxia } from '../../constructs/onyxia';
import { Postgresql } from '../../constructs/postgresql';
import { Realm } from '../../constructs/realm';
import { UserAdmission } from '../../constructs/user-admission';
import type { RegionDefinition } from '../../model/region';
import { confidential, open } from '../model/base';
import { objectsOf, platformWith, yamlOf } from './base';

function onyxiaIn(definition = open(), change: Partial<RegionDefinition> = {}, vault = true) {
  const platform = platformWith(change, { ...definition, catalogs: ['ide', 'automation'] });
  const routes = new Gateway(platform, 'gateway');
  const identity = new Realm(new Keycloak(platform, 'keycloak', { database: new Postgresql(platform, 'postgresql'), routes }), 'realm');
  const onyxia = new Onyxia(platform, 'onyxia', {
    routes,
    identity,
    s3: { url: 'https://minio.lab.example.org', signingRegion: 'us-east-1', client: 'onyxia-minio' },
    ...(vault ? { vault: { url: 'https://vault.lab.example.org', client: 'onyxia-vault' } } : {}),
    kubernetesClient: 'onyxia-kubernetes',
  });
  const objects = objectsOf(platform);
  const container = (name: string) => objects[`onyxia/deployment/${name}`]!.spec.template.spec.containers[0];
  const env = (name: string) => Object.fromEntries(container(name).env.map((entry: any) => [entry.name, entry.value]));
  const settings = objects['onyxia/configmap/api']!.data as any;
  return { platform, onyxia, objects, container, env, region: JSON.parse(settings.regions)[0], catalogs: JSON.parse(settings.catalogs) };
}

test('defaults', () => {
  expect(yamlOf(onyxiaIn().platform, 'onyxia')).toMatchSnapshot();
});

test.each([['open', open()], ['confidential', confidential()]])('the region of posture %s', (_, definition) => {
  expect(onyxiaIn(definition).region).toMatchSnapshot();
});

test('page and API share the host of the instance; the API has its own prefix', () => {
  const { onyxia, objects } = onyxiaIn();
  expect(onyxia.url).toBe('https://lab.example.org');
  expect(objects['onyxia/httproute/lab-example-org']!.spec.rules).toEqual([
    { matches: [{ path: { type: 'PathPrefix', value: '/api' } }], backendRefs: [{ name: 'onyxia-api', port: 8080 }] },
    { matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [{ name: 'onyxia-web', port: 8080 }] },
  ]);
});

test('probes ask nothing that waits for a catalog', () => {
  const { container } = onyxiaIn();
  for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) expect(container('onyxia-api')[probe].httpGet.path).toBe('/api/public/ip');
});

test('regions and catalogs are files, out of reach of placeholders, and nothing in the environment has one', () => {
  const { env, objects } = onyxiaIn(confidential());
  expect(env('onyxia-api')['SPRING_CONFIG_IMPORT']).toBe('optional:configtree:/etc/onyxia/');
  expect(Object.keys(env('onyxia-api'))).not.toEqual(expect.arrayContaining(['regions']));
  expect(JSON.stringify(env('onyxia-api'))).not.toContain('${');
  expect(Object.keys(objects['onyxia/configmap/api']!.data as object)).toEqual(['catalogs', 'regions']);
});

test('each schema override is one file where the API looks for it, and no Secret is mounted', () => {
  const { objects, container } = onyxiaIn();
  const files = container('onyxia-api').volumeMounts.filter(({ name }: any) => name === 'schemas');
  expect(files).toContainEqual({ name: 'schemas', mountPath: '/schemas/default/ide/role.json', subPath: 'ide.role.json', readOnly: true });
  expect(files.map(({ subPath }: any) => subPath).sort()).toEqual(Object.keys(objects['onyxia/configmap/schemas']!.data as object).sort());
  expect(objects['onyxia/deployment/onyxia-api']!.spec.template.spec.volumes.filter(({ secret }: any) => secret)).toEqual([]);
});

test.each([
  ['a quota, and with it a slider', { quotas: { ...open().regions.main!.quotas, user: { ...open().regions.main!.quotas.user, 'requests.cpu': '4' } } }],
  ['the title of the region', { title: 'Elsewhere' }],
])('another configuration replaces the pods: %s', (_, change) => {
  expect(onyxiaIn(open(), change).env('onyxia-api')['CONFIGURATION_SHA256']).not.toBe(onyxiaIn().env('onyxia-api')['CONFIGURATION_SHA256']);
});

test('what the API says of namespaces is what the stack makes', () => {
  const { region } = onyxiaIn(open(), { namespaceLabels: { 'example.org/backup': 'daily' } });
  expect(region.services.namespaceLabels).toEqual({
    'example.org/backup': 'daily',
    'pod-security.kubernetes.io/enforce': 'baseline',
    'pod-security.kubernetes.io/audit': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  });
});

const userIngress = { className: 'nginx', from: { namespace: 'ingress-nginx', labels: { app: 'nginx' } } };

test.each([
  ['with the gateway alone', open(), {}],
  ["with an Ingress controller for users' services", open(), { exposure: { ...open().regions.main!.exposure, userIngress } }],
  ['in posture confidential', confidential(), {}],
] as const)('what Onyxia tells charts and namespaces passes the rules for everybody: %s', (_, definition, change) => {
  const { platform, objects, region } = onyxiaIn(definition, change);
  new UserAdmission(platform, 'user-admission');
  const rulesOf = (name: string): string[] => objectsOf(platform)[`_cluster/validatingadmissionpolicy/datalab-${name}`]!.spec.validations.map(({ expression }: any) => expression);

  const { from } = JSON.parse((objects['onyxia/configmap/schemas']!.data as any)['network-policy.json']).properties;
  expect(from.const).toEqual(platform.network.userGateway.peers);
  for (const { namespaceSelector, podSelector } of from.const) {
    const same = `matchLabels == ${cel(namespaceSelector.matchLabels)} && peer.podSelector.matchLabels == ${cel(podSelector.matchLabels)}`;
    expect(rulesOf('network-policies')[0]).toContain(same);
  }

  const asked = rulesOf('namespaces').at(-1)!.matchAll(/metadata\.labels\["([^"]+)"\] == "([^"]*)"/g);
  expect(Object.fromEntries([...asked].map(([, key, value]) => [key, value]))).toEqual(region.services.namespaceLabels);
});

test('only posture open lets Onyxia make namespaces, with the one cluster-wide rule', () => {
  const clusterWide = (objects: object) => Object.keys(objects).filter((id) => id.startsWith('_cluster/') && id.includes('onyxia')).sort();
  expect(onyxiaIn().region.services.allowNamespaceCreation).toBe(true);
  expect(clusterWide(onyxiaIn().objects)).toEqual([
    '_cluster/clusterrole/datalab-onyxia-onboarding',
    '_cluster/clusterrolebinding/datalab-onyxia-onboarding',
    '_cluster/mutatingadmissionpolicy/datalab-onyxia-onboarding',
    '_cluster/mutatingadmissionpolicybinding/datalab-onyxia-onboarding',
    '_cluster/namespace/onyxia',
    '_cluster/validatingadmissionpolicy/datalab-onyxia-api',
    '_cluster/validatingadmissionpolicybinding/datalab-onyxia-api',
  ]);
  expect(onyxiaIn(confidential()).region.services).toMatchObject({ allowNamespaceCreation: false, quotas: { userEnabled: false, groupEnabled: false } });
  expect(clusterWide(onyxiaIn(confidential()).objects).filter((id) => /role|mutating/.test(id))).toEqual([]);
});

test('no rule of the cluster role reads a Secret', () => {
  const { rules } = onyxiaIn().objects['_cluster/clusterrole/datalab-onyxia-onboarding']! as any;
  expect(rules.flatMap(({ resources }: any) => resources)).toEqual(['namespaces', 'resourcequotas', 'rolebindings', 'clusterroles']);
});

test('the page is sent back to one address of the portal, and is told who accepts its tokens', () => {
  const { objects } = onyxiaIn();
  expect(objects['keycloak/client/onyxia']!.spec).toMatchObject({ validRedirectUris: ['https://lab.example.org/'], webOrigins: ['https://lab.example.org'], accessType: 'PUBLIC' });
  expect(objects['keycloak/audienceprotocolmapper/onyxia-audience-onyxia-api']!.spec).toMatchObject({ includedCustomAudience: 'onyxia-api' });
});

test('the claim groups has the names of declared projects, and of no other group', () => {
  const { objects } = onyxiaIn(confidential());
  expect(objects['keycloak/userattributeprotocolmapper/onyxia-groups']!.spec).toMatchObject({ userAttribute: 'project', claimName: 'groups', multivalued: true, aggregateAttributes: true });
  expect((objects['keycloak/group/health']!.spec as any)).toMatchObject({ name: 'G_HEALTH', attributes: { policy: 'project-health', project: 'health' } });
  expect((objects['keycloak/group/datalab-users']!.spec as any).attributes).toEqual({ policy: 'person' });
});

test('the brand: name, logo from the application itself, colours, languages', () => {
  const { env, objects } = onyxiaIn();
  const web = env('onyxia-web');
  expect(web).toMatchObject({ HEADER_TEXT_BOLD: 'Demo', TAB_TITLE: 'Demo', HEADER_LOGO: '%PUBLIC_URL%/brand/logo.svg', ENABLED_LANGUAGES: 'fr,en' });
  expect(JSON.parse(web.PALETTE_OVERRIDE!)).toEqual({ focus: { main: '#000091', light: '#6666bd', light2: '#cccce9' }, light: { main: '#f6f6f6' } });
  expect(JSON.parse(web.HOMEPAGE_HERO_TEXT!)).toEqual({ fr: 'Un datalab', en: 'A datalab' });
  expect((objects['onyxia/configmap/brand']!.data as any)['logo.svg']).toBe('<svg/>');
});

test('confidential: login first, no service by a link, no personal values in projects', () => {
  const strict = ['AUTHENTICATION_GLOBALLY_REQUIRED', 'DISABLE_AUTO_LAUNCH', 'DISABLE_PERSONAL_INFOS_INJECTION_IN_GROUP'];
  const web = onyxiaIn(confidential()).env('onyxia-web');
  expect(strict.map((name) => web[name])).toEqual(['true', 'true', 'true']);
  expect(strict.map((name) => onyxiaIn().env('onyxia-web')[name])).toEqual([undefined, undefined, undefined]);
});

test('without Vault there is no vault, and without an address of the API server no kubeconfig', () => {
  const { region } = onyxiaIn(open(), {}, false);
  expect([region.vault, region.services.k8sPublicEndpoint]).toEqual([undefined, undefined]);
  const cluster = { ...open().regions.main!.cluster, apiServer: { cidrs: ['10.0.0.0/28'], port: 6443, url: 'https://k8s.example.org:6443' } };
  expect(onyxiaIn(open(), { cluster }).region.services.k8sPublicEndpoint).toEqual({ URL: 'https://k8s.example.org:6443', oidcConfiguration: { clientID: 'onyxia-kubernetes' } });
});
