import type { Told } from './change';
import { shown } from './canonical';
import type { FieldChange, ObjectChange } from './compare';
import { isSecret, nameOf } from './facts/fact';

const workloads = /^(Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|Job|CronJob)$/;

/** What restarts, is stopped, is new, or tolerates less: workloads, their replicas and budgets, definitions, and files that pods read. */
export function availabilityOf(changes: readonly ObjectChange[]): Told[] {
  return changes.flatMap(({ id, change, before, after, fields }): Told[] => {
    const object = (after ?? before)!;
    const { kind, metadata } = object;
    const namespace = metadata.namespace ?? '';
    const name = nameOf(object);
    const told = (topic: string, text: string): Told => ({ class: 'availability', effect: 'neutral', topic, text, subjects: [namespace || name, topic], objects: [id] });
    const named = (which: readonly FieldChange[]) => which.map(({ path, before: from = 'nothing', after: to = 'nothing' }) => {
      const where = path.replace(/^spec\.(template\.)?(spec\.)?/, '');
      return isSecret(/env\[([^\]]*)\]/.exec(path)?.[1] ?? '') ? `${where} (not shown)` : `${where} ${shown(from, 80)} → ${shown(to, 80)}`;
    }).join('; ');
    if (workloads.test(kind)) {
      if (change !== 'changed') return [told('workloads', `${kind} ${name} is ${change === 'added' ? 'new' : 'stopped'}`)];
      const template = fields.filter(({ path }) => (kind === 'Pod' ? path.startsWith('spec') : /^spec\.(template|jobTemplate)/.test(path)));
      const replicas = fields.filter(({ path }) => path === 'spec.replicas');
      const rest = fields.filter((field) => !template.includes(field) && !replicas.includes(field) && !/^metadata|volumeClaimTemplates/.test(field.path));
      return [
        ...(template.length ? [told('restarts', `${name} ${kind.includes('Job') ? 'runs again' : 'restarts'}: ${named(template)}`)] : []),
        ...(replicas.length ? [told('replicas', `${name}: ${named(replicas)}`)] : []),
        ...(rest.length ? [told('rollout', `${name}: ${named(rest)}`)] : []),
      ];
    }
    if (kind === 'PodDisruptionBudget' || kind === 'HorizontalPodAutoscaler') {
      if (change !== 'changed') return [told('budgets', `${kind} ${name} is ${change === 'added' ? 'new' : 'gone'}`)];
      const spec = fields.filter(({ path }) => path.startsWith('spec'));
      return spec.length ? [told('budgets', `${name}: ${named(spec)}`)] : [];
    }
    if (kind === 'ConfigMap' && change === 'changed') {
      const data = fields.filter(({ path }) => !path.startsWith('metadata'));
      return data.length ? [told('configuration', `pods that read ${name} see other files: ${[...new Set(data.map(({ path }) => path.replace(/^(data|binaryData)\./, '')))].join(', ')}`)] : [];
    }
    if (change === 'removed' && /^(Namespace|Service|ServiceAccount|ConfigMap|Secret|Certificate)$/.test(kind)) return [told('what pods need', `${kind} ${name} goes`)];
    if (change === 'changed' && /^(CustomResourceDefinition|Service|Certificate|Secret)$/.test(kind)) {
      const own = fields.filter(({ path }) => !path.startsWith('metadata'));
      return own.length ? [told(kind === 'Secret' ? 'secrets' : 'connections', `${kind} ${name}: ${kind === 'Secret' ? own.map(({ path }) => path).join(', ') : named(own)}`)] : [];
    }
    return [];
  });
}
