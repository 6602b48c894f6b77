import { SecretObject, DerivedSecret } from '../../constructs/secrets';
import { System } from '../../constructs/system';
import type { WorkloadProps } from '../../constructs/workload';
import { appIn, entryOf, objectsOf, platformWith, yamlOf, type Manifest } from './base';

function podOf(props: Partial<WorkloadProps> = {}): Manifest {
  const platform = platformWith();
  appIn(platform, props);
  return objectsOf(platform)[`app/${(props.kind ?? 'Deployment').toLowerCase()}/web`]!.spec.template;
}

test('defaults', () => {
  const platform = platformWith();
  appIn(platform, { ports: undefined });
  expect(yamlOf(platform).split('---\n').filter((text) => text.includes('/web\n')).join('---\n')).toMatchSnapshot();
});

describe.each(['Deployment', 'StatefulSet', 'Job'] as const)('a %s meets Pod Security restricted', (kind) => {
  const full: Partial<WorkloadProps> = {
    kind,
    scratch: ['/tmp'],
    configFiles: { '/etc/app': { configMap: 'app' } },
    secretFiles: { '/run/app': { secretName: 'app', key: 'password', labels: ['app/x@v1'] } },
    ...(kind === 'StatefulSet' ? { claims: { data: { mountPath: '/data', size: '1Gi', storageClass: 'block' } } } : {}),
  };
  const { spec } = podOf(full);
  const [container] = spec.containers;

  test('it runs as a user other than root', () => expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000 }));
  test('it has the default seccomp profile', () => expect(spec.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' }));
  test('it drops every capability and adds none', () => expect(container.securityContext.capabilities).toEqual({ drop: ['ALL'] }));
  test('it cannot gain privileges', () => {
    expect(container.securityContext.allowPrivilegeEscalation).toBe(false);
    expect(container.securityContext.privileged).toBeUndefined();
  });
  test('it shares nothing with its host', () => {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers']) expect(spec[field]).toBeUndefined();
    expect(container.ports.every((port: Manifest) => port.hostPort === undefined)).toBe(true);
  });
  test('its volumes are of the kinds that are allowed', () => {
    for (const { name: _, ...source } of spec.volumes) expect(['emptyDir', 'secret', 'configMap']).toContain(Object.keys(source)[0]);
  });
  test('and more than that: a read-only root, no API token, a memory limit', () => {
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false, priorityClassName: 'datalab-platform' });
    expect(container.resources).toEqual({ requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '256Mi' } });
  });
});

test('an image that writes outside its volumes may, when it says so', () => {
  expect(podOf({ writableRoot: true }).spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(false);
});

test('every file that a pod mounts has a volume, writable only where it is scratch or a claim', () => {
  const { spec } = podOf({
    kind: 'StatefulSet',
    scratch: ['/tmp'],
    configFiles: { '/etc/app': { configMap: 'settings' } },
    secretFiles: { '/run/app.d': { secretName: 'login', key: 'password', labels: [] } },
    claims: { data: { mountPath: '/data', size: '1Gi', storageClass: 'block' } },
  });
  expect(spec.containers[0].volumeMounts).toEqual([
    { name: 'data', mountPath: '/data' },
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'run-app-d', mountPath: '/run/app.d', readOnly: true },
    { name: 'etc-app', mountPath: '/etc/app', readOnly: true },
  ]);
  expect(spec.volumes).toEqual([
    { name: 'tmp', emptyDir: {} },
    { name: 'run-app-d', secret: { secretName: 'login', defaultMode: 0o440 } },
    { name: 'etc-app', configMap: { name: 'settings' } },
  ]);
});

test('environment variables stand in the order of their names, secrets as references', () => {
  const { spec } = podOf({ env: { ZULU: '1', ALPHA: { secretName: 'login', key: 'password', labels: ['app/login@v1'] } } });
  expect(spec.containers[0].env).toEqual([
    { name: 'ALPHA', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
    { name: 'ZULU', value: '1' },
  ]);
});

test('a pod template names the version of the secrets it reads, so that a new version replaces its pods', () => {
  const annotation = (version: number) => {
    const platform = platformWith({}, undefined, undefined, { epoch: 1, versions: { 'app/login': version } });
    const workload = appIn(platform);
    workload.addEnv('PASSWORD', new SecretObject(workload, 'login', 'app', { password: new DerivedSecret(workload, 'app/login').token }).key('password'));
    return objectsOf(platform)['app/deployment/web']!.spec.template.metadata.annotations;
  };
  expect(annotation(1)).toEqual({ 'datalab-stacks/secrets': 'app/login@v1' });
  expect(annotation(2)).toEqual({ 'datalab-stacks/secrets': 'app/login@v2' });
});

test.each([
  ['HTTP', { path: '/ready', port: 'http' }, { httpGet: { path: '/ready', port: 'http' }, timeoutSeconds: 3 }],
  ['a command', { command: ['true'] }, { exec: { command: ['true'] }, timeoutSeconds: 5 }],
])('probes ask by %s, and a start has its own patience', (_, check, asked) => {
  const { readinessProbe, livenessProbe, startupProbe } = podOf({ ready: check, live: check, startSeconds: 300 }).spec.containers[0];
  expect(readinessProbe).toEqual({ ...asked, periodSeconds: 5 });
  expect(livenessProbe).toEqual({ ...asked, periodSeconds: 10, failureThreshold: 6 });
  expect(startupProbe).toEqual({ ...asked, periodSeconds: 5, failureThreshold: 60 });
});

test.each([[1, false], [2, true]])('%d pods: spread over nodes and kept by a disruption budget: %s', (replicas, kept) => {
  const platform = platformWith();
  appIn(platform, { replicas });
  const objects = objectsOf(platform);
  expect(objects['app/poddisruptionbudget/web'] !== undefined).toBe(kept);
  expect(objects['app/deployment/web']!.spec.template.spec.topologySpreadConstraints !== undefined).toBe(kept);
});

test('the selector is our own labels, which no move of a construct changes', () => {
  const platform = platformWith();
  appIn(platform, { kind: 'StatefulSet' });
  const objects = objectsOf(platform);
  const selector = { 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/instance': 'app' };
  expect(objects['app/statefulset/web']!.spec.selector.matchLabels).toEqual(selector);
  expect(objects['app/statefulset/web']!.spec.template.metadata.labels).toMatchObject(selector);
  expect(objects['app/service/web']!.spec.selector).toEqual(selector);
  expect(objects['app/networkpolicy/web']!.spec.podSelector.matchLabels).toEqual(selector);
});

test('a StatefulSet has a headless Service that knows its pods before they are ready', () => {
  const platform = platformWith();
  appIn(platform, { kind: 'StatefulSet' });
  expect(objectsOf(platform)['app/service/web-headless']!.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
  expect(objectsOf(platform)['app/statefulset/web']!.spec.serviceName).toBe('web-headless');
});

test('a workload with claims holds data, one without does not', () => {
  const platform = platformWith();
  const system = new System(platform, 'app');
  appIn(platform, { kind: 'StatefulSet', claims: { data: { mountPath: '/data', size: '1Gi', storageClass: 'block' } } }, 'data', system);
  appIn(platform, {}, 'web', system);
  expect(entryOf(platform, 'app/statefulset/data').stateful).toBe(true);
  expect(entryOf(platform, 'app/deployment/web').stateful).toBe(false);
});

test('fails: a connection to a port that the other does not have', () => {
  const platform = platformWith();
  const system = new System(platform, 'app');
  const web = appIn(platform, {}, 'web', system);
  expect(() => appIn(platform, {}, 'client', system).connectTo(web, 'https', 'tests')).toThrow("app/web has no port 'https': http");
  const job = appIn(platform, { ports: undefined }, 'job', system);
  expect(() => web.connectTo(job, 'http', 'tests')).toThrow("app/job has no port 'http': it has none");
});
