import { join } from 'node:path';
import { compose } from '../constructs/compose';
import { entriesOf, type Entry } from '../constructs/objects';
import { onyxiaAccount } from '../constructs/onyxia-names';
import { ownerBinding } from '../constructs/onyxia-onboarding';
import { packageOf } from '../constructs/tokens';
import { prepareCluster } from '../embedded/cluster';
import { startControlPlane, stopControlPlane } from '../embedded/control-plane';
import { ensureCrds } from '../embedded/crds';
import { Kube, KubeError, type KubeObject } from '../embedded/kube';
import { openRegion } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { temporaryDirectory } from './embedded/temporary';
import { policiesInForce } from './user-isolation';

/**
 * What the service account of Onyxia's API may do, with its own token on a real API server that has the objects of the
 * stack: its rights, the rules for it and those for everybody. The steps are those that onyxia-api 4.12.0 and its helm take
 * (reference: its calls as it was run), with what the stack's own configuration of Onyxia says.
 */
jest.setTimeout(300_000);

const directory = temporaryDirectory();
const by = { fieldManager: 'onyxia-api' };
const rbac = 'rbac.authorization.k8s.io';

/** A request, and what it is answered: `yes`, or a part of the refusal. */
type Row = readonly [what: string, call: (kube: Kube) => Promise<unknown>, answer: string];

const composed: Record<string, readonly Entry[]> = Object.fromEntries(['ssp-cloud.local', 'ls3.local'].map((stack) => [stack, entriesOf(compose(loadStack(stack)))]));
/** A file of Onyxia's configuration in a stack. */
const configured = (stack: string, map: string, file: string) =>
  JSON.parse((composed[stack]!.find(({ id }) => id === `onyxia/configmap/${map}`)!.object as KubeObject).data[file]);
const servicesOf = (stack: string) => configured(stack, 'api', 'regions')[0].services;

const namespace = (name: string, labels: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
const object = (apiVersion: string, kind: string, home: string, name: string, fields: object = {}): KubeObject => ({ apiVersion, kind, metadata: { name, namespace: home }, ...fields });
const binding = (home: string, name: string, role: string, subjects: object[]): KubeObject =>
  object(`${rbac}/v1`, 'RoleBinding', home, name, { roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role }, subjects });
const person = (name: string) => ({ kind: 'User', name, apiGroup: rbac });
const account = (name: string, home: string) => ({ kind: 'ServiceAccount', name, namespace: home });
const policy = (home: string, name: string, spec: object = {}) => object('networking.k8s.io/v1', 'NetworkPolicy', home, name, { spec: { podSelector: { matchLabels: { app: 'jupyter' } }, ...spec } });
const quota = (home: string, name = 'onyxia-quota') => object('v1', 'ResourceQuota', home, name, { spec: { hard: { 'count/pods': '20' } } });

const create = (made: KubeObject) => (kube: Kube) => kube.create(made, by);
const apply = (made: KubeObject) => (kube: Kube) => kube.apply(made, by);
const read = (path: string) => (kube: Kube) => kube.send('GET', path);
const post = (path: string, body: object) => (kube: Kube) => kube.send('POST', path, body);
const patch = (path: string, change: object) => (kube: Kube) => kube.send('PATCH', path, change, 'application/merge-patch+json');
const replace = (path: string, change: (live: KubeObject) => void) => async (kube: Kube) => {
  const live = await kube.send<KubeObject>('GET', path);
  change(live);
  return kube.send('PUT', path, live);
};

/** Asks the API server, where trying needs more than a request. */
const may = (resourceAttributes: object) => async (kube: Kube) => {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
  const { status } = await kube.send<KubeObject>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review);
  if (!status.allowed) throw new KubeError(403, 'Forbidden', 'not allowed');
};

/** What helm makes for a service: its release, and the objects of a chart of the catalog `ide`. */
const service = (stack: string, home: string): Row[] => {
  const { domain, ingressClassName, certManager } = servicesOf(stack).expose;
  const host = `jupyter.${domain}`;
  const tls = { 'cert-manager.io/cluster-issuer': certManager.certManagerClusterIssuer, 'acme.cert-manager.io/http01-ingress-class': ingressClassName };
  const { from } = configured(stack, 'schemas', 'network-policy.json').properties;
  const labels = { app: 'jupyter' };
  const pod = { metadata: { labels }, spec: { serviceAccountName: 'jupyter', containers: [{ name: 'jupyter', image: 'inseefrlab/onyxia-jupyter-python:py3.13.13' }] } };
  const backend = { service: { name: 'jupyter', port: { number: 8888 } } };
  return [
    [`writes the release of a service in ${home}`, create(object('v1', 'Secret', home, 'sh.helm.release.v1.jupyter.v1', { type: 'helm.sh/release.v1' })), 'yes'],
    [`writes its own note of it in ${home}`, create(object('v1', 'Secret', home, 'sh.onyxia.release.v1.jupyter')), 'yes'],
    [`reads the releases in ${home}`, read(`/api/v1/namespaces/${home}/secrets?labelSelector=owner%3Dhelm`), 'yes'],
    [`makes a StatefulSet in ${home}`, create(object('apps/v1', 'StatefulSet', home, 'jupyter', { spec: { serviceName: 'jupyter', selector: { matchLabels: labels }, template: pod } })), 'yes'],
    [`makes a Deployment in ${home}`, create(object('apps/v1', 'Deployment', home, 'jupyter', { spec: { selector: { matchLabels: labels }, template: pod } })), 'yes'],
    [`makes a Service in ${home}`, create(object('v1', 'Service', home, 'jupyter', { spec: { selector: labels, ports: [{ port: 8888 }] } })), 'yes'],
    [`makes a ConfigMap in ${home}`, create(object('v1', 'ConfigMap', home, 'jupyter')), 'yes'],
    [`makes a volume claim in ${home}`, create(object('v1', 'PersistentVolumeClaim', home, 'jupyter', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })), 'yes'],
    [`makes an Ingress in ${home}`, create({
      ...object('networking.k8s.io/v1', 'Ingress', home, 'jupyter', { spec: { ingressClassName, tls: [{ hosts: [host], secretName: 'tls' }], rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] } }),
      metadata: { name: 'jupyter', namespace: home, annotations: tls },
    }), 'yes'],
    [`makes the network policies of a chart in ${home}: own pods`, create(policy(home, 'jupyter', { policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] })), 'yes'],
    [`makes the network policies of a chart in ${home}: users' proxies`, create(policy(home, 'jupyter-2', { policyTypes: ['Ingress'], ingress: [{ from: from.const }] })), 'yes'],
    [`makes the service account of the service in ${home}`, create(object('v1', 'ServiceAccount', home, 'jupyter')), 'yes'],
    [`lets the service view ${home}`, create(binding(home, 'jupyter', 'view', [account('jupyter', home)])), 'yes'],
    [`lists pods in ${home}`, read(`/api/v1/namespaces/${home}/pods`), 'yes'],
    [`reads the quota of ${home}`, read(`/api/v1/namespaces/${home}/resourcequotas/onyxia-quota`), 'yes'],
    [`removes the service from ${home}`, (kube) => kube.delete(object('apps/v1', 'StatefulSet', home, 'jupyter')), 'yes'],
    [`names a service with one character in ${home}`, create(object('v1', 'Secret', home, 'sh.helm.release.v1.x.v1')), 'has at least two characters'],
    [`binds the service to cluster-admin in ${home}`, create(binding(home, 'root', 'cluster-admin', [account('jupyter', home)])), 'permissions not currently held'],
    [`binds the service to another role in ${home}`, create(binding(home, 'basic', 'system:basic-user', [account('jupyter', home)])), 'to admin, edit or view'],
    [`binds a stranger in ${home}`, create(binding(home, 'stranger', 'view', [person('oidc-mallory')])), 'is not shared by a role binding'],
    [`binds a service of another namespace in ${home}`, create(binding(home, 'other', 'view', [account('jupyter', 'user-bob')])), 'is not shared by a role binding'],
    [`binds everybody in ${home}`, create(binding(home, 'all', 'view', [{ kind: 'Group', name: 'system:authenticated', apiGroup: rbac }])), 'is not shared by a role binding'],
    [`enters a pod in ${home}`, post(`/api/v1/namespaces/${home}/pods/jupyter/exec?command=sh&stdin=true`, {}), 'enters no pod'],
    [`takes a token of a service account in ${home}`, post(`/api/v1/namespaces/${home}/serviceaccounts/jupyter/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }), 'takes no token'],
    [`sets another quota in ${home}`, create(quota(home, 'mine')), 'resourcequotas'],
    [`deletes the quota no-exposure of ${home}`, (kube) => kube.delete(quota(home, 'no-exposure')), 'cannot delete resource "resourcequotas"'],
    [`opens the network of ${home}`, create(policy(home, 'open', { ingress: [{}] })), 'names its peers'],
    [`writes the fence of ${home}`, create(policy(home, 'default-deny')), 'belong to the platform'],
    [`changes the limits of ${home}`, create(object('v1', 'LimitRange', home, 'mine', { spec: { limits: [] } })), 'cannot create resource "limitranges"'],
  ];
};

/** Beyond the namespaces of people and projects: the same in both postures. */
const elsewhere: Row[] = [
  ['reads a Secret of the platform', read('/api/v1/namespaces/keycloak/secrets/database'), 'cannot get resource "secrets"'],
  ['reads its own namespace\'s Secrets', read('/api/v1/namespaces/onyxia/secrets'), 'cannot list resource "secrets"'],
  ['reads the Secrets of the cluster', read('/api/v1/secrets'), 'cannot list resource "secrets"'],
  ['reads a ConfigMap of the platform', read('/api/v1/namespaces/keycloak/configmaps/theme'), 'cannot get resource "configmaps"'],
  ['lists the pods of the cluster', read('/api/v1/pods'), 'cannot list resource "pods"'],
  ['lists namespaces', read('/api/v1/namespaces'), 'cannot list resource "namespaces"'],
  ['reads nodes', read('/api/v1/nodes'), 'cannot list resource "nodes"'],
  ['deletes the namespace of a person', (kube) => kube.delete(namespace('user-alice', {})), 'cannot delete resource "namespaces"'],
  ['makes itself cluster-admin', create({ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'root' }, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [onyxiaAccount] }), 'cannot create resource "clusterrolebindings"'],
  ['changes a rule that confines it', (kube) => kube.delete({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'datalab-onyxia-api' } }), 'cannot delete resource "validatingadmissionpolicies"'],
  ['acts as somebody else', may({ verb: 'impersonate', resource: 'users' }), 'not allowed'],
  ['binds cluster-admin', may({ verb: 'bind', group: rbac, resource: 'clusterroles', name: 'cluster-admin' }), 'not allowed'],
  ['makes a Deployment in kube-system', create(object('apps/v1', 'Deployment', 'kube-system', 'sly', { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } } } })), 'cannot create resource "deployments"'],
];

const standard = (owner = 'erin') => ({ ...servicesOf('ssp-cloud.local').namespaceLabels, onyxia_owner: owner });
const erin = 'user-erin';
const owned = (home: string, owner: string) => binding(home, ownerBinding, 'admin', [person(owner)]);
const bindingOf = (home: string) => `/apis/${rbac}/v1/namespaces/${home}/rolebindings/${ownerBinding}`;

const placeWords = 'works in the namespaces of people and projects';
const nameWords = 'is called user-<name> or projet-<name>';
const ownerWords = 'to the owner of the namespace';

/** The first login of somebody, as Onyxia does it, and what it must not be able to do with the same rights. */
const onboarding: Row[] = [
  ['reads a Secret of a namespace before it is Onyxia\'s', read(`/api/v1/namespaces/${erin}/secrets`), 'cannot list resource "secrets"'],
  ['makes the namespace of a person', apply(namespace(erin, standard())), 'yes'],
  ['gives it to its owner', create(owned(erin, 'oidc-erin')), 'yes'],
  ['sets its quota', create(quota(erin)), 'yes'],
  ['applies the namespace again at the next login', apply(namespace(erin, standard())), 'yes'],
  ['sets the binding again at the next login', replace(bindingOf(erin), (live) => (live.subjects = [person('oidc-erin')])), 'yes'],
  ['sets the quota again at the next login', replace(`/api/v1/namespaces/${erin}/resourcequotas/onyxia-quota`, (live) => (live.spec.hard['count/pods'] = '21')), 'yes'],
  ['works there at once', read(`/api/v1/namespaces/${erin}/secrets`), 'yes'],
  ['applies the labels of a namespace that the stack made', apply(namespace('user-alice', standard('alice'))), 'yes'],
  ['makes the namespace of a project', apply(namespace('projet-bees', standard('bees'))), 'yes'],
  ['gives it to the group', create(binding('projet-bees', ownerBinding, 'admin', [{ kind: 'Group', name: 'oidc-bees', apiGroup: rbac }])), 'yes'],
  ['makes a namespace kube-foo', apply(namespace('kube-foo', standard('foo'))), nameWords],
  ['makes a namespace of another kind', apply(namespace('frank', { a: 'b' })), placeWords],
  ['makes a namespace user-', apply(namespace('user--x', standard('x'))), nameWords],
  ['takes over the namespace of a system', patch('/api/v1/namespaces/keycloak', { metadata: { labels: { onyxia_owner: 'keycloak' } } }), nameWords],
  ['changes the namespace of a system', patch('/api/v1/namespaces/keycloak', { metadata: { annotations: { a: 'b' } } }), placeWords],
  ['takes over a namespace that was there before', apply(namespace('user-portal', standard('portal'))), 'was there before'],
  ['binds somebody in a namespace that was there before', create(owned('user-portal', 'oidc-portal')), placeWords],
  ['makes a namespace of somebody else\'s name', apply(namespace('user-frank', standard())), nameWords],
  ['gives its namespace another owner', patch(`/api/v1/namespaces/${erin}`, { metadata: { labels: { onyxia_owner: 'frank' } } }), nameWords],
  ['takes a namespace from its owner', patch(`/api/v1/namespaces/${erin}`, { metadata: { labels: { onyxia_owner: null } } }), 'onyxia_owner'],
  ['makes a namespace without Pod Security', apply(namespace('user-frank', { onyxia_owner: 'frank' })), "has the region's labels"],
  ['lowers Pod Security', replace(`/api/v1/namespaces/${erin}`, (live) => (live.metadata.labels!['pod-security.kubernetes.io/enforce'] = 'privileged')), 'cannot update resource "namespaces"'],
  ['lowers Pod Security by a patch', patch(`/api/v1/namespaces/${erin}`, { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } }), "has the region's labels"],
  ['gives a namespace to somebody else', replace(bindingOf(erin), (live) => (live.subjects = [person('oidc-mallory')])), ownerWords],
  ['gives a namespace to everybody', replace(bindingOf(erin), (live) => (live.subjects = [{ kind: 'Group', name: 'system:authenticated', apiGroup: rbac }])), ownerWords],
  ['gives the namespace of a person to a group of the same name', replace(bindingOf(erin), (live) => (live.subjects = [{ kind: 'Group', name: 'oidc-erin', apiGroup: rbac }])), ownerWords],
  ['rewrites the quota no-exposure', replace('/api/v1/namespaces/user-alice/resourcequotas/no-exposure', (live) => (live.spec.hard['services.loadbalancers'] = '9')), 'Onyxia itself writes onyxia-quota and nothing else'],
  ['binds somebody in a namespace of the platform', create(owned('keycloak', 'oidc-erin')), placeWords],
  ['binds itself in a namespace of the platform', create(binding('keycloak', 'sly', 'admin', [onyxiaAccount])), placeWords],
  ['binds somebody in kube-system', create(owned('kube-system', 'oidc-erin')), placeWords],
  ['sets a quota of the platform', create(quota('keycloak')), placeWords],
];

/** In posture confidential the stack makes the namespaces. */
const noOnboarding: Row[] = [
  ['makes the namespace of a person', apply(namespace(erin, standard())), 'cannot patch resource "namespaces"'],
  ['gives a namespace to somebody', create(owned('user-alice', 'oidc-mallory')), 'say whose namespace this is and stay'],
  ['gives a namespace to its owner, as the stack does', create(owned('user-alice', 'oidc-alice')), 'say whose namespace this is and stay'],
  ['sets a quota', create(quota('user-alice', 'more')), 'cannot create resource "resourcequotas"'],
  ['raises a quota', replace('/api/v1/namespaces/user-alice/resourcequotas/onyxia-quota', (live) => (live.spec.hard['count/pods'] = '1000')), 'cannot update resource "resourcequotas"'],
  ['binds somebody in a namespace of the platform', create(owned('keycloak', 'oidc-erin')), 'cannot create resource "rolebindings"'],
];

describe.each([
  ['open', 'ssp-cloud.local', [...onboarding, ...service('ssp-cloud.local', erin), ...service('ssp-cloud.local', 'user-alice'), ...elsewhere]],
  ['confidential', 'ls3.local', [...noOnboarding, ...service('ls3.local', 'user-alice'), ...service('ls3.local', 'projet-ape'), ...elsewhere]],
] as const)('posture %s', (_, stack, rows) => {
  const state = openRegion(stack, join(directory, stack));
  let admin: Kube;
  let onyxia: Kube;

  beforeAll(async () => {
    const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
    const { kubeconfig } = await startControlPlane({ state, tools, progress: silent });
    admin = new Kube(kubeconfig);
    await prepareCluster({ kube: admin, definitions: await ensureCrds(silent), storageClasses: ['standard'], nodes: [], progress: silent });
    const all = composed[stack]!.filter(({ object: { apiVersion, kind } }) => !packageOf({ apiVersion }) && !['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(kind));
    for (const first of [true, false]) {
      const batch = all.filter(({ object: { kind } }) => ['Namespace', 'PriorityClass'].includes(kind) === first);
      await Promise.all(batch.map(({ object: made }) => admin.apply(made as KubeObject, { fieldManager: 'test' })));
    }
    await admin.apply(namespace('user-portal', {}), { fieldManager: 'test' });
    const { status } = await admin.send<KubeObject>('POST', `/api/v1/namespaces/onyxia/serviceaccounts/${onyxiaAccount.name}/token`, {
      apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {},
    });
    onyxia = new Kube(kubeconfig, { token: status.token });
    await policiesInForce(admin);
  });

  afterAll(async () => {
    onyxia?.close();
    admin?.close();
    await stopControlPlane({ state, progress: silent });
  });

  test.each(rows)('%s', async (_what, call, answer) => {
    expect(await verdict(onyxia, call)).toEqual(answer === 'yes' ? 'yes' : expect.stringContaining(answer));
  });
});

async function verdict(kube: Kube, call: Row[1]): Promise<string> {
  try {
    await call(kube);
    return 'yes';
  } catch (error) {
    if (error instanceof KubeError) return `${error.status}: ${error.message}`;
    throw error;
  }
}
