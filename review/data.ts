import type { Manifest } from '../policies/rule';
import { isProvisioned } from '../policies/tree';
import { pathsOf } from '../policies/vault-policy';
import { amount } from '../model/fields';
import { statefulAnnotation } from '../model/objects';
import type { Told } from './change';
import { shown } from './canonical';
import type { ObjectChange } from './compare';
import { list, reference } from './facts/fact';

/** Fields that a server does not change: another value deletes the object and makes another, which is empty. */
const immutable: Record<string, RegExp> = {
  StatefulSet: /^spec\.(selector|serviceName|podManagementPolicy|volumeClaimTemplates)/,
  PersistentVolumeClaim: /^spec\.(accessModes|storageClassName|volumeName|selector|dataSource)/,
  StorageClass: /^(provisioner|parameters|reclaimPolicy|volumeBindingMode)/,
  S3Bucket: /^spec\.(bucket|objectLocking)/,
  Realm: /^spec\.realm$/,
  Mount: /^spec\.(path|type|options\.version|local|sealWrap)/,
};

/** What is protected since it guards a namespace with data, and holds none itself. */
const guards = /^(NetworkPolicy|ResourceQuota|LimitRange)$/;

/** What becomes of data: new, deleted, replaced, no longer protected, kept for less long. */
export function dataOf(changes: readonly ObjectChange[]): Told[] {
  const added = (kind: string) => changes.flatMap((each) => (each.change === 'added' && each.after!.kind === kind ? each.after!.metadata.name : []));
  const [fresh, namespaces] = [new Set(added('S3Bucket')), new Set(added('Namespace'))];
  return changes.flatMap(({ id, change, before, after, fields }): Told[] => {
    const object = (after ?? before)!;
    const { kind, metadata } = object;
    const namespace = kind === 'Namespace' ? metadata.name : metadata.namespace ?? metadata.name;
    const told = (effect: Told['effect'], topic: string, text: string): Told => ({ class: 'data', effect, topic, several: 'objects', text, subjects: effect === 'neutral' ? [namespace, topic] : [namespace], objects: [id] });
    const holds = (each: Manifest | undefined) => each?.metadata.annotations?.[statefulAnnotation] === 'true' || /^(PersistentVolume(Claim)?|CustomResourceDefinition)$/.test(each?.kind ?? '');
    if (kind === 'S3BucketVersioning') {
      const [kept, keeps] = [before, after].map((each) => each?.spec?.versioningConfiguration?.status === 'Enabled');
      const moved = change === 'changed' && fields.some(({ path }) => path === 'spec.bucket');
      if (moved) return [told('widens', 'retention', `${metadata.name}: versions are kept in another bucket`)];
      if (kept && keeps) return fields.filter(({ path }) => path.startsWith('spec.')).map(({ path, before: from = 'nothing', after: to = 'nothing' }) => told('widens', 'retention', `bucket ${metadata.name}: ${path} ${shown(from)} → ${shown(to)}`));
      if (keeps && fresh.has(reference(after!.spec.bucket))) return [told('neutral', 'new data', `the new bucket ${metadata.name} keeps old versions`)];
      return kept === keeps ? [] : [told(keeps ? 'narrows' : 'widens', 'retention', keeps ? `bucket ${metadata.name} keeps old versions` : `bucket ${metadata.name} keeps no old versions`)];
    }
    if (kind === 'IlmPolicy') return [told(change === 'removed' ? 'narrows' : 'widens', 'retention', `objects expire by ${metadata.name}: ${change}`)];
    if (change === 'added' && kind === 'Policy' && isProvisioned(object, 'vault')) {
      return pathsOf(String(object.spec?.policy)).filter(({ capabilities }) => capabilities.includes('create')).map(({ path }) => told('neutral', 'new data', `secrets in Vault at ${path}`));
    }
    if (change === 'added' && kind === 'ResourceQuota' && namespaces.has(namespace) && object.spec?.hard?.['requests.storage']) {
      return [told('neutral', 'new data', `volumes in ${namespace}, up to ${object.spec.hard['requests.storage']} in all`)];
    }
    if (change === 'added') return holds(object) && !guards.test(kind) ? [told('neutral', 'new data', `new ${kind} ${metadata.name}`)] : [];
    if (change === 'removed') return holds(object) && !guards.test(kind) ? [told('widens', 'deletion', `${kind} ${metadata.name} is deleted, or given up with what it holds`)] : [];
    const replaced = fields.filter(({ path }) => immutable[kind]?.test(path));
    return [
      ...(holds(before) && !holds(after) ? [told('widens', 'protection', `${kind} ${metadata.name} is no longer protected from deletion`)] : []),
      ...(!holds(before) && holds(after) ? [told('narrows', 'protection', `${kind} ${metadata.name} is protected from deletion`)] : []),
      ...replaced.filter(({ path }) => !/requests\.storage$/.test(path)).map(({ path, before: from = 'nothing', after: to = 'nothing' }) => told('widens', 'replacement', `${kind} ${metadata.name} is replaced: ${path} ${shown(from)} → ${shown(to)}`)),
      ...fields.filter(({ path, before: from, after: to }) => /(requests|capacity|storage)\.?.*storage$/.test(path) && ['StatefulSet', 'PersistentVolumeClaim'].includes(kind) && bytes(to) !== bytes(from)).map(({ path, before: from, after: to }) => {
        const smaller = bytes(to) < bytes(from);
        return told(smaller ? 'widens' : 'neutral', smaller ? 'replacement' : 'growth', `${kind} ${metadata.name}: volumes of ${text(from)} → ${text(to)}${smaller ? ', which no volume can follow' : ''}, ${path}`);
      }),
      ...fields.filter(({ path, before: from, after: to }) => retention.test(path) && (!/persistentVolumeClaimRetentionPolicy/.test(path) || /"Delete"/.test(`${from}${to}`))).map(({ path, before: from = 'nothing', after: to = 'nothing' }) => told('widens', 'retention', `${kind} ${metadata.name}: ${path} ${shown(from)} → ${shown(to)}`)),
    ];
  }).filter(({ text: line }, index, all) => all.findIndex((other) => other.text === line) === index);
}

const retention = /(persistentVolumeClaimRetentionPolicy|persistentVolumeReclaimPolicy|forceDestroy|[Rr]etention|[Ll]ifecycle[Cc]onfiguration|expiration|archive_mode|wal_level)/;

function bytes(json: string | undefined): number {
  return amount(text(json));
}

function text(json: string | undefined): string {
  return json === undefined ? '0' : String(list(JSON.parse(json))[0]);
}

