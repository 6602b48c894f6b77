import { object, pod } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachPod } from '../tree';

const deployment = (change: object) => object('apps/v1', 'Deployment', { spec: { template: pod({}, { name: 'main', image: 'a', ...change }) } });

export const probes: Rule = {
  id: 'probes',
  title: 'Containers that serve say when they are ready',
  why: 'Requests go to pods that cannot answer yet, and a rollout replaces all good pods by broken ones.',
  sources: ['kube-linter no-readiness-probe', 'Kyverno require-probes', 'Polaris readinessProbeMissing'],
  severity: 'low',
  mandatory: everywhere,
  check: eachPod((spec, { object: { kind } }) =>
    ['Deployment', 'StatefulSet'].includes(kind) && ((spec.containers ?? []) as any[]).flatMap(({ ports, readinessProbe }, index) =>
      ports?.length && !readinessProbe ? [{ path: `containers[${index}].readinessProbe`, got: 'nothing', fix: 'add one' }] : [])),
  examples: { pass: [[deployment({})], [deployment({ ports: [{ containerPort: 80 }], readinessProbe: {} })]], fail: [[deployment({ ports: [{ containerPort: 80 }] })]] },
};
