import { System } from '../../constructs/system';
import { appIn, entryOf, objectsOf, platformWith, yamlOf } from './base';

test('defaults', () => {
  const platform = platformWith();
  new System(platform, 'app');
  expect(yamlOf(platform)).toMatchSnapshot();
});

test.each(['restricted', 'baseline', 'privileged'] as const)('the API server enforces, audits and warns of Pod Security %s', (podSecurity) => {
  const platform = platformWith();
  new System(platform, 'app', { podSecurity });
  expect(objectsOf(platform)['_cluster/namespace/app']!.metadata.labels).toMatchObject({
    'pod-security.kubernetes.io/enforce': podSecurity,
    'pod-security.kubernetes.io/audit': podSecurity,
    'pod-security.kubernetes.io/warn': podSecurity,
  });
});

test('Pod Security is restricted unless a system says otherwise', () => {
  const platform = platformWith();
  new System(platform, 'app');
  expect(objectsOf(platform)['_cluster/namespace/app']!.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
});

test('nothing enters or leaves: the policy selects every pod, both ways, and permits nothing', () => {
  const platform = platformWith();
  new System(platform, 'app');
  expect(objectsOf(platform)['app/networkpolicy/default-deny']!.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
});

test('the quota is twice what the workloads ask, with no GPU and no way in beside the gateway', () => {
  const platform = platformWith();
  const system = new System(platform, 'app');
  appIn(platform, { cpu: '250m', memory: '1Gi', replicas: 3 }, 'web', system);
  appIn(platform, { cpu: '1', memory: '512Mi', kind: 'Job' }, 'job', system);
  expect(objectsOf(platform)['app/resourcequota/system']!.spec.hard).toEqual({
    'requests.cpu': '3500m', // 2 × (3 × 0.25 + 1)
    'requests.memory': '7168Mi', // 2 × (3 × 1024 + 512)
    'count/pods': '8', // 2 × (3 + 1)
    'requests.nvidia.com/gpu': '0',
    'services.loadbalancers': '0',
    'services.nodeports': '0',
  });
});

test('the limit range gives containers that ask for nothing a request and a limit of memory', () => {
  const platform = platformWith();
  new System(platform, 'app');
  expect(objectsOf(platform)['app/limitrange/defaults']!.spec.limits).toEqual([
    { type: 'Container', default: { memory: '512Mi' }, defaultRequest: { cpu: '50m', memory: '128Mi' } },
  ]);
});

test('a namespace is protected when its system holds data, else not', () => {
  const platform = platformWith();
  new System(platform, 'data', { stateful: true });
  new System(platform, 'app');
  expect(entryOf(platform, '_cluster/namespace/data').stateful).toBe(true);
  expect(entryOf(platform, '_cluster/namespace/app').stateful).toBe(false);
});
