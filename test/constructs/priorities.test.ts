import { Priorities } from '../../constructs/priorities';
import { objectsOf, platformWith, yamlOf } from './base';

const classes = () => {
  const platform = platformWith();
  new Priorities(platform, 'priorities');
  return platform;
};

test('defaults', () => {
  expect(yamlOf(classes())).toMatchSnapshot();
});

test('the platform goes first and may push others out; people and batch jobs wait', () => {
  const objects = objectsOf(classes());
  const order = ['platform', 'interactive', 'batch'].map((name) => objects[`_cluster/priorityclass/datalab-${name}`]!);
  expect(order.map(({ value }) => value)).toEqual([1_000_000, 10_000, 100]);
  expect(order.map(({ preemptionPolicy }) => preemptionPolicy)).toEqual(['PreemptLowerPriority', 'Never', 'Never']);
  expect(order.every(({ globalDefault }) => !globalDefault)).toBe(true);
});
