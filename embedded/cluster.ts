import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import type { Kube, KubeObject } from './kube';
import { processNodeAdmission, waitForAdmission } from './node/admission';
import { volumeProvisioner } from './volumes';

const fieldManager = 'datalab-stacks-region';
const owned = { fieldManager, force: true };
const secondsToEstablish = 30;

/** The annotation that gives a node to kwok. */
export const simulatedNode = { 'kwok.x-k8s.io/node': 'fake' };

/** Digest of a definition as it was applied: an unchanged one is not applied again, which for all of them takes half a second. */
const digestAnnotation = 'datalab-stacks/digest';

export interface ClusterShape {
  readonly definitions: readonly KubeObject[];
  /** Names. The first is the cluster's default. */
  readonly storageClasses: readonly string[];
  readonly nodes: readonly KubeObject[];
}

/** What a cluster's administrator does before handing the cluster over: CRDs, StorageClasses, nodes, and which pods go to the process node. */
export async function prepareCluster(options: ClusterShape & { kube: Kube; progress: Progress }): Promise<void> {
  const { kube, progress, definitions, storageClasses, nodes } = options;
  const title = `prepare ${nodes.length} nodes, ${storageClasses.length} storage classes and ${definitions.length} CRDs`;
  await progress.step(title, async (tell) => {
    await Promise.all([
      applyNodes(kube, nodes),
      ...storageClasses.map((name, index) => kube.apply(storageClass(name, index === 0), owned)),
      ...definitions.map((definition) => applyDefinition(kube, definition)),
      ...processNodeAdmission().map((object) => kube.apply(object, owned)),
    ]);
    tell('wait until the API server serves the CRDs');
    await Promise.all([waitEstablished(kube, definitions), waitForAdmission(kube)]);
  });
}

async function applyDefinition(kube: Kube, definition: KubeObject): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
  const present = await kube.get(definition);
  if (present?.metadata.annotations?.[digestAnnotation] === digest) return;
  const annotations = { ...definition.metadata.annotations, [digestAnnotation]: digest };
  await kube.apply({ ...definition, metadata: { ...definition.metadata, annotations } }, owned);
}

/**
 * Makes the simulated nodes of the cluster these, with labels, annotations, taints, and the capacity, allocatable and
 * addresses in `status`. Other simulated nodes are deleted; nodes that are not simulated are left alone.
 */
export async function applyNodes(kube: Kube, nodes: readonly KubeObject[]): Promise<void> {
  const present = new Map((await kube.list('v1', 'Node')).filter(isSimulated).map((node) => [node.metadata.name, node]));
  await Promise.all(nodes.map((node) => applyNode(kube, node, present.get(node.metadata.name))));
  const wanted = new Set(nodes.map((node) => node.metadata.name));
  const surplus = [...present.values()].filter((node) => !wanted.has(node.metadata.name));
  await Promise.all(surplus.map((node) => kube.delete({ apiVersion: 'v1', kind: 'Node', metadata: { name: node.metadata.name } })));
}

/** A new node is given to kwok last, so that it is never Ready with a capacity that is not its own. */
async function applyNode(kube: Kube, node: KubeObject, present: KubeObject | undefined): Promise<void> {
  const { status, spec, metadata } = node;
  const { name } = metadata;
  const taints = [...(spec?.taints ?? []), ...conditionTaints(present)];
  const object = { apiVersion: 'v1', kind: 'Node', metadata, spec: { ...spec, ...(taints.length ? { taints } : {}) } };
  if (!present) await kube.apply(object, owned);
  await kube.send(
    'PATCH',
    `/api/v1/nodes/${name}/status?fieldManager=${fieldManager}&force=true`,
    { apiVersion: 'v1', kind: 'Node', metadata: { name }, status },
    'application/apply-patch+yaml',
  );
  const annotations = { ...metadata.annotations, ...simulatedNode };
  await kube.apply({ ...object, metadata: { ...metadata, annotations } }, owned);
}

/** Taints that the cluster itself sets, such as not-ready: to leave them out would remove them. */
function conditionTaints(node: KubeObject | undefined): { key: string }[] {
  const taints = (node?.spec?.taints ?? []) as { key: string }[];
  return taints.filter(({ key }) => key.startsWith('node.kubernetes.io/'));
}

function isSimulated(node: KubeObject): boolean {
  const [[key, value]] = Object.entries(simulatedNode) as [[string, string]];
  return node.metadata.annotations?.[key] === value;
}

function storageClass(name: string, isDefault: boolean): KubeObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } },
    provisioner: volumeProvisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
    reclaimPolicy: 'Delete',
  };
}

async function waitEstablished(kube: Kube, definitions: readonly KubeObject[]): Promise<void> {
  const deadline = Date.now() + secondsToEstablish * 1000;
  for (;;) {
    const present = await Promise.all(definitions.map((definition) => kube.get(definition)));
    const missing = definitions.filter((_, index) => !isEstablished(present[index])).map(({ metadata }) => metadata.name);
    if (!missing.length) return;
    if (Date.now() > deadline) {
      throw new UserError('The API server does not serve some CRDs.', [{
        path: missing.join(', '),
        got: `not established after ${secondsToEstablish} s`,
        allowed: 'condition Established',
        fix: 'read the conditions: kubectl describe crd NAME',
      }], exitCodes.failed);
    }
    await sleep(50);
  }
}

function isEstablished(definition: KubeObject | undefined): boolean {
  const conditions = (definition?.status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
