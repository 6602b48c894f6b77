import { containers, each, kind, pods, provisioned, type Operator } from './operator';

const marked = (object: any) => object.metadata.annotations?.['datalab-stacks/stateful'] === 'true';
const sets = kind('StatefulSet', ['spec'], (_spec, object) => marked(object));
const claims = each(kind('StatefulSet', ['spec', 'volumeClaimTemplates']));
const stateful: Operator['at'] = (object) => (marked(object) ? [[]] : []);
const notNamespaced: Operator['at'] = (object) => (marked(object) && ['S3Bucket', 'Mount', 'Realm', 'Namespace', 'StatefulSet'].includes(object.kind) ? [[]] : []);

/** What may be lost. */
export const data: readonly Operator[] = [
  { id: 'what holds data goes', diff: 'data widens deletion', critical: true, at: notNamespaced, act: (_object, { drop }) => drop() },
  { id: 'what holds data has another name', diff: 'data widens deletion', critical: true, at: notNamespaced, act: ({ metadata }) => { metadata.name += '-2'; } },
  { id: 'no mark of data', rule: 'stateful-protected', diff: 'data widens protection', critical: true, at: notNamespaced, act: ({ metadata }) => { delete metadata.annotations['datalab-stacks/stateful']; } },
  { id: 'a mark that says no', rule: 'stateful-protected', diff: 'data widens protection', at: notNamespaced, act: ({ metadata }) => { metadata.annotations['datalab-stacks/stateful'] = 'false'; } },
  { id: 'a mark of a guard goes', diff: 'data widens protection', at: stateful, act: ({ metadata }) => { delete metadata.annotations['datalab-stacks/stateful']; } },
  { id: 'another storage class', diff: 'data widens replacement', critical: true, at: claims, act: ({ spec }) => { spec.storageClassName = 'local-path'; } },
  { id: 'no storage class', rule: 'storage-class', diff: 'data widens replacement', at: claims, act: ({ spec }) => { delete spec.storageClassName; } },
  { id: 'a smaller volume', diff: 'data widens replacement', at: claims, act: ({ spec }) => { spec.resources.requests.storage = '1Gi'; } },
  { id: 'a volume of another name', diff: 'data widens', critical: true, at: claims, act: ({ metadata }) => { metadata.name = 'new-data'; } },
  { id: 'a volume that goes', diff: 'data widens', critical: true, at: sets, act: (spec) => { spec.volumeClaimTemplates.pop(); } },
  { id: 'data in memory', diff: 'data widens', critical: true, at: sets, act: (spec) => { spec.template.spec.volumes = [...(spec.template.spec.volumes ?? []), ...spec.volumeClaimTemplates.map(({ metadata }: any) => ({ name: metadata.name, emptyDir: {} }))]; delete spec.volumeClaimTemplates; } },
  { id: 'the volume is mounted elsewhere', diff: 'data widens|security widens config', at: containers(({ volumeMounts }) => volumeMounts?.some(({ name }: any) => /^data\d?$/.test(name))), act: ({ volumeMounts }) => { volumeMounts.find(({ name }: any) => /^data\d?$/.test(name)).mountPath = '/elsewhere'; } },
  { id: 'volumes go with the set', diff: 'data widens retention', critical: true, at: sets, act: (spec) => { spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Delete' }; } },
  { id: 'a field that cannot be changed', diff: 'data widens replacement', at: sets, act: (spec) => { spec.serviceName = 'other'; } },
  { id: 'another selector', diff: 'data widens replacement', at: sets, act: (spec) => { spec.selector.matchLabels.tier = 'data'; spec.template.metadata.labels.tier = 'data'; } },
  { id: 'fewer members of a store', diff: 'data widens|availability neutral replicas', at: kind('StatefulSet', ['spec'], ({ replicas }) => replicas > 1), act: (spec) => { spec.replicas = 1; } },
  { id: 'a bucket of another name on the server', diff: 'data widens', critical: true, at: provisioned('minio', 'S3Bucket'), act: (spec) => { spec.bucket += '-2'; } },
  { id: 'a mount of another path', diff: 'data widens', critical: true, at: provisioned('vault', 'Mount'), act: (spec) => { spec.path = 'kv'; } },
  { id: 'another realm on the server', diff: 'data widens', critical: true, at: provisioned('keycloak', 'Realm'), act: (spec) => { spec.realm += '-2'; } },
  { id: 'a bucket deleted with its objects', diff: 'data widens', critical: true, at: provisioned('minio', 'S3Bucket'), act: (spec) => { spec.forceDestroy = true; } },
  { id: 'versions are not kept', rule: 's3-versioning', diff: 'data widens', critical: true, at: provisioned('minio', 'S3BucketVersioning'), act: ({ versioningConfiguration }) => { versioningConfiguration.status = 'Suspended'; } },
  { id: 'no versioning', rule: 's3-versioning', diff: 'data widens', critical: true, at: provisioned('minio', 'S3BucketVersioning'), act: (_spec, { drop }) => drop() },
  { id: 'versions of some objects only', diff: 'data widens', at: provisioned('minio', 'S3BucketVersioning'), act: ({ versioningConfiguration }) => { versioningConfiguration.excludedPrefixes = ['data/']; } },
  {
    id: 'objects that expire', diff: 'data widens', at: provisioned('minio', 'S3Bucket'),
    act: (spec, { add }) => add({ apiVersion: 'provisioned/minio', kind: 'IlmPolicy', type: 'index/ilmPolicy:IlmPolicy', metadata: { name: 'expiry', namespace: 'minio' }, spec: { bucket: spec.bucket, rules: [{ id: 'expiry', expiration: '1d' }] } }),
  },
  {
    id: 'a class of storage that deletes', diff: 'data widens|security widens', at: kind('RuntimeClass'),
    act: (_object, { add }) => add({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'block-encrypted' }, provisioner: 'rancher.io/local-path', reclaimPolicy: 'Delete' }),
  },
  {
    id: 'a volume of a node', diff: 'security widens', at: kind('RuntimeClass'),
    act: (_object, { add }) => add({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'node' }, spec: { hostPath: { path: '/' }, capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } }),
  },
  { id: 'data in another directory', diff: 'data widens|security widens config', at: containers(({ env }) => env?.some(({ name }: any) => name === 'PGDATA')), act: ({ env }) => { env.find(({ name }: any) => name === 'PGDATA').value = '/tmp/pgdata'; } },
  { id: 'versions of another bucket', diff: 'data widens', at: provisioned('minio', 'S3BucketVersioning'), act: (spec) => { spec.bucket = 'other'; } },
];

const requests = containers(({ resources }) => resources?.requests);

/** What it costs. */
export const cost: readonly Operator[] = [
  { id: 'more CPU', diff: 'cost neutral', at: requests, act: ({ resources }) => { resources.requests.cpu = '16'; } },
  { id: 'more memory', diff: 'cost neutral', at: requests, act: ({ resources }) => { resources.requests.memory = '96Gi'; } },
  { id: 'a little less memory', diff: 'cost neutral', at: requests, act: ({ resources }) => { resources.requests.memory = '60Mi'; } },
  { id: 'five times the pods', diff: 'cost neutral', at: kind('Deployment StatefulSet', ['spec']), act: (spec) => { spec.replicas *= 5; } },
  { id: 'a greater volume', diff: 'cost neutral', at: claims, act: ({ spec }) => { spec.resources.requests.storage = '100Ti'; } },
  { id: 'a greater quota of storage', diff: 'cost neutral quotas', at: kind('ResourceQuota', ['spec', 'hard'], (hard) => hard['requests.storage']), act: (hard) => { hard['requests.storage'] = '90Ti'; } },
  { id: 'no requests', rule: 'container-resources', diff: 'cost neutral', at: requests, act: ({ resources }) => { delete resources.requests; } },
  { id: 'no limit of memory', rule: 'container-resources', diff: 'security widens|cost neutral', at: requests, act: ({ resources }) => { delete resources.limits; } },
];

/** What stops, restarts or stands alone. */
export const availability: readonly Operator[] = [
  { id: 'one replica', diff: 'availability neutral replicas', at: kind('Deployment', ['spec'], ({ replicas }) => replicas > 1), act: (spec) => { spec.replicas = 1; } },
  { id: 'no replica', diff: 'availability neutral', at: kind('Deployment StatefulSet', ['spec']), act: (spec) => { spec.replicas = 0; } },
  { id: 'no budget', rule: 'disruption-budget', diff: 'availability neutral budgets', at: kind('PodDisruptionBudget'), act: (_object, { drop }) => drop() },
  { id: 'a budget of everything', diff: 'availability neutral budgets', at: kind('PodDisruptionBudget', ['spec']), act: (spec) => { spec.maxUnavailable = '100%'; } },
  { id: 'a budget of other pods', rule: 'disruption-budget', diff: 'availability neutral budgets', at: kind('PodDisruptionBudget', ['spec', 'selector', 'matchLabels']), act: (labels) => { labels['app.kubernetes.io/name'] = 'other'; } },
  { id: 'all at once', diff: 'availability neutral', at: kind('Deployment', ['spec']), act: (spec) => { spec.strategy = { type: 'Recreate' }; } },
  { id: 'ready at once', rule: 'probes', diff: 'availability neutral', at: containers(({ readinessProbe }) => readinessProbe), act: (container) => { delete container.readinessProbe; } },
  { id: 'a probe of another path', diff: 'availability neutral', at: containers(({ readinessProbe }) => readinessProbe?.httpGet), act: ({ readinessProbe }) => { readinessProbe.httpGet.path = '/nothing'; } },
  { id: 'no time to end', diff: 'availability neutral', at: pods(), act: (spec) => { spec.terminationGracePeriodSeconds = 0; } },
  { id: 'all on one node', diff: 'availability neutral', at: pods((spec) => spec.topologySpreadConstraints), act: (spec) => { delete spec.topologySpreadConstraints; } },
  { id: 'a lower priority', diff: 'availability neutral', at: pods((spec) => spec.priorityClassName), act: (spec) => { spec.priorityClassName = 'datalab-batch'; } },
  { id: 'no workload', diff: 'availability neutral', at: kind('Deployment DaemonSet', []), act: (_object, { drop }) => drop() },
  { id: 'a restart', diff: 'availability neutral restarts', at: kind('Deployment', ['spec', 'template', 'metadata']), act: (metadata) => { metadata.annotations = { ...metadata.annotations, 'kubectl.kubernetes.io/restartedAt': '2026-11-23' }; } },
  { id: 'an object of no stack', rule: 'one-stack', diff: 'noise neutral', at: kind('ConfigMap Service NetworkPolicy', ['metadata', 'labels']), act: (labels) => { delete labels['datalab-stacks/stack']; } },
  { id: 'an object of another stack', rule: 'one-stack', diff: 'noise neutral', at: kind('ConfigMap Service NetworkPolicy', ['metadata', 'labels']), act: (labels) => { labels['datalab-stacks/stack'] = 'other.region'; } },
  { id: 'an API that is gone', rule: 'deprecated-apis', diff: 'noise neutral', at: kind('PodDisruptionBudget'), act: (object) => { object.apiVersion = 'policy/v1beta1'; } },
];
