import { statefulAnnotation as annotation } from '../../model/objects';
import { clusterObject, object, provisioned } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { isProvisioned } from '../tree';

const marked = { annotations: { [annotation]: 'true' } };

export const statefulProtected: Rule = {
  id: 'stateful-protected',
  title: 'What holds data is marked, so that Pulumi protects and retains it',
  why: 'A renamed construct would delete a database.',
  sources: ['AWS CDK: removal policies of stateful resources'],
  severity: 'high',
  mandatory: everywhere,
  together: true,
  check: (objects) =>
    objects.filter((each) => holdsData(each, objects) && each.metadata.annotations?.[annotation] !== 'true').map((each) => ({
      object: each,
      path: `metadata.annotations['${annotation}']`,
      got: 'nothing',
      fix: "mark it: 'true'",
    })),
  examples: {
    pass: [[object('apps/v1', 'StatefulSet', { spec: {} })], [provisioned('minio', 'S3Bucket', {}), { ...provisioned('minio', 'S3Bucket', {}), metadata: { name: 'b', ...marked } }].slice(1)],
    fail: [
      [object('apps/v1', 'StatefulSet', { spec: { volumeClaimTemplates: [{}] } })],
      [object('v1', 'PersistentVolumeClaim')],
      [provisioned('minio', 'S3Bucket', {})],
      [provisioned('keycloak', 'Realm', {})],
      [clusterObject('v1', 'Namespace', {}, { name: 'team' }), object('v1', 'PersistentVolumeClaim', {}, marked)],
    ],
  },
};

function holdsData(each: Manifest, objects: readonly Manifest[]): boolean {
  if (isProvisioned(each)) return /^(S3Bucket|Realm)$/.test(each.kind) || (each.kind === 'Mount' && each.spec.type?.startsWith('kv'));
  if (each.kind === 'Namespace') return objects.some((inner) => inner.metadata.namespace === each.metadata.name && inner.kind !== 'Namespace' && !isProvisioned(inner) && holdsData(inner, objects));
  return each.kind === 'PersistentVolumeClaim' || (each.kind === 'StatefulSet' && each.spec.volumeClaimTemplates?.length > 0);
}
