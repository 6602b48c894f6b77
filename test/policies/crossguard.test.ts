import { unknownValue } from '@pulumi/pulumi/runtime/rpc';
import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { loadStack, stackNames } from '../../model/stack';
import { rules } from '../../policies/all';
import { policiesOf, type Held } from '../../policies/crossguard';
import { container, namespace, pod } from '../../policies/examples';
import { inForce, judge } from '../../policies/judge';
import type { Manifest } from '../../policies/rule';
import { registrationsOf } from '../provision/registrations';
import { analyzed, type Shown } from './analyzer';

const today = '2026-11-23';

/** Under mocks each resource has this id; before it is made nobody knows it. */
const asInFirstPreview = (value: any): any =>
  typeof value === 'string' ? (value.includes('id of ') ? unknownValue : value)
  : Array.isArray(value) ? value.map(asInFirstPreview)
  : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, asInFirstPreview(nested)]))
  : value;

const heldBy = (name: string): Held => {
  const { posture, waivers } = loadStack(name).instance;
  return { stack: name, posture, waivers: inForce(waivers, today) };
};

describe.each(stackNames())('the program of %s in its first preview', (name) => {
  const held = heldBy(name);
  let resources: Shown[];
  beforeAll(async () => {
    resources = (await registrationsOf(loadStack(name), 'seed-of-this-test')).map((each) => ({ ...each, inputs: asInFirstPreview(each.inputs) }));
  });

  test('gives the findings of datalab check, no more and no less', async () => {
    const objects = entriesOf(compose(loadStack(name))).map(({ object }) => object as Manifest);
    const wanted = (waivers: Held['waivers']) => judge(objects, held.posture, waivers).filter(({ status }) => status !== 'waived')
      .map(({ rule, status, object, path, got, fix }) => [rule.id, status === 'failed' ? 'mandatory' : 'advisory', object, `${object} ${path}: got ${got}; ${fix}`].join(' ')).sort();
    for (const waivers of [held.waivers, []]) {
      const found = (await analyzed(policiesOf({ ...held, waivers }), resources)).map(({ policy, level, urn, message }) => [policy, level, urn.split('::').at(-1), message.split('\n').at(-1)].join(' ')).sort();
      expect(found).toEqual(wanted(waivers));
    }
  });
});

test('a rule that judges each object alone finds in all objects what it finds in each', () => {
  for (const name of stackNames()) {
    const objects = entriesOf(compose(loadStack(name))).map(({ object }) => object as Manifest);
    for (const { id, check } of rules.filter(({ together }) => !together)) {
      expect([id, check(objects)]).toEqual([id, objects.flatMap((object) => check([object]))]);
    }
  }
  for (const { examples, check } of rules.filter(({ together }) => !together)) {
    for (const objects of [...examples.pass, ...examples.fail]) expect(check(objects)).toEqual(objects.flatMap((object) => check([object])));
  }
});

describe('one resource', () => {
  const open: Held = { stack: 'a.b', posture: 'open', waivers: [] };
  const of = (object: Manifest, change: Partial<Shown> = {}): Shown => ({
    type: `kubernetes:${object.apiVersion === 'v1' ? 'core/v1' : object.apiVersion}:${object.kind}`, name: 'r', inputs: object, ...change,
  });
  const client = (inputs: object): Shown => ({ type: 'keycloak:openid/client:Client', name: 'keycloak/client/a', inputs: { fullScopeAllowed: false, directAccessGrantsEnabled: false, implicitFlowEnabled: false, ...inputs } });
  const bucket: Shown = { type: 'minio:index/s3Bucket:S3Bucket', name: 'minio/s3bucket/a', inputs: { bucket: 'a', acl: 'private' }, protect: true };
  const versioning = (on?: string): Shown => ({
    type: 'minio:index/s3BucketVersioning:S3BucketVersioning', name: 'minio/s3bucketversioning/a',
    inputs: { bucket: unknownValue, versioningConfiguration: { status: 'Enabled' } }, ...(on ? { propertyDependencies: { bucket: [on] } } : {}),
  });
  const waiver = { rules: ['host-namespaces'], objects: 'team/pod/*', reason: 'it is needed', owner: 'me', until: '2027-01-01' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'team' }, stringData: { password: 'horse' } };
  const both = ['data', 'stringData'];

  /** Written by hand: what is shown, and each `policy level` that follows; `image-digest` only where a row is about it. */
  const rows: readonly [what: string, held: Held, resources: Shown[], wanted: string[], only?: string][] = [
    ['a good pod', open, [of(pod())], []],
    ['a pod in the network of its node', open, [of(pod({ hostNetwork: true }))], ['host-namespaces mandatory']],
    ['the same where somebody waived it', { ...open, waivers: [waiver] }, [of(pod({ hostNetwork: true }))], []],
    ['a waiver for another namespace', { ...open, waivers: [{ ...waiver, objects: 'other/*/*' }] }, [of(pod({ hostNetwork: true }))], ['host-namespaces mandatory']],
    ['an image by tag, open', open, [of(pod())], ['image-digest advisory'], 'image-digest'],
    ['an image by tag, confidential', { ...open, posture: 'confidential' }, [of(pod())], ['image-digest mandatory'], 'image-digest'],
    ['a field that nobody knows yet is neither good nor bad', open, [of(pod({ hostNetwork: unknownValue }))], ['host-namespaces advisory']],
    ['another field of the same pod does not hide what is known', open, [of(pod({ hostNetwork: true, nodeName: unknownValue }))], ['host-namespaces mandatory']],
    ['an unknown annotation hides nothing', open, [of({ ...pod({ hostNetwork: true }), metadata: { name: 'app', namespace: 'team', annotations: { at: unknownValue } } })], ['host-namespaces mandatory']],
    ['a secret that Pulumi keeps', open, [of(secret, { secretOutputs: both })], []],
    ['a secret in clear', open, [of(secret)], ['secret-value mandatory']],
    ['a volume claim that Pulumi protects', open, [of(claim(), { protect: true })], []],
    ['one that it does not, whatever it says', open, [of(claim({ 'datalab-stacks/stateful': 'true' }))], ['stateful-protected mandatory']],
    ['a namespace without a fence', open, [of(namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' }))], ['default-deny mandatory', ...Array<string>(5).fill('namespace-quota mandatory')]],
    ['a login that goes anywhere', open, [client({ validRedirectUris: ['https://a.example.org/*'] })], ['keycloak-redirects mandatory']],
    ['a login whose address nobody knows yet', open, [client({ validRedirectUris: [unknownValue, '*'] })], ['keycloak-redirects advisory']],
    ['a bucket with versions, in a first preview', open, [bucket, versioning(bucket.name)], []],
    ['a bucket with versions of another', open, [bucket, versioning('minio/s3bucket/b'), { ...bucket, name: 'minio/s3bucket/b', inputs: { bucket: 'b', acl: 'private' } }], ['s3-versioning mandatory']],
    ['versions of nobody knows what', open, [bucket, versioning()], ['s3-versioning advisory']],
    ['a component and a stack', open, [{ type: 'datalab:index:System', name: 'x', inputs: {} }, { type: 'pulumi:pulumi:Stack', name: 'y', inputs: {} }, { type: 'kubernetes:yaml:ConfigGroup', name: 'z', inputs: {} }], []],
  ];
  test.each(rows.map((row) => [row[0], row] as const))('%s', async (_what, [, held, resources, wanted, only]) => {
    const found = (await analyzed(policiesOf(held), resources)).map(({ policy, level }) => `${policy} ${level}`);
    expect(found.filter((each) => (only ? each.startsWith(only) : !each.startsWith('image-digest')))).toEqual(wanted);
  });

  test('a violation names object, place, value and fix, and never a secret', async () => {
    const found = await analyzed(policiesOf(open), [of(pod({ hostNetwork: true }, container({ env: [{ name: 'DB_PASSWORD', value: 'correct-horse' }] }))), of(secret)]);
    expect(found.map(({ message }) => message)).toEqual(expect.arrayContaining([expect.stringContaining('team/pod/app spec.hostNetwork: got true; remove it')]));
    expect(JSON.stringify(found)).not.toContain('horse');
  });
});

function claim(annotations: Record<string, string> = {}): Manifest {
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'team', annotations }, spec: { storageClassName: 'encrypted' } };
}
