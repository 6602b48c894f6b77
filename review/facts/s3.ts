import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned, statementsOf } from '../../policies/tree';
import { digestOf, shown, unordered } from '../canonical';
import { settingsOf, type Fact } from './fact';

/** Rights on buckets: action × bucket × whoever has the policy; what is denied is a guard. */
export function s3Facts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => isProvisioned(object, 'minio')).flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata } = object;
    const subject = `${/Policy$/.test(kind) ? 'policy' : kind} ${spec.name ?? metadata.name}`;
    const make = (text: string, rest: Partial<Fact> = {}): Fact => ({ topic: 's3', sense: 'permits', text: `${subject}: ${text}`, subjects: [subject], object: idOf(object), ...rest });
    const rest = (known: RegExp) => settingsOf(object, { topic: 's3', subject, value: spec, known });
    if (kind === 'S3Bucket') return [...(spec.acl === undefined || spec.acl === 'private' ? [] : [make(`everybody has ${spec.acl} on ${spec.bucket}`)]), ...rest(/^(acl|bucket|forceDestroy|objectLocking)$/)];
    if (kind === 'S3BucketVersioning') return [];
    if (!/Policy$/.test(kind) || spec.policy === undefined) return rest(/^$/);
    const found = statements(spec.policy);
    const only = found.every(({ Effect }) => Effect === 'Deny');
    return [
      ...found.flatMap(({ Effect, Action, Resource, Sid: _sid, ...others }) => {
        const condition = Object.keys(others).length ? ` if ${shown(unordered(others), 240)}` : '';
        const resources: string[] = (Resource.length ? Resource : ['*']).map((resource: string) => resource.replace('arn:aws:s3:::', ''));
        return (Action.length ? Action : ['every other action']).flatMap((action: string) => resources.map((resource) =>
          (Effect === 'Deny'
            ? make(`denies ${action} on ${resource}${condition}`, { sense: 'guards', ...(only ? {} : { within: idOf(object) }) })
            : make(`${action} on ${resource}${condition}`, { covers: [`${subject}${digestOf(condition)}`, action, resource] }))));
      }),
      ...rest(/^(name|policy)$/),
    ];
  });
}

/** The statements, or one that permits everything where the policy cannot be read. */
function statements(policy: unknown): readonly any[] {
  try {
    return statementsOf(policy);
  } catch {
    return [{ Effect: 'Allow', Action: ['*'], Resource: [], Unreadable: digestOf(String(policy)) }];
  }
}
