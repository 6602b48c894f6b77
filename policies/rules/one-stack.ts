import { stackLabel as label } from '../../model/objects';
import { object } from '../examples';
import { everywhere, type Rule } from '../rule';

const of = (stack: string, name: string) => object('v1', 'ConfigMap', {}, { name, labels: { [label]: stack } });

export const oneStack: Rule = {
  id: 'one-stack',
  title: 'All objects belong to one stack and say so',
  why: "An object without the label is nobody's: no operator takes it over, and drift in it is not found. One of another stack mixes instances.",
  sources: ['Kyverno require-labels', 'kube-linter required-label-owner'],
  severity: 'medium',
  mandatory: everywhere,
  together: true,
  check: (objects) => {
    const stack = objects.find(({ metadata }) => metadata.labels?.[label])?.metadata.labels?.[label];
    if (!stack) return [];
    return objects.filter(({ metadata, kind }) => metadata.labels?.[label] !== stack && kind !== 'CustomResourceDefinition').map((each) => ({ object: each, path: `metadata.labels['${label}']`, got: each.metadata.labels?.[label] ?? 'nothing', fix: `label it ${stack}` }));
  },
  examples: { pass: [[of('a.b', 'one'), of('a.b', 'two')], [object('v1', 'ConfigMap')]], fail: [[of('a.b', 'one'), of('c.d', 'two')], [of('a.b', 'one'), object('v1', 'ConfigMap', {}, { name: 'two' })]] },
};
