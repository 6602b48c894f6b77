import { join } from 'node:path';
import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import { prepareCluster } from '../../embedded/cluster';
import { startControlPlane, stopControlPlane } from '../../embedded/control-plane';
import { ensureCrds } from '../../embedded/crds';
import { Kube, type KubeObject } from '../../embedded/kube';
import { openRegion } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { loadStack } from '../../model/stack';
import { rules } from '../../policies/all';
import { container } from '../../policies/examples';
import type { Manifest, RuleAdmission } from '../../policies/rule';
import { eventually, temporaryDirectory } from '../embedded/temporary';
import { policiesInForce } from '../user-isolation';

/**
 * A rule says the same in TypeScript and in CEL: on a real API server each of its policies judges the examples of all rules as
 * its check does. Every policy has a namespace where it holds alone, so that it is known which one refuses.
 */
afterAll(async () => {
  kube?.close();
  await stopControlPlane({ state, progress: silent });
});
const state = openRegion('ls3.local', join(temporaryDirectory(), 'state'));
let kube: Kube;
const by = { fieldManager: 'test', force: true };

const said = rules.flatMap((rule) => (rule.admission && !('by' in rule.admission) ? [{ ...rule, admission: rule.admission }] : []));
const namespaceOf = (id: string) => `rule-${id}`;

/** The objects of all examples that one of the rules is about, each once; of a pod also with its container as an init container. */
const examples = said.flatMap((rule) => [...rule.examples.pass, ...rule.examples.fail].flat()).filter((each) => each.metadata.namespace);
const objects = [...new Map([...examples, ...examples.filter(({ kind }) => kind === 'Pod').map(asInitContainer)].map((each) => [JSON.stringify(each), each])).values()];
function asInitContainer(pod: Manifest): Manifest {
  const { containers: [first], ...spec } = pod.spec;
  return { ...pod, spec: { ...spec, initContainers: [{ ...first, name: 'first' }], containers: [container()] } };
}

const concerns = ({ resources }: RuleAdmission, { apiVersion, kind }: Manifest) =>
  resources[apiVersion.includes('/') ? apiVersion.split('/')[0]! : '']?.includes(`${kind.toLowerCase()}s`) ?? false;

beforeAll(async () => {
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  const { kubeconfig } = await startControlPlane({ state, tools, progress: silent });
  kube = new Kube(kubeconfig);
  await prepareCluster({ kube, definitions: await ensureCrds(silent), storageClasses: ['simulated'], nodes: [], progress: silent });
  const composed = entriesOf(compose(loadStack('ls3.local'))).map(({ object }) => object as KubeObject);
  for (const { id } of said) {
    await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(id), labels: { rule: id } } }, by);
    await kube.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'app', namespace: namespaceOf(id) } }, by);
    for (const object of composed.filter(({ kind, metadata }) => kind.startsWith('ValidatingAdmission') && metadata.name === `datalab-${id}`)) {
      const alone = object.kind.endsWith('Binding') ? { ...object, spec: { ...object.spec, matchResources: { namespaceSelector: { matchLabels: { rule: id } } } } } : object;
      await kube.apply(alone, by);
    }
  }
  for (const { id } of said) await eventually(`the default account of ${id}`, () => kube.get({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: namespaceOf(id) } }));
  await policiesInForce(kube);
}, 20 * 60_000);

test('every rule that CEL says is a policy of the confidential instance', async () => {
  const policies = (await kube.list('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy')).map(({ metadata }) => metadata.name);
  expect(policies).toEqual(expect.arrayContaining(said.map(({ id }) => `datalab-${id}`)));
});

test.each(said.map((rule) => [rule.id, rule] as const))('%s: CEL and check agree, and refuse nothing of other rules', async (id, { check, admission, examples }) => {
  const verdicts = await Promise.all(objects.map(async (object) => {
    const inside = { ...object, metadata: { ...object.metadata, namespace: namespaceOf(id) } };
    const wanted = concerns(admission, object) && check([object]).length ? 'refused' : 'admitted';
    const got = await kube.create(inside as KubeObject, { ...by, dryRun: true }).then(() => 'admitted', (error: Error) => (error.message.includes(`ValidatingAdmissionPolicy 'datalab-${id}'`) ? 'refused' : error.message));
    return { object, wanted, got };
  }));
  expect(verdicts.filter(({ wanted, got }) => wanted !== got)).toEqual([]);
  const own = examples.fail.flat().filter((each) => concerns(admission, each));
  expect(own.length).toBeGreaterThan(0);
  expect(own.every((each) => verdicts.some(({ object, got }) => JSON.stringify(object) === JSON.stringify(each) && got === 'refused'))).toBe(true);
});

afterAll(() => console.log(`CEL and check: ${said.length} rules × ${objects.length} objects on the API server`));
