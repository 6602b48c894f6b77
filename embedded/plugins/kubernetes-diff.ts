import type { Change } from './provider-server';
import { isObject, sameValue, valueAt, type Path, type Properties } from './provider-values';

/** Fields that the API server refuses to change, as prefixes; those after `except` may change nevertheless. */
interface Immutable {
  readonly fields: readonly string[];
  readonly except?: readonly string[];
}

/** By `group/Kind`; the core group is empty. What stands here was read off the API server's validation of each kind. */
const immutableByKind: Record<string, Immutable> = {
  'apps/Deployment': { fields: ['spec.selector'] },
  'apps/DaemonSet': { fields: ['spec.selector'] },
  'apps/ReplicaSet': { fields: ['spec.selector'] },
  'apps/StatefulSet': {
    fields: ['spec.selector', 'spec.volumeClaimTemplates', 'spec.serviceName', 'spec.podManagementPolicy'],
  },
  'batch/Job': {
    fields: ['spec.template', 'spec.selector', 'spec.completions', 'spec.completionMode', 'spec.podFailurePolicy'],
  },
  'rbac.authorization.k8s.io/RoleBinding': { fields: ['roleRef'] },
  'rbac.authorization.k8s.io/ClusterRoleBinding': { fields: ['roleRef'] },
  'storage.k8s.io/StorageClass': { fields: ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'] },
  'storage.k8s.io/CSIDriver': { fields: ['spec.attachRequired', 'spec.volumeLifecycleModes'] },
  'scheduling.k8s.io/PriorityClass': { fields: ['value', 'preemptionPolicy'] },
  'node.k8s.io/RuntimeClass': { fields: ['handler'] },
  'networking.k8s.io/IngressClass': { fields: ['spec.controller'] },
  'discovery.k8s.io/EndpointSlice': { fields: ['addressType'] },
  'apiextensions.k8s.io/CustomResourceDefinition': {
    fields: ['spec.group', 'spec.scope', 'spec.names.plural', 'spec.names.kind'],
  },
  '/PersistentVolumeClaim': { fields: ['spec'], except: ['spec.resources.requests', 'spec.volumeAttributesClassName'] },
  '/PersistentVolume': {
    fields: ['spec'],
    except: [
      'spec.accessModes',
      'spec.capacity',
      'spec.claimRef',
      'spec.mountOptions',
      'spec.persistentVolumeReclaimPolicy',
      'spec.storageClassName',
    ],
  },
  '/Pod': {
    fields: ['spec'],
    except: ['spec.containers.image', 'spec.initContainers.image', 'spec.activeDeadlineSeconds', 'spec.tolerations'],
  },
  '/Service': { fields: ['spec.clusterIP', 'spec.clusterIPs'] },
  '/Secret': { fields: ['type'] },
};

const everyKind = ['kind', 'metadata.name', 'metadata.namespace'];

/** The changes from the old inputs to the new ones, down to single values, but never below a secret. */
export function kubernetesChanges(oldInputs: Properties, inputs: Properties): Change[] {
  const immutable = immutableOf(oldInputs.values);
  const secrets = [...oldInputs.secrets, ...inputs.secrets];
  const changes: Change[] = [];

  const compare = (before: any, after: any, path: Path): void => {
    if (sameValue(before, after)) return;
    const isSecret = secrets.some((secret) => secret.length === path.length && startsWith(path, secret));
    const fields = fieldsOf(before, after);
    if (fields && !isSecret) {
      for (const field of fields) compare(before?.[field], after?.[field], [...path, field]);
      return;
    }
    const kind = isAbsent(before) ? 'add' : isAbsent(after) ? 'delete' : 'update';
    changes.push({ path, kind, replace: isImmutable(immutable, path) });
  };

  compare(oldInputs.values, inputs.values, []);
  return changes;
}

/** Whether the object as it is differs from the inputs in a field that can only be set at creation. */
export function needsReplacement(live: Properties['values'], inputs: Properties): boolean {
  return kubernetesChanges({ values: live, secrets: [] }, inputs).some(
    (change) => change.replace && !isAbsent(valueAt(inputs.values, change.path)),
  );
}

/** The keys to descend into, when both values are objects (or arrays), or the other one is absent. */
function fieldsOf(before: any, after: any): Path | undefined {
  const objects = [before, after].filter((value) => !isAbsent(value));
  if (objects.every(isObject)) return nonEmpty([...new Set(objects.flatMap(Object.keys))].sort());
  if (objects.every(Array.isArray)) return nonEmpty([...Array(Math.max(...objects.map((list) => list.length))).keys()]);
  return undefined;
}

function nonEmpty(fields: Path): Path | undefined {
  return fields.length ? fields : undefined;
}

function immutableOf(object: Properties['values']): Immutable {
  const [group, version] = String(object.apiVersion).split('/');
  const known = immutableByKind[`${version ? group : ''}/${object.kind}`];
  const content = object.immutable === true ? ['data', 'stringData', 'binaryData', 'immutable'] : [];
  return { fields: [...everyKind, ...content, ...(known?.fields ?? [])], except: known?.except };
}

function isImmutable(immutable: Immutable, path: Path): boolean {
  const field = path.filter((step) => typeof step === 'string');
  const within = (prefix: string) => startsWith(field, prefix.split('.'));
  return immutable.fields.some(within) && !immutable.except?.some(within);
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => path[index] === step);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
