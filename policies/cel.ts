/** A text, number or list as a CEL literal. */
export function cel(value: unknown): string {
  return JSON.stringify(value);
}

/** Lists of a pod's containers; ephemeral ones are put into running pods, to look for faults. */
export const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** CEL: each container of the pod `object` is so; the expression calls it `each`. */
export function ofContainers(expression: string, lists: readonly (typeof containerLists)[number][] = containerLists): string {
  return lists.map((list) => (list === 'containers' ? `object.spec.containers.all(each, ${expression})` : `(!has(object.spec.${list}) || object.spec.${list}.all(each, ${expression}))`)).join(' && ');
}

export const pods = { '': ['pods', 'pods/ephemeralcontainers'] } as const;
export const roles = { 'rbac.authorization.k8s.io': ['roles'] } as const;
