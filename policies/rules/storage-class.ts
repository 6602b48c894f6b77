import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf, type Place } from '../tree';

const claims = (object: any): { path: string; spec: any }[] =>
  object.kind === 'StatefulSet'
    ? ((object.spec.volumeClaimTemplates ?? []) as any[]).map((claim, index) => ({ path: `spec.volumeClaimTemplates[${index}].spec`, spec: claim.spec }))
    : [{ path: 'spec', spec: object.spec }];

export const storageClass: Rule = {
  id: 'storage-class',
  title: 'Each claim names its storage class',
  why: "The cluster's default may be unencrypted, and may change under the data.",
  sources: ['Kyverno require-storageclass'],
  severity: 'medium',
  mandatory: everywhere,
  check: eachOf(['StatefulSet', 'PersistentVolumeClaim'], (each): Place[] =>
    claims(each).flatMap(({ path, spec }) => (spec?.storageClassName ? [] : [{ path: `${path}.storageClassName`, got: "the cluster's default", fix: 'name the class of the region' }]))),
  examples: {
    pass: [[object('v1', 'PersistentVolumeClaim', { spec: { storageClassName: 'encrypted' } })], [object('apps/v1', 'StatefulSet', { spec: {} })]],
    fail: [[object('v1', 'PersistentVolumeClaim', { spec: {} })], [object('apps/v1', 'StatefulSet', { spec: { volumeClaimTemplates: [{ spec: {} }] } })]],
  },
};
