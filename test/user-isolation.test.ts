import { join } from 'node:path';
import { schemaOverrides } from '../catalogs/schemas';
import { compose } from '../constructs/compose';
import { entriesOf } from '../constructs/objects';
import { onyxiaAccount } from '../constructs/onyxia-names';
import { ownerBinding } from '../constructs/onyxia-onboarding';
import { fenceOf } from '../constructs/user-fence';
import { userNamespaceLabels } from '../constructs/user-namespace';
import { prepareCluster } from '../embedded/cluster';
import { startControlPlane, stopControlPlane } from '../embedded/control-plane';
import { ensureCrds } from '../embedded/crds';
import { Kube, type KubeObject } from '../embedded/kube';
import { openRegion } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { silent } from '../model/progress';
import { loadStack } from '../model/stack';
import { eventually, temporaryDirectory } from './embedded/temporary';
import { ask, policiesInForce, verdict, type Verb } from './user-isolation';

/**
 * What people can do in their namespaces and what not, on a real API server with its real controllers. People are
 * impersonated: that a token of the realm makes somebody `oidc-alice` is not shown here. Each attempt is a dry run, which
 * passes authorization and admission and keeps nothing.
 */
jest.setTimeout(300_000);

// Before the directory's own clean-up: hooks run in this order.
afterAll(async () => {
  kube?.close();
  await stopControlPlane({ state, progress: silent });
});
const state = openRegion('ssp-cloud.local', join(temporaryDirectory(), 'state'));

let kube: Kube;
let kubeconfig: string;
const by = { fieldManager: 'test', force: true };

const stacks = { open: 'ssp-cloud.local', confidential: 'ls3.local' } as const;
type Posture = keyof typeof stacks;
const alice = ['oidc-alice'];
const account = (home: string, name: string) => [`system:serviceaccount:${home}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${home}`];
const onyxia = account(onyxiaAccount.namespace, onyxiaAccount.name);
const deployer = ['deployer', 'deployers'];
const namespace = 'user-alice';

/** What the stack does not say: whoever deploys, and what a cluster's administrators gave. */
const rights: KubeObject[] = [
  binding('ClusterRoleBinding', 'deployers', 'cluster-admin', { kind: 'Group', name: 'deployers' }),
  // What a cluster's administrators may have aggregated into `admin`, and clusters that were upgraded still have.
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'test-aggregated', labels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } }, rules: [
    { apiGroups: ['cert-manager.io', 'gateway.networking.k8s.io'], resources: ['*'], verbs: ['*'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['create'] },
    { apiGroups: [''], resources: ['endpoints'], verbs: ['create'] },
  ] },
];

function binding(kind: string, name: string, role: string, subject: object, within?: string): KubeObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name, namespace: within },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ ...('namespace' in subject ? {} : { apiGroup: 'rbac.authorization.k8s.io' }), ...subject }],
  };
}
const fullControl = (of: string, subject: object) => binding('RoleBinding', ownerBinding, 'admin', subject, of);

const platform = (posture: Posture) => compose(loadStack(stacks[posture]));

/** The rules, the namespaces of people and the rights of Onyxia's account as the stack has them, and what Onyxia adds to those. */
async function deploy(posture: Posture): Promise<void> {
  const systems = /^(user-|projet-|priorities$|user-admission$|fence$)/;
  const rules = /Admission|RuntimeClass|Role/;
  const wanted = entriesOf(platform(posture)).filter(({ object: { kind }, system }) => systems.test(system) || (['gpu', 'onyxia'].includes(system) && rules.test(kind)));
  for (const entry of wanted) await kube.apply(entry.object as KubeObject, by);
  for (const name of ['alice', 'bob']) await kube.apply(fullControl(`user-${name}`, { kind: 'User', name: `oidc-${name}` }), by);
  await policiesInForce(kube);
}

beforeAll(async () => {
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  ({ kubeconfig } = await startControlPlane({ state, tools, progress: silent }));
  kube = new Kube(kubeconfig);
  const capacity = { cpu: '16', memory: '64Gi', pods: '110', 'nvidia.com/gpu': '2' };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'cpu-0' }, status: { capacity, allocatable: capacity } };
  await prepareCluster({ kube, definitions: await ensureCrds(silent), storageClasses: ['simulated'], nodes: [node], progress: silent });
  for (const each of rights) await kube.apply(each, by);
}, 20 * 60_000);

function object(apiVersion: string, kind: string, name: string, fields: object = {}, within: string | undefined = namespace): KubeObject {
  return { apiVersion, kind, metadata: { name, ...(within ? { namespace: within } : {}) }, ...fields };
}
const annotated = (of: KubeObject, annotations: Record<string, string>): KubeObject => ({ ...of, metadata: { ...of.metadata, annotations } });

const image = (posture: Posture) => (posture === 'open' ? 'docker.io/inseefrlab/onyxia-jupyter-python:py3.13.13' : 'registry.ls3.insee.fr/datalab/inseefrlab/onyxia-jupyter-python:py3.13.13');
const domain = (posture: Posture) => `user.${stacks[posture].split('.')[0]}.localhost`;

/** A pod as the charts of the catalogs make it, without a security context. */
const podSpec = (posture: Posture, spec: object = {}, container: object = {}) => ({
  containers: [{ name: 'work', image: image(posture), resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '64Mi' } }, ...container }],
  ...spec,
});
const pod = (posture: Posture, spec: object = {}, container: object = {}, within = namespace) => object('v1', 'Pod', 'work', { spec: podSpec(posture, spec, container) }, within);
const template = (posture: Posture, spec: object = {}) => ({ metadata: { labels: { app: 'work' } }, spec: podSpec(posture, spec) });
const gpus = (count: number) => ({ resources: { requests: { cpu: '100m', memory: '64Mi', 'nvidia.com/gpu': count }, limits: { memory: '64Mi', 'nvidia.com/gpu': count } } });
const service = (spec: object = {}) => object('v1', 'Service', 'work', { spec: { selector: { app: 'work' }, ports: [{ port: 80 }], ...spec } });
const claim = (spec: object = {}) => object('v1', 'PersistentVolumeClaim', 'work', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec } });
const policy = (spec: object, name = 'mine') => object('networking.k8s.io/v1', 'NetworkPolicy', name, { spec: { podSelector: {}, ...spec } });
const gatewayPeer = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'simulated-gateway' } }, podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } } };
const backend = { service: { name: 'work', port: { number: 80 } } };
const ingress = (host: string | undefined, spec: object = {}) => object('networking.k8s.io/v1', 'Ingress', 'work', {
  spec: { ingressClassName: 'simulated', rules: [{ ...(host ? { host } : {}), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }], ...spec },
});
const route = (hostnames: string[] | undefined, spec: object = {}, backendRef: object = {}) => object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'work', {
  spec: { parentRefs: [{ name: 'datalab', namespace: 'gateway' }], ...(hostnames ? { hostnames } : {}), rules: [{ backendRefs: [{ name: 'work', port: 80, ...backendRef }] }], ...spec },
});
const certificate = (spec: object) => object('cert-manager.io/v1', 'Certificate', 'work', { spec: { secretName: 'tls', issuerRef: { kind: 'ClusterIssuer', name: 'simulated' }, ...spec } });
const role = (rule: object) => object('rbac.authorization.k8s.io/v1', 'Role', 'work', { rules: [{ apiGroups: [''], ...rule }] });
const share = (...subjects: object[]) => ({ ...binding('RoleBinding', 'share', 'view', {}, namespace), subjects });
const labelled = (name: string, labels: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
const onyxiaQuota = object('v1', 'ResourceQuota', 'onyxia-quota', { spec: { hard: { 'count/pods': '10' } } });
const labelsOf = (posture: Posture, owner: string) => ({ ...userNamespaceLabels(platform(posture).region), onyxia_owner: owner });
/** What the schema override of the region puts into the network policies of charts. */
const chartPeers = (posture: Posture) => {
  const { instance, region } = platform(posture);
  return (schemaOverrides(instance, region)['network-policy.json'] as any).properties.from.const as object[];
};

const hostWords = 'A host is one name below user.';
const fenceWords = 'The network policies default-deny and work belong to the platform';
const peerWords = (rules: string) => `Each ${rules} rule names its peers`;
const shareWords = 'A namespace is not shared by a role binding';

type Attempt = readonly [what: string, who: readonly string[], verb: Verb, object: KubeObject, expected: string];

/** Every attempt with what the API server says: `allowed`, or words of its refusal. Written by hand. */
const attempts = (posture: Posture): readonly Attempt[] => [
  // Work as usual.
  ['a pod', alice, 'create', pod(posture), 'allowed'],
  ['a pod that says nothing of resources', alice, 'create', pod(posture, {}, { resources: undefined }), 'allowed'],
  ['a pod whose first container is the one of every chart for work', alice, 'create', pod(posture, { initContainers: [{ name: 'first', image: image(posture).replace(/onyxia-jupyter.*/, 'onyxia-base:latest') }] }), 'allowed'],
  ['a pod with the priority class for batch jobs', alice, 'create', pod(posture, { priorityClassName: 'datalab-batch' }), 'allowed'],
  ['a pod with the GPU of the quota', alice, 'create', pod(posture, { runtimeClassName: 'nvidia' }, gpus(1)), 'allowed'],
  ['a Deployment', alice, 'create', object('apps/v1', 'Deployment', 'work', { spec: { selector: { matchLabels: { app: 'work' } }, template: template(posture) } }), 'allowed'],
  ['a Job', alice, 'create', object('batch/v1', 'Job', 'work', { spec: { template: template(posture, { restartPolicy: 'Never' }) } }), 'allowed'],
  ['a Service', alice, 'create', service(), 'allowed'],
  ['a headless Service', alice, 'create', service({ clusterIP: 'None' }), 'allowed'],
  ['a claim', alice, 'create', claim(), 'allowed'],
  ['an Ingress below the users\' domain', alice, 'create', ingress(`work.${domain(posture)}`, { tls: [{ hosts: [`work.${domain(posture)}`] }] }), 'allowed'],
  ['an Ingress with harmless settings', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'nginx.ingress.kubernetes.io/proxy-body-size': '0', 'meta.helm.sh/release-name': 'work' }), 'allowed'],
  ['an Ingress as charts annotate it', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'cert-manager.io/cluster-issuer': 'simulated', 'acme.cert-manager.io/http01-ingress-class': 'simulated' }), 'allowed'],
  ['an HTTPRoute below the users\' domain', alice, 'create', route([`work.${domain(posture)}`]), 'allowed'],
  ['a certificate of the own host', alice, 'create', certificate({ dnsNames: [`work.${domain(posture)}`] }), 'allowed'],
  ['a network policy among own pods', alice, 'create', policy({ ingress: [{ from: [{ podSelector: { matchLabels: { app: 'work' } } }] }], egress: [{ to: [{ podSelector: {} }] }] }), 'allowed'],
  ['a network policy from the gateway', alice, 'create', policy({ ingress: [{ from: [gatewayPeer], ports: [{ port: 8888 }] }] }), 'allowed'],
  ['a network policy as charts make it', alice, 'create', policy({ policyTypes: ['Ingress'], ingress: [{ from: chartPeers(posture) }] }), 'allowed'],
  ['a network policy that denies more', alice, 'create', policy({ policyTypes: ['Ingress', 'Egress'] }), 'allowed'],
  ['a Role', alice, 'create', object('rbac.authorization.k8s.io/v1', 'Role', 'work', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] }), 'allowed'],
  ['a role binding of an own service account', alice, 'create', share({ kind: 'ServiceAccount', name: 'work', namespace }), 'allowed'],
  ['a Secret', alice, 'create', object('v1', 'Secret', 'work', { stringData: { key: 'value' } }), 'allowed'],
  ['reading the own fence', alice, 'get', policy({}, 'default-deny'), 'allowed'],

  // The fence.
  ['delete default-deny', alice, 'delete', policy({}, 'default-deny'), fenceWords],
  ['delete work', alice, 'delete', policy({}, 'work'), fenceWords],
  ['delete every network policy', alice, 'delete all', policy({}), fenceWords],
  ['open default-deny', alice, 'apply', policy({ ingress: [{}] }, 'default-deny'), fenceWords],
  ['let in everybody', alice, 'create', policy({ ingress: [{}] }), peerWords('ingress')],
  ['let in another namespace', alice, 'create', policy({ ingress: [{ from: [{ namespaceSelector: { matchLabels: { onyxia_owner: 'bob' } } }] }] }), peerWords('ingress')],
  ['let in the whole namespace of the gateway', alice, 'create', policy({ ingress: [{ from: [{ namespaceSelector: gatewayPeer.namespaceSelector }] }] }), peerWords('ingress')],
  ['go out everywhere', alice, 'create', policy({ egress: [{}] }), peerWords('egress')],
  ['go out to the API server', alice, 'create', policy({ egress: [{ to: [{ ipBlock: { cidr: '10.96.0.1/32' } }] }] }), peerWords('egress')],
  ['go out to any namespace', alice, 'create', policy({ egress: [{ to: [{ namespaceSelector: {} }] }] }), peerWords('egress')],
  ['raise the quota', alice, 'apply', onyxiaQuota, 'cannot patch resource "resourcequotas"'],
  ['delete the limit range', alice, 'delete', object('v1', 'LimitRange', 'defaults'), 'cannot delete resource "limitranges"'],

  // The namespace.
  ['change the labels of the own namespace', alice, 'apply', labelled(namespace, { 'pod-security.kubernetes.io/enforce': 'privileged' }), 'cannot patch resource "namespaces"'],
  ['delete the own namespace', alice, 'delete', labelled(namespace, {}), 'cannot delete resource "namespaces"'],
  ['make a namespace', alice, 'create', labelled('user-alice2', {}), 'cannot create resource "namespaces"'],

  // Others' namespaces, the platform and the cluster.
  ['read secrets of another person', alice, 'list', object('v1', 'Secret', '', {}, 'user-bob'), 'cannot list resource "secrets" in API group "" in the namespace "user-bob"'],
  ['read secrets of the platform', alice, 'list', object('v1', 'Secret', '', {}, 'kube-system'), 'cannot list resource "secrets"'],
  ['a pod in another person\'s namespace', alice, 'create', pod(posture, {}, {}, 'user-bob'), 'cannot create resource "pods" in API group "" in the namespace "user-bob"'],
  ['read the nodes', alice, 'list', { apiVersion: 'v1', kind: 'Node', metadata: { name: '' } }, 'cannot list resource "nodes"'],
  ['delete the rules', alice, 'delete', { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'datalab-fence' } }, 'cannot delete resource "validatingadmissionpolicies"'],

  // Pods.
  ['a privileged pod', alice, 'create', pod(posture, {}, { securityContext: { privileged: true } }), 'violates PodSecurity "baseline:latest": privileged'],
  ['a pod with a path of the node', alice, 'create', pod(posture, { volumes: [{ name: 'node', hostPath: { path: '/' } }] }), 'violates PodSecurity "baseline:latest": hostPath volumes (volume "node")'],
  ['a pod in the network of the node', alice, 'create', pod(posture, { hostNetwork: true }), 'host namespaces (hostNetwork=true)'],
  ['a pod with a port of the node', alice, 'create', pod(posture, {}, { ports: [{ containerPort: 80, hostPort: 80 }] }), 'violates PodSecurity "baseline:latest": hostPort'],
  ['a pod with the capabilities of an administrator', alice, 'create', pod(posture, {}, { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }), 'violates PodSecurity "baseline:latest": non-default capabilities'],
  ['a pod with a file server of the network', alice, 'create', pod(posture, { volumes: [{ name: 'files', nfs: { server: '10.0.0.1', path: '/' } }] }), 'A pod mounts nothing of its node and no storage past the quota'],
  ['a pod with an image as a volume', alice, 'create', pod(posture, { volumes: [{ name: 'data', image: { reference: image(posture) } }] }), 'A pod mounts nothing of its node and no storage past the quota'],
  ['a pod whose image has sudo', alice, 'create', pod(posture, {}, { securityContext: { runAsUser: 0, allowPrivilegeEscalation: true } }), 'allowed'],
  ['a pod that names its node', alice, 'create', pod(posture, { nodeName: 'cpu-0' }), 'A pod does not choose its node by name'],
  ['a pod with the platform\'s priority', alice, 'create', pod(posture, { priorityClassName: 'datalab-platform' }), 'This priority class is of the platform'],
  ['a pod with the priority of the cluster', alice, 'create', pod(posture, { priorityClassName: 'system-node-critical' }), 'This priority class is of the platform'],
  ['a pod that tolerates everything', alice, 'create', pod(posture, { tolerations: [{ operator: 'Exists' }] }), 'A toleration names the key of one taint'],
  ['a pod on the nodes of the cluster itself', alice, 'create', pod(posture, { tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] }), 'A toleration names the key of one taint'],
  ['a pod on GPU nodes without a GPU', alice, 'create', pod(posture, { runtimeClassName: 'nvidia' }), 'GPU nodes are for pods that ask for a GPU'],
  ['more GPUs than the quota has', alice, 'create', pod(posture, { runtimeClassName: 'nvidia' }, gpus(2)), 'exceeded quota: onyxia-quota, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=1'],
  ['a device past the quota', alice, 'create', pod(posture, { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }), 'Devices are asked for by limits'],
  ['an image from the internet', alice, 'create', pod(posture, {}, { image: 'docker.io/library/busybox:1' }), posture === 'open' ? 'allowed' : 'Images come from registry.ls3.insee.fr/datalab/'],
  ['an image from the internet in an init container', alice, 'create', pod(posture, { initContainers: [{ ...podSpec(posture).containers[0], name: 'first', image: 'busybox' }] }), posture === 'open' ? 'allowed' : 'Images come from registry.ls3.insee.fr/datalab/'],
  ['a registry whose name begins alike', alice, 'create', pod(posture, {}, { image: 'registry.ls3.insee.fr/datalab-evil/x:1' }), posture === 'open' ? 'allowed' : 'Images come from registry.ls3.insee.fr/datalab/'],

  // Ways in.
  ['an Ingress for a foreign host', alice, 'create', ingress('auth.example.org'), hostWords],
  ['an Ingress for a host of the platform', alice, 'create', ingress(`keycloak.${stacks[posture].split('.')[0]}.localhost`), hostWords],
  ['an Ingress two names below', alice, 'create', ingress(`a.b.${domain(posture)}`), hostWords],
  ['an Ingress for a host that only ends alike', alice, 'create', ingress(`workx${domain(posture)}`), hostWords],
  ['an Ingress for every host', alice, 'create', ingress(undefined), hostWords],
  ['an Ingress for a wildcard', alice, 'create', ingress(`*.${domain(posture)}`), hostWords],
  ['an Ingress with a certificate for a foreign host', alice, 'create', ingress(`work.${domain(posture)}`, { tls: [{ hosts: ['auth.example.org'] }] }), hostWords],
  ['an Ingress that catches what is left', alice, 'create', ingress(`work.${domain(posture)}`, { defaultBackend: backend }), 'A default backend would answer for the hosts of others'],
  ['an Ingress of another class', alice, 'create', ingress(`work.${domain(posture)}`, { ingressClassName: 'internal' }), 'The way in is the ingress class simulated'],
  ['an Ingress with a snippet', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'nginx.ingress.kubernetes.io/configuration-snippet': 'return 200;' }), 'Only annotations that concern the requests to your own host'],
  ['an Ingress whose certificate is proven through another class', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'acme.cert-manager.io/http01-ingress-class': 'internal' }), 'The annotation acme.cert-manager.io/http01-ingress-class is simulated in this region'],
  ['an Ingress with a second host by annotation', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'nginx.ingress.kubernetes.io/server-alias': 'auth.example.org' }), 'Only annotations that concern the requests to your own host'],
  ['an Ingress with a line smuggled into a setting', alice, 'create', annotated(ingress(`work.${domain(posture)}`), { 'haproxy.org/timeout-server': '50s\n http-request deny' }), 'Only annotations that concern the requests to your own host'],
  ['an HTTPRoute for a foreign host', alice, 'create', route(['auth.example.org']), hostWords],
  ['an HTTPRoute for every host', alice, 'create', route(undefined), hostWords],
  ['an HTTPRoute through another gateway', alice, 'create', route([`work.${domain(posture)}`], { parentRefs: [{ name: 'internal', namespace: 'infra' }] }), 'The way in is the Gateway datalab'],
  ['an HTTPRoute to another person\'s Service', alice, 'create', route([`work.${domain(posture)}`], {}, { namespace: 'user-bob' }), 'A rule leads to Services of this namespace'],
  ['a grant for other namespaces', alice, 'create', object('gateway.networking.k8s.io/v1', 'ReferenceGrant', 'work', { spec: { from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'user-bob' }], to: [{ group: '', kind: 'Service' }] } }), 'In a namespace of a person or project there are HTTPRoutes and GRPCRoutes'],
  ['a gateway', alice, 'create', object('gateway.networking.k8s.io/v1', 'Gateway', 'work', { spec: { gatewayClassName: 'simulated', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] } }), 'In a namespace of a person or project there are HTTPRoutes and GRPCRoutes'],
  ['a certificate of the platform', alice, 'create', certificate({ dnsNames: [`keycloak.${stacks[posture].split('.')[0]}.localhost`] }), hostWords],
  ['a certificate of an authority', alice, 'create', certificate({ dnsNames: [`work.${domain(posture)}`], isCA: true }), 'A certificate of a person names hosts and nothing else'],
  ['a certificate for ten years', alice, 'create', certificate({ dnsNames: [`work.${domain(posture)}`], duration: '87600h' }), 'lasts at most 9552h'],
  ['a request to sign anything', alice, 'create', object('cert-manager.io/v1', 'CertificateRequest', 'work', { spec: { request: 'eA==', issuerRef: { kind: 'ClusterIssuer', name: 'simulated' } } }), 'Certificates are asked for with a Certificate'],

  // Services and volumes.
  ['a LoadBalancer', alice, 'create', service({ type: 'LoadBalancer' }), 'would be reached past the gateway'],
  ['a NodePort', alice, 'create', service({ type: 'NodePort' }), 'would be reached past the gateway'],
  ['a Service with an address of others', alice, 'create', service({ externalIPs: ['10.96.0.1'] }), 'externalIPs could take over addresses of others'],
  ['a Service that is another\'s by name', alice, 'create', service({ type: 'ExternalName', externalName: 'work.user-bob.svc.cluster.local' }), 'A Service of type ExternalName could lead the gateway to somebody else'],
  ['a name in DNS', alice, 'create', annotated(service(), { 'external-dns.alpha.kubernetes.io/hostname': 'auth.example.org' }), "Names in DNS are the platform's"],
  ['endpoints by hand', alice, 'create', object('discovery.k8s.io/v1', 'EndpointSlice', 'work', { addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.7'] }], ports: [] }), 'Endpoints written by hand could lead to pods of others'],
  ['another person\'s volume', alice, 'create', claim({ volumeName: 'pv-of-bob' }), "A claim does not choose its volume, which could be another person's"],
  ['any volume that is free', alice, 'create', claim({ storageClassName: '' }), 'A claim gets a new volume of a storage class'],
  ['a volume by its labels', alice, 'create', claim({ selector: { matchLabels: { of: 'bob' } } }), 'A claim gets a new volume of a storage class'],

  // Rights.
  ['share with another person', alice, 'create', share({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'oidc-bob' }), shareWords],
  ['share with everybody', alice, 'create', share({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }), shareWords],
  ['share with another\'s service account', alice, 'create', share({ kind: 'ServiceAccount', name: 'default', namespace: 'user-bob' }), shareWords],
  ['give away the own namespace', alice, 'apply', fullControl(namespace, { kind: 'User', name: 'oidc-bob' }), 'say whose namespace this is and stay'],
  ['delete the own binding', alice, 'delete', fullControl(namespace, {}), 'say whose namespace this is and stay'],
  ['a service account that is cluster-admin', alice, 'create', { ...share({ kind: 'ServiceAccount', name: 'work', namespace }), roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' } } as KubeObject, 'is attempting to grant RBAC permissions not currently held'],
  ['a role with more than one has', alice, 'create', object('rbac.authorization.k8s.io/v1', 'Role', 'work', { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }), 'is attempting to grant RBAC permissions not currently held'],
  ['a role for tokens of service accounts', alice, 'create', role({ resources: ['serviceaccounts/token'], verbs: ['create'] }), 'A role lets nobody take the rights of others'],
  ['a role to act as service accounts', alice, 'create', role({ resources: ['serviceaccounts'], verbs: ['impersonate'] }), 'A role lets nobody take the rights of others'],
  ['a role that enters pods', alice, 'create', role({ resources: ['pods/exec'], verbs: ['create'] }), posture === 'open' ? 'allowed' : 'A role enters no pod'],
  ['a role in the whole cluster', alice, 'create', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'work' }, rules: [] }, 'cannot create resource "clusterroles"'],
  ['to keep the fence oneself', alice, 'create', object('rbac.authorization.k8s.io/v1', 'Role', 'work', { rules: [{ apiGroups: ['datalab-stacks.io'], resources: ['fences'], verbs: ['*'] }] }), 'is attempting to grant RBAC permissions not currently held'],
  ['a token that never ends', alice, 'create', annotated(object('v1', 'Secret', 'work', { type: 'kubernetes.io/service-account-token' }), { 'kubernetes.io/service-account.name': 'default' }), 'Tokens that never end are not given out'],

  // Whoever deploys.
  ['change default-deny', deployer, 'apply', policy({ policyTypes: ['Ingress'] }, 'default-deny'), 'allowed'],
  ['delete a network policy of the fence', deployer, 'delete', policy({}, 'work'), 'allowed'],
  ['change the quota', deployer, 'apply', onyxiaQuota, 'allowed'],
  ['open a way to another namespace', deployer, 'create', policy({ egress: [{ to: [{ namespaceSelector: {} }] }] }), 'allowed'],
  ['a role for everything', deployer, 'create', role({ resources: ['*'], verbs: ['*'] }), 'A role names its verbs, resources and API groups'],
  ['a service account that is cluster-admin', deployer, 'create', binding('RoleBinding', 'share', 'cluster-admin', { kind: 'ServiceAccount', name: 'work', namespace }, namespace), 'Nobody is bound to cluster-admin'],
  ['share a namespace', deployer, 'create', share({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'oidc-team' }), 'allowed'],
];

const policyGroup = 'admissionregistration.k8s.io/v1';
const isGone = (of: KubeObject) => eventually(`the end of ${of.metadata.name}`, async () => (await kube.get(of)) === undefined, 60);
const done = async (who: readonly string[], verb: Verb, wanted: KubeObject) => verdict(await ask(kube, kubeconfig, who, verb, wanted, true));

let cells = 0;
afterAll(() => console.log(`user isolation: ${cells} attempts on the API server`));

describe.each(['open', 'confidential'] as const)('%s', (posture) => {
  beforeAll(() => deploy(posture));

  test.each(attempts(posture).map((attempt) => [`${attempt[1][0]!.split(':').at(-1)}: ${attempt[0]}`, attempt] as const))('%s', async (_, [, who, verb, wanted, expected]) => {
    cells += 1;
    expect(verdict(await ask(kube, kubeconfig, who, verb, wanted))).toContain(expected);
  });

  test('the API server finds no fault in the types of any rule', async () => {
    const warnings = await eventually('the type check of every policy', async () => {
      const policies = (await kube.list(policyGroup, 'ValidatingAdmissionPolicy')).filter(({ metadata }) => metadata.name.startsWith('datalab-'));
      if (!policies.length || policies.some(({ metadata, status }) => status?.observedGeneration !== metadata.generation)) return undefined;
      return policies.flatMap(({ metadata, status }) => (status.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }: any) => `${metadata.name} ${fieldRef}: ${warning}`));
    });
    expect(warnings).toEqual([]);
  });

  test('controllers do their part: pods of a StatefulSet run, their claims are bound, endpoints follow, all of it can go again', async () => {
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claim().spec }];
    const set = object('apps/v1', 'StatefulSet', 'work', { spec: { serviceName: 'work', selector: { matchLabels: { app: 'work' } }, template: template(posture), volumeClaimTemplates } });
    const job = object('batch/v1', 'Job', 'once', { spec: { template: template(posture, { restartPolicy: 'Never' }) } });
    const data = object('v1', 'PersistentVolumeClaim', 'data-work-0');
    for (const each of [service(), set, job]) expect(await done(alice, 'create', each)).toBe('allowed');
    await eventually('the pod', async () => (await kube.get(set))!.status.readyReplicas === 1);
    await eventually('its claim', async () => (await kube.get(data))!.status.phase === 'Bound');
    await eventually('the endpoints', async () => (await kube.list('discovery.k8s.io/v1', 'EndpointSlice', { namespace })).some(({ endpoints }) => endpoints?.length));
    for (const each of [service(), set, job, data]) {
      expect(await done(alice, 'delete', each)).toBe('allowed');
      await isGone(each);
    }
  });

  test('no pod starts in a namespace without default-deny, or with one that denies less; the end of the namespace is not held up', async () => {
    const within = `user-bare-${posture}`;
    const bare = labelled(within, { ...labelsOf(posture, 'bare'), 'app.kubernetes.io/managed-by': 'datalab-stacks' });
    const deny = (spec: object) => object('networking.k8s.io/v1', 'NetworkPolicy', 'default-deny', { spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ...spec } }, within);
    const start = () => done(deployer, 'create', pod(posture, {}, {}, within));
    await kube.apply(bare, by);
    expect(await start()).toContain('namespace-is-being-prepared-try-again');
    await kube.create(deny({ egress: [{}] }), by);
    expect(await start()).toContain('denies less than everything');
    await kube.delete(deny({}));
    await kube.create(deny({}), by);
    await eventually('the pod', async () => (await start()) === 'allowed');
    await kube.delete(bare);
    await isGone(bare);
  });
});

test('somebody logs in for the first time: the namespace that Onyxia makes is fenced at once, by a keeper that can do nothing else, and a service runs there', async () => {
  await deploy('open');
  const within = 'user-erin';
  expect(await done(onyxia, 'apply', labelled(within, labelsOf('open', 'erin')))).toBe('allowed');
  for (const part of fenceOf(platform('open').network)) {
    const live = await eventually(`${part.kind} ${part.metadata.name}`, () => kube.get({ ...part, metadata: { ...part.metadata, namespace: within } }), 60);
    expect(live.spec).toMatchObject(part.spec);
  }
  expect(await done(onyxia, 'create', fullControl(within, { kind: 'User', name: 'oidc-erin' }))).toBe('allowed');
  expect(await done(onyxia, 'create', object('v1', 'ResourceQuota', 'onyxia-quota', { spec: { hard: { 'count/pods': '10' } } }, within))).toBe('allowed');
  const { subjects } = (await kube.get(fullControl(within, {})))!;
  expect(subjects.map(({ name }: any) => name)).toEqual(['oidc-erin', onyxiaAccount.name]);

  const service = pod('open', {}, {}, within);
  expect(await done(onyxia, 'create', object('v1', 'Secret', 'sh.helm.release.v1.work.v1', {}, within))).toBe('allowed');
  await eventually('the pod', async () => (await done(onyxia, 'create', service)) === 'allowed');
  expect(await done(['oidc-erin'], 'delete', service)).toBe('allowed');
  // The next login.
  expect(await done(onyxia, 'apply', labelled(within, labelsOf('open', 'erin')))).toBe('allowed');

  const keeper = account('fence', 'fence');
  for (const [verb, wanted, expected] of [
    ['delete', object('networking.k8s.io/v1', 'NetworkPolicy', 'default-deny', {}, within), 'cannot delete resource "networkpolicies"'],
    ['apply', object('networking.k8s.io/v1', 'NetworkPolicy', 'default-deny', { spec: { podSelector: {} } }, 'kube-system'), 'The keeper of the fence works in the namespaces of people and projects'],
    ['list', object('v1', 'Secret', '', {}, within), 'cannot list resource "secrets"'],
    ['create', pod('open', {}, {}, within), 'cannot create resource "pods"'],
  ] as const) expect(await done(keeper, verb, wanted)).toContain(expected);
  await kube.delete(labelled(within, {}));
  await isGone(labelled(within, {}));
});
