import { object, pod } from '../examples';
import { everywhere, type Manifest, type Rule } from '../rule';
import { eachOf } from '../tree';

const replicas = (count: number) => object('apps/v1', 'StatefulSet', { spec: { replicas: count, template: { ...pod(), metadata: { labels: { app: 'a' } } } } });
const budget = (labels: object) => object('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector: { matchLabels: labels } } });

export const disruptionBudget: Rule = {
  id: 'disruption-budget',
  title: 'Pods that are several have a disruption budget',
  why: "The cluster's administrators drain nodes at night, two at a time.",
  sources: ['kube-linter pdb-min-available', 'Polaris missingPodDisruptionBudget', 'Kyverno require-pdb'],
  severity: 'low',
  mandatory: everywhere,
  together: true,
  check: eachOf(['Deployment', 'StatefulSet'], ({ spec, metadata }, objects) =>
    (spec.replicas ?? 1) > 1 && !objects.some((each) => covers(each, metadata.namespace, spec.template.metadata?.labels ?? {})) && { path: 'spec.replicas', got: `${spec.replicas} without a budget`, fix: 'add a PodDisruptionBudget' }),
  examples: { pass: [[replicas(1)], [replicas(2), budget({ app: 'a' })]], fail: [[replicas(2)], [replicas(2), budget({ app: 'b' })]] },
};

function covers({ kind, spec, metadata }: Manifest, namespace: string | undefined, labels: Readonly<Record<string, string>>): boolean {
  return kind === 'PodDisruptionBudget' && metadata.namespace === namespace && Object.entries(spec.selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
