import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { leavesOf } from '../canonical';
import { list, nameOf, type Fact } from './fact';

const aggregate = 'rbac.authorization.k8s.io/aggregate-to-';

/** Rights of each subject: verbs × resources × scope, through the roles of the tree or those that the cluster has. */
export function rbacFacts(objects: readonly Manifest[]): Fact[] {
  const roles = objects.filter(({ kind, apiVersion }) => /^(Cluster)?Role$/.test(kind) && apiVersion.startsWith('rbac.'));
  const bindings = objects.filter(({ kind, apiVersion }) => /^(Cluster)?RoleBinding$/.test(kind) && apiVersion.startsWith('rbac.'));
  const byName = new Map(roles.map((role) => [keyOf(role.kind, role.metadata.namespace, role.metadata.name), role]));
  const bound = new Set<Manifest>();
  const direct = bindings.flatMap((binding): Fact[] => {
    const { roleRef = {}, subjects, metadata } = binding as any;
    const role = byName.get(keyOf(roleRef.kind, roleRef.kind === 'Role' ? metadata.namespace : undefined, roleRef.name));
    if (role) bound.add(role);
    const scope = binding.kind === 'RoleBinding' ? String(metadata.namespace) : '*';
    const rights: Right[] = role ? list(role.rules).flatMap(rightsOf) : [{ text: `everything that the ${roleRef.kind} ${roleRef.name} may`, parts: ['role', String(roleRef.name), '', ''] }];
    return list(subjects).flatMap((subject) => {
      const who = subject.kind === 'ServiceAccount' ? `service account ${subject.namespace ?? metadata.namespace}/${subject.name}` : `${String(subject.kind).toLowerCase()} ${subject.name}`;
      return rights.map((right) => fact(who, right, scope, binding));
    });
  });
  const indirect = roles.flatMap((role): Fact[] => {
    const into = Object.entries(role.metadata.labels ?? {}).filter(([key, value]) => key.startsWith(aggregate) && value === 'true').map(([key]) => `everybody with the ClusterRole ${key.slice(aggregate.length)}`);
    const holders = into.length ? into : bound.has(role) ? [] : [`whoever gets the ${role.kind} ${nameOf(role)}`];
    return [
      ...holders.flatMap((who) => list(role.rules).flatMap(rightsOf).map((right) => fact(who, right, role.metadata.namespace ?? '*', role))),
      ...leavesOf(role.aggregationRule ?? {}).map(([path, value]): Fact => ({ topic: 'rbac', sense: 'sets', text: `${role.kind} ${nameOf(role)} takes in other roles: ${path}`, value, subjects: [nameOf(role)], object: idOf(role) })),
    ];
  });
  return [...direct, ...indirect];
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return `${kind} ${namespace ?? ''}/${name}`;
}

interface Right {
  readonly text: string;
  /** Verb, API group, resource, name of the object; `*` for any. */
  readonly parts: readonly [string, string, string, string];
}

function fact(who: string, { text, parts }: Right, scope: string, object: Manifest): Fact {
  return {
    topic: 'rbac', sense: 'permits', text: `${who}: ${text} ${scope === '*' ? 'in the cluster' : `in ${scope}`}`,
    subjects: scope === '*' ? [who] : [scope, who], covers: [who, scope, ...parts], object: idOf(object),
  };
}

function rightsOf({ verbs, resources, resourceNames, nonResourceURLs, apiGroups }: any): Right[] {
  const names = list(resourceNames).length ? list(resourceNames) : ['*'];
  const things = [
    ...list(resources).flatMap((resource: string) => list(apiGroups).flatMap((group: string) => names.map((name: string): [string, string, string] => [group || 'core', resource, name]))),
    ...list(nonResourceURLs).map((url: string): [string, string, string] => ['url', url, '']),
  ];
  return list(verbs).flatMap((verb: string) => things.map(([group, resource, name]): Right => ({
    text: `${verb} ${resource}${group === 'core' || group === 'url' ? '' : group === '*' ? ' of every API group' : `.${group}`}${name && name !== '*' ? ` ${name}` : ''}`,
    parts: [verb, group, resource, name],
  })));
}
