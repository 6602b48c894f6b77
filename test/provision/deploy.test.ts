import * as pulumi from '@pulumi/pulumi';
import { compose } from '../../constructs/compose';
import { entriesOf, type Entry, type PlatformObject } from '../../constructs/objects';
import { packageOf } from '../../constructs/tokens';
import { loadStack, stackNames } from '../../model/stack';
import { deploy, ordered } from '../../provision/deploy';
import { derive } from '../../provision/secrets';
import { registrationsOf, type Registration } from './registrations';

const seed = 'seed-of-this-test';
/** How a value is marked that Pulumi must keep secret. */
const secretSignature = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };

const entry = (id: string, ...after: string[]): Entry => ({ id, after, object: { apiVersion: 'v1', kind: 'X', metadata: { name: id } }, system: 's', stateful: false });
const ids = (entries: readonly Entry[]) => entries.map(({ id }) => id);

describe('the order of registration', () => {
  test('each comes after those it waits for; the rest stand as they stood', () => {
    expect(ids(ordered([entry('a', 'c'), entry('b'), entry('c', 'd'), entry('d')]))).toEqual(['d', 'c', 'a', 'b']);
    expect(ids(ordered([entry('a'), entry('b', 'a'), entry('c')]))).toEqual(['a', 'b', 'c']);
  });

  test('fails: objects that wait for each other, named in a circle', () => {
    expect(() => ordered([entry('x', 'a'), entry('a', 'b'), entry('b', 'c'), entry('c', 'a')])).toThrow('these wait for each other: a → b → c → a');
    expect(() => ordered([entry('a', 'a')])).toThrow('these wait for each other: a → a');
  });

  test('fails: an object that waits for one that is not there', () => {
    expect(() => ordered([entry('a', 'gone')])).toThrow('a waits for gone, which is not in the tree');
  });
});

/** The type of an object of the tree in Pulumi. */
function typeOf(object: PlatformObject): string {
  const server = packageOf(object);
  if (server) return object.kind === 'Provider' ? `pulumi:providers:${server}` : `${server}:${String(object.type)}`;
  return `kubernetes:${object.apiVersion === 'v1' ? 'core/v1' : object.apiVersion}:${object.kind}`;
}

/** The inputs as they go to the engine, without what is marked as secret. */
function withoutSecrets(value: any): any {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!value || typeof value !== 'object') return value;
  const [key, signature] = Object.entries(secretSignature)[0]!;
  if (value[key] === signature) return 'secret';
  return Object.fromEntries(Object.entries(value).map(([name, nested]) => [name, withoutSecrets(nested)]));
}

describe.each(stackNames())('the program of %s', (name) => {
  const stack = loadStack(name);
  const entries = entriesOf(compose(stack));
  let all: Registration[];
  /** All of the tree, and those on the API server. */
  let objects: Registration[];
  let kubernetes: Registration[];

  beforeAll(async () => {
    all = await registrationsOf(stack, seed);
    objects = all.filter(({ type }) => !type.startsWith('pulumi:pulumi:') && !type.startsWith('datalab:') && type !== 'pulumi:providers:kubernetes');
    kubernetes = objects.filter(({ type }) => type.startsWith('kubernetes:'));
  });

  const byName = (wanted: string) => objects.find((one) => one.name === wanted)!;

  test('registers every object of the tree under its own type and `<namespace>/<kind>/<name>`', () => {
    const expected = entries.map(({ id, object }) => [id, typeOf(object)]);
    expect(objects.map(({ name: own, type }) => [own, type]).sort()).toEqual(expected.sort());
    for (const { name: own } of objects) expect(own).toMatch(/^(_cluster|[a-z0-9-]+)\/[a-z0-9]+\/[a-z0-9.-]+$/);
  });

  test('registers nothing else but the stack, its cluster and one part for each system', () => {
    const rest = all.filter((one) => !objects.includes(one)).map(({ type, name: own }) => `${type} ${own}`);
    const systems = [...new Set(entries.map(({ system }) => `datalab:index:System ${system}`))];
    expect(rest.sort()).toEqual([...systems, 'pulumi:providers:kubernetes cluster', `pulumi:pulumi:Stack datalab-${name}`].sort());
  });

  test('every object is a child of its system, and goes to the one cluster or to its server', () => {
    for (const { id, object, system } of entries) {
      expect(byName(id).parent).toMatch(new RegExp(`::${system}$`));
      const server = packageOf(object);
      if (object.kind !== 'Provider') expect(byName(id).provider).toContain(server ? `::${object.metadata.namespace}/provider/${server}::` : '::cluster::');
    }
    const { access } = stack.instance.regions[stack.region]!.cluster;
    expect(all.find(({ type }) => type === 'pulumi:providers:kubernetes')!.inputs).toEqual({
      clusterIdentifier: name,
      ...(access === 'embedded' ? {} : { context: access.context }),
      enableServerSideApply: 'true', enablePatchForce: 'true', enableConfigMapMutable: 'true', enableSecretMutable: 'true',
    });
  });

  test('what holds data is protected and retained, and nothing else is', () => {
    const stateful = entries.filter((one) => one.stateful).map(({ id }) => id).sort();
    expect(stateful).toEqual(expect.arrayContaining(['_cluster/namespace/minio', '_cluster/namespace/postgresql', 'minio/statefulset/minio', 'postgresql/statefulset/postgresql']));
    expect(objects.filter(({ protect }) => protect).map((one) => one.name).sort()).toEqual(stateful);
    expect(objects.filter(({ retainOnDelete }) => retainOnDelete).map((one) => one.name).sort()).toEqual(stateful);
  });

  test('each waits for what it needs, which is registered before', () => {
    for (const { id, after } of entries) {
      expect(byName(id).dependsOn.map((urn) => urn.split('::').at(-1)).sort()).toEqual(expect.arrayContaining([...after]));
      for (const needed of after) expect(objects.indexOf(byName(needed))).toBeLessThan(objects.indexOf(byName(id)));
    }
  });

  test('each Secret holds the derived values, marked as secret, and so are its outputs', () => {
    const secrets = kubernetes.filter(({ type }) => type === 'kubernetes:core/v1:Secret');
    expect(secrets.length).toBeGreaterThanOrEqual(5);
    for (const { inputs, secretOutputs } of secrets) {
      expect(inputs.stringData).toEqual({ ...secretSignature, value: expect.any(Object) });
      expect(JSON.stringify(inputs.stringData.value)).not.toContain('${secret:');
      expect(secretOutputs).toEqual(['data', 'stringData']);
    }
    expect(byName('minio/secret/root').inputs.stringData.value.password).toBe(derive(seed, 'minio/root@v1'));
    expect(byName('keycloak/secret/database').inputs.stringData.value).toEqual(byName('postgresql/secret/role-keycloak').inputs.stringData.value);
  });

  test('no secret stands outside of a Secret and of what is provisioned, and there it is marked as secret', () => {
    const labels = new Set(JSON.stringify(entries).match(/(?<=\$\{secret:)[^}]+/g));
    const values = [seed, ...[...labels].map((label) => derive(seed, label))];
    const rest = JSON.stringify(all.map((one) => ({ ...one, inputs: withoutSecrets(one.inputs) })));
    for (const value of values) expect(rest).not.toContain(value);
  });

  test('run twice it registers the same', async () => {
    const sorted = (registrations: Registration[]) => [...registrations].sort((a, b) => (a.urn < b.urn ? -1 : 1));
    expect(sorted(await registrationsOf(stack, seed))).toEqual(sorted(all));
  });
});

test('fails: a stack without its seed, with the command that sets one', async () => {
  await pulumi.runtime.setMocks({ newResource: () => ({ id: 'x', state: {} }), call: () => ({}) }, 'datalab', 'ssp-cloud.paris');
  pulumi.runtime.setAllConfig({});
  expect(() => deploy(compose(loadStack('ssp-cloud.paris')))).toThrow('pulumi config set --secret datalab:seed');
});
