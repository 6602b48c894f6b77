/** Name of the node whose pods are real processes. */
export const nodeName = 'this-computer';

/** Its label, and the key of its taint: only pods that the admission policy sends there get there. */
export const processNode = 'datalab-stacks/process-node';

/** Who holds the node's lease when the agent with this pid has looked at every pod. */
export function leaseHolder(pid: number): string {
  return `${nodeName}/${pid}`;
}
