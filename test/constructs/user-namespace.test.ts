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
