import { ofContainers, pods } from '../cel';
import { podWith } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer } from '../tree';

export const hostPort: Rule = {
  id: 'host-port',
  title: 'No container takes a port of its node',
  why: "It is reachable from outside the cluster's network policies, and only one pod fits on each node.",
  sources: ['Pod Security baseline', 'Kyverno disallow-host-ports', 'C-0044'],
  severity: 'high',
  mandatory: everywhere,
  check: eachContainer(({ ports = [] }) =>
    (ports as any[]).flatMap(({ hostPort: port }, index) => (port ? [{ path: `ports[${index}].hostPort`, got: String(port), fix: 'remove it and use a Service' }] : []))),
  admission: {
    resources: pods,
    validations: [{
      expression: ofContainers('each.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0)'),
      message: 'A container takes no port of its node: remove hostPort, and make a Service.',
    }],
  },
  examples: { pass: [[podWith({ ports: [{ containerPort: 80 }] })]], fail: [[podWith({ ports: [{ containerPort: 80, hostPort: 80 }] })]] },
};
