import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { nameOf, settingsOf, type Fact } from './fact';

/** Kinds that have facts of their own, or none to do with security. */
const known = new Set([
  'Namespace', 'Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob', 'NetworkPolicy', 'Ingress', 'HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute',
  'ReferenceGrant', 'Gateway', 'Service', 'Certificate', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ResourceQuota', 'LimitRange', 'ConfigMap', 'Secret', 'ServiceAccount',
  'PodDisruptionBudget', 'PersistentVolumeClaim', 'CustomResourceDefinition', 'HorizontalPodAutoscaler',
]);

/** Objects of kinds that this diff does not know: whatever they set may open something. */
export function otherFacts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => !(isProvisioned(object) ? ['keycloak', 'minio', 'vault'].some((each) => isProvisioned(object, each)) : known.has(object.kind) || object.apiVersion.startsWith('admissionregistration.')))
    .flatMap((object): Fact[] => {
      const { apiVersion: _apiVersion, kind, metadata: _metadata, status: _status, ...rest } = object;
      const subject = `${kind} ${nameOf(object)}`;
      return [
        { topic: 'other', sense: 'permits', text: `${subject} is there`, subjects: [subject], object: idOf(object) },
        ...settingsOf(object, { topic: 'other', subject, value: rest, known: /^(description)$/ }),
      ];
    });
}
