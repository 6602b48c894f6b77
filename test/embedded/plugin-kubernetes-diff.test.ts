import { kubernetesChanges, needsReplacement } from '../../embedded/plugins/kubernetes-diff';
import { decode, encode, pathText, redact, UNKNOWN, type Path, type Values } from '../../embedded/plugins/provider-values';

const changes = (before: Values, after: Values, secrets: Path[] = []) =>
  kubernetesChanges({ values: before, secrets }, { values: after, secrets }).map(
    ({ kind, path, replace }) => `${replace ? 'replace: ' : ''}${kind} ${pathText(path)}`,
  );
const object = (apiVersion: string, kind: string, fields: Values = {}) => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace: 'n' },
  ...fields,
});

describe('the difference of two sets of inputs', () => {
  test('is empty whatever the order of keys, and a null counts as not given', () => {
    expect(changes({ a: { b: 1, c: [{ d: 2, e: 3 }] } }, { a: { c: [{ e: 3, d: 2 }], b: 1 }, f: null })).toEqual([]);
  });

  test('names every value by its path', () => {
    const before = object('v1', 'ConfigMap', { data: { a: '1', gone: '2' }, list: [{ name: 'p' }] });
    const after = {
      ...object('v1', 'ConfigMap', { data: { a: '3' }, list: [{ name: 'p', port: 1 }, { name: 'q' }] }),
      metadata: { name: 'x', namespace: 'n', labels: { 'app/name': 'y' } },
    };
    expect(changes(before, after)).toEqual([
      'update data.a',
      'delete data.gone',
      'add list[0].port',
      'add list[1].name',
      'add metadata.labels["app/name"]',
    ]);
  });

  test('a value that is not known yet is a change', () => {
    expect(changes({ data: { a: '1' } }, { data: { a: UNKNOWN } })).toEqual(['update data.a']);
  });

  test('does not look below a secret', () => {
    const secrets = [['stringData'], ['spec', 0]];
    expect(
      changes(
        { stringData: { password: 'a' }, spec: [{ b: 1 }] },
        { stringData: { password: 'b', user: 'c' }, spec: [{ b: 2 }] },
        secrets,
      ),
    ).toEqual(['update spec[0]', 'update stringData']);
  });
});

describe('what can only be replaced', () => {
  const spec = (fields: Values) => ({ spec: fields });
  test.each<[string, Values, Values, string[]]>([
    [
      'a name',
      object('v1', 'ConfigMap'),
      { ...object('v1', 'ConfigMap'), metadata: { name: 'y', namespace: 'n' } },
      ['replace: update metadata.name'],
    ],
    [
      'a selector',
      object('apps/v1', 'Deployment', spec({ selector: { matchLabels: { app: 'a' } } })),
      object('apps/v1', 'Deployment', spec({ selector: { matchLabels: { app: 'b' } } })),
      ['replace: update spec.selector.matchLabels.app'],
    ],
    [
      'a selector, but not replicas',
      object('apps/v1', 'StatefulSet', spec({ serviceName: 'a', replicas: 1 })),
      object('apps/v1', 'StatefulSet', spec({ serviceName: 'b', replicas: 2 })),
      ['update spec.replicas', 'replace: update spec.serviceName'],
    ],
    [
      'claim templates',
      object('apps/v1', 'StatefulSet', spec({ volumeClaimTemplates: [] })),
      object('apps/v1', 'StatefulSet', spec({ volumeClaimTemplates: [{ metadata: { name: 'd' } }] })),
      ['replace: add spec.volumeClaimTemplates[0].metadata.name'],
    ],
    [
      'a pod template of a Job',
      object('batch/v1', 'Job', spec({ template: { spec: { containers: [{ image: 'a' }] } } })),
      object('batch/v1', 'Job', spec({ template: { spec: { containers: [{ image: 'b' }] } } })),
      ['replace: update spec.template.spec.containers[0].image'],
    ],
    [
      'a role',
      object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', { roleRef: { name: 'a' } }),
      object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', { roleRef: { name: 'b' } }),
      ['replace: update roleRef.name'],
    ],
    [
      'the type of a Secret',
      object('v1', 'Secret', { type: 'Opaque' }),
      object('v1', 'Secret', { type: 'kubernetes.io/tls' }),
      ['replace: update type'],
    ],
    [
      'the data of an immutable ConfigMap',
      object('v1', 'ConfigMap', { immutable: true, data: { a: '1' } }),
      object('v1', 'ConfigMap', { immutable: true, data: { a: '2' } }),
      ['replace: update data.a'],
    ],
    [
      'nothing of a mutable ConfigMap',
      object('v1', 'ConfigMap', { data: { a: '1' } }),
      object('v1', 'ConfigMap', { data: { a: '2' } }),
      ['update data.a'],
    ],
    [
      'a claim, but not its size',
      object('v1', 'PersistentVolumeClaim', spec({ storageClassName: 'a' })),
      object('v1', 'PersistentVolumeClaim', spec({ storageClassName: 'b', resources: { requests: { storage: '2Gi' } } })),
      ['add spec.resources.requests.storage', 'replace: update spec.storageClassName'],
    ],
    [
      'a storage class',
      object('storage.k8s.io/v1', 'StorageClass', { parameters: { a: 'b' } }),
      object('storage.k8s.io/v1', 'StorageClass'),
      ['replace: delete parameters.a'],
    ],
    [
      'an address',
      object('v1', 'Service', spec({ type: 'ClusterIP' })),
      object('v1', 'Service', spec({ type: 'ClusterIP', clusterIP: 'None' })),
      ['replace: add spec.clusterIP'],
    ],
    [
      'a priority',
      object('scheduling.k8s.io/v1', 'PriorityClass', { value: 1 }),
      object('scheduling.k8s.io/v1', 'PriorityClass', { value: 2 }),
      ['replace: update value'],
    ],
    [
      'a runtime',
      object('node.k8s.io/v1', 'RuntimeClass', { handler: 'a' }),
      object('node.k8s.io/v1', 'RuntimeClass', { handler: 'b' }),
      ['replace: update handler'],
    ],
    [
      'nothing of a kind of another group',
      object('example.org/v1', 'Deployment', spec({ selector: 'a' })),
      object('example.org/v1', 'Deployment', spec({ selector: 'b' })),
      ['update spec.selector'],
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected);
  });

  test('is seen on the object itself, whatever the server added to it', () => {
    const live = object('apps/v1', 'Deployment', spec({ selector: { matchLabels: { app: 'a' } }, revisionHistoryLimit: 10 }));
    const inputs = (app: string) => ({
      values: object('apps/v1', 'Deployment', spec({ selector: { matchLabels: { app } } })),
      secrets: [],
    });
    expect(needsReplacement(live, inputs('a'))).toBe(false);
    expect(needsReplacement(live, inputs('b'))).toBe(true);
  });
});

describe('values on the wire', () => {
  test('keep what is secret and what is unknown', () => {
    const properties = {
      values: { a: { b: 's', c: UNKNOWN }, list: [1, { d: 'e' }], empty: {} },
      secrets: [
        ['a', 'b'],
        ['list', 1],
      ],
    };
    const struct = encode(properties);
    expect(JSON.stringify(struct.toJavaScript())).toContain(
      '"b":{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","value":"s"}',
    );
    expect(decode(struct)).toEqual(properties);
  });

  test('a secret is taken out of a message in every spelling', () => {
    const secret = 'line "one"\nline two';
    const base64 = Buffer.from(secret).toString('base64');
    const clean = redact(`got ${JSON.stringify(secret)}, ${base64}, "ab", cab`, [base64, 'ab']);
    expect(clean).toBe('got "[secret]", [secret], "[secret]", cab');
  });
});
