import { rmSync } from 'node:fs';
import { follow } from './follow';
import type { Kube, KubeObject } from './kube';
import { claimDirectory, type RegionState } from './state';

/** Name of the provisioner in the region's StorageClasses. On the process node they are directories; elsewhere they hold nothing. */
export const volumeProvisioner = 'datalab-stacks/simulated-volume';

const provisionedBy = 'pv.kubernetes.io/provisioned-by';

/**
 * Stands in for a CSI driver until `signal` aborts: creates the volume of a claim that waits for one, enlarges it when
 * the claim asks for more, deletes released volumes whose class says Delete. kube-controller-manager binds.
 */
export async function provideVolumes(options: { kube: Kube; state: RegionState; log: (line: string) => void; signal: AbortSignal }): Promise<void> {
  const { kube, state, log, signal } = options;
  await Promise.all([
    follow(kube, '/api/v1/persistentvolumeclaims', (claim) => serve(kube, claim, log), log, signal),
    follow(kube, '/api/v1/persistentvolumes', (volume) => reclaim(kube, state, volume, log), log, signal),
  ]);
}

function serve(kube: Kube, claim: KubeObject, log: (line: string) => void): Promise<void> {
  return claim.spec.volumeName ? enlarge(kube, claim, log) : provision(kube, claim, log);
}

/** The API server refuses claims that shrink, or whose class does not allow them to grow. */
async function enlarge(kube: Kube, claim: KubeObject, log: (line: string) => void): Promise<void> {
  const { name, namespace, annotations = {} } = claim.metadata;
  const capacity = { storage: claim.spec.resources.requests.storage as string };
  const ours = annotations['volume.kubernetes.io/storage-provisioner'] === volumeProvisioner;
  if (!ours || claim.status?.phase !== 'Bound' || claim.status.capacity?.storage === capacity.storage) return;
  const merge = 'application/merge-patch+json';
  await kube.send('PATCH', `/api/v1/persistentvolumes/${claim.spec.volumeName}`, { spec: { capacity } }, merge);
  const status = { capacity, conditions: null };
  await kube.send('PATCH', `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}/status`, { status }, merge);
  log(`volume of ${namespace}/${name} enlarged to ${capacity.storage}`);
}

async function provision(kube: Kube, claim: KubeObject, log: (line: string) => void): Promise<void> {
  const { name, namespace, uid, annotations = {}, deletionTimestamp } = claim.metadata;
  const waits = annotations['volume.kubernetes.io/storage-provisioner'] === volumeProvisioner;
  if (!waits || deletionTimestamp) return;
  const storageClass = await kube.get({
    apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: claim.spec.storageClassName },
  });
  if (!storageClass) return;
  const scheduled = annotations['volume.kubernetes.io/selected-node'] !== undefined;
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && !scheduled) return;
  await kube.create({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `pvc-${uid}`, annotations: { [provisionedBy]: volumeProvisioner } },
    spec: {
      capacity: { storage: claim.spec.resources.requests.storage },
      accessModes: claim.spec.accessModes,
      volumeMode: claim.spec.volumeMode,
      storageClassName: claim.spec.storageClassName,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      mountOptions: storageClass.mountOptions,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      hostPath: { path: `/simulated/${namespace}/${name}` },
    },
  }, { fieldManager: 'datalab-stacks-agent' });
  log(`volume of ${namespace}/${name} created`);
}

async function reclaim(kube: Kube, state: RegionState, volume: KubeObject, log: (line: string) => void): Promise<void> {
  const ours = volume.metadata.annotations?.[provisionedBy] === volumeProvisioner;
  const released = volume.status?.phase === 'Released' && volume.spec.persistentVolumeReclaimPolicy === 'Delete';
  if (!ours || !released || volume.metadata.deletionTimestamp) return;
  await kube.delete({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: volume.metadata.name } });
  const { namespace, name } = volume.spec.claimRef;
  rmSync(claimDirectory(state, namespace, name), { recursive: true, force: true });
  log(`volume of ${namespace}/${name} deleted`);
}
