import { driftedInputs } from '../../embedded/plugins/kubernetes-drift';
import { stateOf, toInputs, toObject, withKindSecrets, previewOf } from '../../embedded/plugins/kubernetes-state';
import { encode, UNKNOWN, type Values } from '../../embedded/plugins/provider-values';

const copy = (value: unknown): any => JSON.parse(JSON.stringify(value));
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('drift', () => {
  const inputs = {
    metadata: { labels: { a: 'b' } },
    spec: { replicas: 1, containers: [{ name: 'main', cpu: '1000m' }], args: ['x'] },
  };
  const desired = {
    metadata: { uid: 'u', labels: { a: 'b', c: 'd' } },
    spec: { replicas: 1, policy: 'Always', containers: [{ name: 'main', cpu: '1', pull: 'Always' }], args: ['x'] },
  };
  const changed = (change: (live: any) => void) => {
    const live = copy(desired);
    change(live);
    return driftedInputs(inputs, live, desired);
  };

  test('is nothing when the server only added defaults and other spellings', () => {
    expect(driftedInputs(inputs, copy(desired), desired)).toBe(inputs);
  });

  test('is nothing in fields that the inputs do not name', () => {
    expect(
      changed((live) => {
        live.metadata.labels.c = 'x';
        live.spec.policy = 'Never';
        live.spec.containers[0].pull = 'Never';
        live.status = {};
      }),
    ).toEqual(inputs);
  });

  test('shows an element that others added when the inputs would remove it, and no other', () => {
    const [mine, stranger] = [{ kind: 'User', name: 'oidc-bob' }, { kind: 'User', name: 'oidc-alice' }];
    const subjects = [mine];
    expect(driftedInputs({ subjects }, { subjects: [mine, stranger] }, { subjects })).toEqual({ subjects: [mine, stranger] });
    expect(driftedInputs({ subjects }, { subjects: [mine, stranger] }, { subjects: [mine, stranger] })).toEqual({ subjects });
  });

  test('shows a changed value as it is now', () => {
    expect(
      changed((live) => {
        live.spec.replicas = 3;
        live.spec.containers[0].cpu = '2';
      }),
    ).toEqual({
      ...inputs,
      spec: { ...inputs.spec, replicas: 3, containers: [{ name: 'main', cpu: '2' }] },
    });
  });

  test('leaves out what was taken away', () => {
    expect(
      changed((live) => {
        delete live.metadata.labels.a;
        live.spec.containers = [];
      }),
    ).toEqual({
      metadata: { labels: {} },
      spec: { ...inputs.spec, containers: [] },
    });
  });

  test('finds the elements of a list by their key, not by their place', () => {
    const added = copy(desired);
    added.spec.containers.unshift({ name: 'added' });
    const live = copy(added);
    live.spec.policy = 'Never';
    expect(driftedInputs(inputs, live, added)).toEqual(inputs);
  });

  test('takes a list without a key as a whole', () => {
    expect(changed((live) => live.spec.args.push('y'))).toEqual({ ...inputs, spec: { ...inputs.spec, args: ['x', 'y'] } });
  });

  test('of a Secret is shown in the field where the inputs have the key', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: base64('1') },
      stringData: { b: '2', c: '3' },
    };
    const sent = toObject(secret);
    expect(sent.data).toEqual({ a: base64('1'), b: base64('2'), c: base64('3') });
    expect(sent.stringData).toBeUndefined();
    const found = driftedInputs(sent, { ...sent, data: { a: base64('1'), b: base64('changed') } }, sent);
    expect(toInputs(found, secret)).toEqual({ ...secret, stringData: { b: 'changed' } });
  });
});

describe('the state of an object', () => {
  const live = (fields: Values) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 's',
      uid: 'u',
      managedFields: [{}],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'cGxhaW4=' },
    },
    ...fields,
  });

  test('has the fields of the official plugin, and nothing readable of a Secret', () => {
    const inputs = withKindSecrets({
      values: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { p: 'plain' } },
      secrets: [['stringData', 'p']],
    });
    expect(inputs.secrets).toEqual([['stringData']]);
    const state = stateOf(inputs, live({ data: { p: 'cGxhaW4=' } }), 'manager');
    expect(Object.keys(state.values)).toEqual([
      'apiVersion',
      'kind',
      'metadata',
      'data',
      '__inputs',
      '__initialApiVersion',
      '__fieldManager',
    ]);
    expect(state.values.metadata.managedFields).toBeUndefined();
    const readable = JSON.stringify(encode(state).toJavaScript(), (key, value) =>
      value?.['4dabf18193072939515e22adb298388d'] ? `secret ${key}` : value,
    );
    expect(readable).not.toMatch(/plain|cGxhaW4=/);
    expect(readable).toContain('"data":"secret data"');
  });

  test('keeps a secret input secret, and a list with a secret in it as a whole', () => {
    const values = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ env: [{ value: 's' }] }], host: 'h' },
    };
    const state = stateOf(
      {
        values,
        secrets: [
          ['spec', 'containers', 0, 'env', 0, 'value'],
          ['spec', 'host'],
        ],
      },
      { ...values, kind: 'Pod' },
      'm',
    );
    expect(state.secrets).toEqual(
      expect.arrayContaining([
        ['spec', 'containers'],
        ['spec', 'host'],
        ['__inputs', 'spec', 'containers', 0, 'env', 0, 'value'],
      ]),
    );
  });

  test('spells the extensions of a CustomResourceDefinition as the official plugin does', () => {
    const values = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'c' },
      spec: { 'x-kubernetes-int-or-string': true },
    };
    expect(stateOf({ values, secrets: [] }, values, 'm').values.spec).toEqual({ x_kubernetes_int_or_string: true });
  });

  test('is unknown in a preview where the server will decide, and known where the object is there already', () => {
    const values = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [] } };
    const planned = {
      ...values,
      metadata: { name: 's', uid: 'of the dry run' },
      spec: { ports: [], clusterIP: '10.0.0.1', type: 'ClusterIP' },
      status: {},
    };
    expect(previewOf({ values, secrets: [] }, planned).values).toMatchObject({
      metadata: { uid: UNKNOWN },
      spec: { clusterIP: UNKNOWN, type: 'ClusterIP' },
    });
    const updated = previewOf({ values, secrets: [] }, planned, { metadata: { uid: 'u' } }).values;
    expect(updated).toMatchObject({ metadata: { uid: 'u', resourceVersion: UNKNOWN }, spec: { clusterIP: '10.0.0.1' } });
    expect(updated.status).toBeUndefined();
  });
});
