import { packageOf } from '../model/objects';
import { containerLists } from './cel';
import type { Finding, Manifest } from './rule';

/** A place in an object, and what is wrong there. */
export type Place = Omit<Finding, 'object'>;

type Places = Place | readonly Place[] | false | undefined;

/** The pods that an object makes: the object, the path of the pod's spec, and the spec. */
export interface Pods {
  readonly object: Manifest;
  readonly path: string;
  readonly spec: any;
  readonly labels: Readonly<Record<string, string>>;
}

/** `provisioned/keycloak` objects with `spec`, others as they are. */
export function isProvisioned(object: Manifest, of?: string): boolean {
  const found = packageOf(object);
  return of ? found === of : found !== undefined;
}

/** The pods that the objects make. */
export function podsIn(objects: readonly Manifest[]): Pods[] {
  return objects.flatMap((object) => {
    const pods = (path: string, template: any): Pods[] => (template?.spec ? [{ object, path: `${path}spec`, spec: template.spec, labels: template.metadata?.labels ?? {} }] : []);
    switch (object.kind) {
      case 'Pod':
        return pods('', object);
      case 'CronJob':
        return pods('spec.jobTemplate.spec.template.', object.spec?.jobTemplate?.spec?.template);
      case 'Deployment': case 'StatefulSet': case 'DaemonSet': case 'ReplicaSet': case 'ReplicationController': case 'Job':
        return pods('spec.template.', object.spec?.template);
      default:
        return [];
    }
  });
}

/** A check of each pod. */
export function eachPod(judge: (spec: any, pods: Pods) => Places) {
  return (objects: readonly Manifest[]): Finding[] => podsIn(objects).flatMap((pods) => found(pods.object, `${pods.path}.`, judge(pods.spec, pods)));
}

/** A check of each container. @default `lists`: all, init containers and ephemeral ones too */
export function eachContainer(judge: (container: any, pods: Pods) => Places, lists: readonly string[] = containerLists) {
  return (objects: readonly Manifest[]): Finding[] =>
    podsIn(objects).flatMap((pods) =>
      lists.flatMap((list) =>
        ((pods.spec[list] ?? []) as any[]).flatMap((container, index) => found(pods.object, `${pods.path}.${list}[${index}].`, judge(container, pods))),
      ),
    );
}

/** A check of each object of some kinds of Kubernetes: `NetworkPolicy`. */
export function eachOf(kinds: readonly string[], judge: (object: Manifest, objects: readonly Manifest[]) => Places) {
  return (objects: readonly Manifest[]): Finding[] =>
    objects.filter((object) => kinds.includes(object.kind) && !isProvisioned(object)).flatMap((object) => found(object, '', judge(object, objects)));
}

/** A check of each provisioned object of a package and some kinds: `keycloak`, `Client`. */
export function eachProvisioned(of: string, kinds: readonly string[], judge: (spec: any, object: Manifest, objects: readonly Manifest[]) => Places) {
  return (objects: readonly Manifest[]): Finding[] =>
    objects.filter((object) => isProvisioned(object, of) && kinds.includes(object.kind)).flatMap((object) => found(object, 'spec.', judge(object.spec ?? {}, object, objects)));
}

function found(object: Manifest, prefix: string, places: Places): Finding[] {
  return [places || []].flat().map((place) => ({ ...(place as Place), object, path: `${prefix}${(place as Place).path}` }));
}

/** What stands there, in a word or two. */
export function told(value: unknown): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** The statements of an S3 policy document, with lists where AWS permits one value. */
export function statementsOf(document: unknown): { Effect: string; Action: string[]; Resource: string[]; Principal?: unknown; Condition?: unknown }[] {
  const parsed = typeof document === 'string' ? (JSON.parse(document) as any) : (document as any);
  const list = (value: unknown): string[] => (value === undefined ? [] : [value].flat() as string[]);
  return [parsed?.Statement ?? []].flat().map((statement: any) => ({ ...statement, Action: list(statement.Action), Resource: list(statement.Resource) }));
}
