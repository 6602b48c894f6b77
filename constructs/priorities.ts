import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';

/** The value of the highest class that people may give their pods. */
export const highestPriorityOfPeople = 10_000;

/** Who goes first when nodes are full: the platform, then people at work (who push nobody out), then batch jobs. */
export class Priorities extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const add = (name: string, value: number, description: string, preemptionPolicy: 'Never' | 'PreemptLowerPriority') =>
      new k8s.KubePriorityClass(this, name, { metadata: { name: `datalab-${name}` }, value, description, preemptionPolicy });
    add('platform', 1_000_000, 'Systems of the platform.', 'PreemptLowerPriority');
    add('interactive', highestPriorityOfPeople, "People's interactive services.", 'Never');
    add('batch', 100, 'Jobs that can wait.', 'Never');
  }
}
