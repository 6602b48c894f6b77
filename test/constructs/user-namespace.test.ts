import { UserNamespace } from '../../constructs/user-namespace';
import { confidential, open } from '../model/base';
import { entryOf, objectsOf, platformWith, yamlOf } from './base';

function namespaceIn(definition = open()) {
  const platform = platformWith({}, definition);
  new UserNamespace(platform, { prefix: 'user-', owner: 'alice', quota: platform.region.quotas.user });
  return { platform, objects: objectsOf(platform) };
}
const egressOf = (definition = open()) => namespaceIn(definition).objects['user-alice/networkpolicy/work']!.spec.egress;

test('defaults', () => {
  expect(yamlOf(namespaceIn().platform)).toMatchSnapshot();
});

test('the quota is the one of the region, under the name that Onyxia looks for', () => {
  expect(namespaceIn().objects['user-alice/resourcequota/onyxia-quota']!.spec.hard).toEqual({
    'requests.cpu': '8', 'requests.memory': '32Gi', 'requests.storage': '100Gi', 'count/pods': '20', 'requests.nvidia.com/gpu': '1',
  });
});

test('Pod Security is baseline, everything is denied first, and the namespace outlives the stack', () => {
  const { platform, objects } = namespaceIn();
  expect(objects['_cluster/namespace/user-alice']!.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'baseline', onyxia_owner: 'alice' });
  expect(objects['user-alice/networkpolicy/default-deny']!.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  expect(entryOf(platform, '_cluster/namespace/user-alice').stateful).toBe(true);
});

test('the owner and the API of Onyxia are admin there; a project is of its group', () => {
  const subjectOf = (prefix: 'user-' | 'projet-', owner: string) => {
    const platform = platformWith();
    const { namespace } = new UserNamespace(platform, { prefix, owner, quota: platform.region.quotas.user });
    const bindings = ['owner', 'onyxia-api'].map((name) => objectsOf(platform)[`${namespace}/rolebinding/${name}`]! as any);
    expect(bindings.map(({ roleRef }) => roleRef.name)).toEqual(['admin', 'admin']);
    return bindings.map(({ subjects }) => subjects.map(({ kind, name }: any) => `${kind} ${name}`)).flat();
  };
  expect(subjectOf('user-', 'alice')).toEqual(['User oidc-alice', 'ServiceAccount onyxia-api']);
  expect(subjectOf('projet-', 'ape')).toEqual(['Group oidc-ape', 'ServiceAccount onyxia-api']);
});

test("users' own Ingress controller is let in, and the gateway of the platform is not", () => {
  const platform = platformWith({ exposure: { ...platformWith().region.exposure, userIngress: { className: 'nginx', from: { namespace: 'nginx', labels: { app: 'nginx' } } } } });
  new UserNamespace(platform, { prefix: 'user-', owner: 'alice', quota: platform.region.quotas.user });
  const [{ from }] = objectsOf(platform)['user-alice/networkpolicy/work']!.spec.ingress;
  expect(from.slice(1)).toEqual([{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'nginx' } }, podSelector: { matchLabels: { app: 'nginx' } } }]);
});

test('in comes only what the gateway sends, and the own pods', () => {
  expect(namespaceIn().objects['user-alice/networkpolicy/work']!.spec.ingress).toEqual([
    {
      from: [
        { podSelector: {} },
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'envoy' } }, podSelector: { matchLabels: { app: 'envoy' } } },
      ],
    },
  ]);
});

test('an open region reaches the internet, and no private address', () => {
  const [names, work] = egressOf();
  expect(names.ports).toEqual([{ port: 53, protocol: 'TCP' }, { port: 53, protocol: 'UDP' }]);
  expect(work.to.filter(({ ipBlock }: any) => ipBlock)).toEqual([
    { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'] } },
  ]);
});

test('a confidential region reaches what stands in for the internet, and nothing else outside', () => {
  const blocks = egressOf(confidential()).flatMap(({ to }: any) => to).filter(({ ipBlock }: any) => ipBlock);
  expect(blocks).toEqual([{ ipBlock: { cidr: '10.1.0.0/24' } }]);
});
