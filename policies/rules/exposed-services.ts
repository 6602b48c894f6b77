import { object } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachOf } from '../tree';

export const exposedServices: Rule = {
  id: 'exposed-services',
  title: 'Services are reachable inside the cluster only: the gateway is the one way in',
  why: 'A load balancer or a port of the nodes goes around TLS, login pages and logs; an external IP or name takes traffic that is meant for others.',
  sources: ['Kyverno restrict-node-port, restrict-loadbalancer, restrict-service-external-ips', 'kube-linter exposed-services', 'CVE-2020-8554'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachOf(['Service'], ({ spec }) => [
    ...(['LoadBalancer', 'NodePort', 'ExternalName'].includes(spec.type) ? [{ path: 'spec.type', got: spec.type, fix: 'use ClusterIP and a route' }] : []),
    ...(spec.externalIPs?.length ? [{ path: 'spec.externalIPs', got: spec.externalIPs.join(', '), fix: 'remove them' }] : []),
  ]),
  admission: {
    resources: { '': ['services'] },
    validations: [
      {
        expression: "!has(object.spec.type) || object.spec.type in ['ClusterIP', 'ExternalName']",
        message: 'A Service of type LoadBalancer or NodePort would be reached past the gateway: use type ClusterIP and a route.',
      },
      {
        expression: "!has(object.spec.type) || object.spec.type != 'ExternalName'",
        message: 'A Service of type ExternalName could lead the gateway to somebody else: let your program use the other name itself.',
      },
      {
        expression: '!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0',
        message: 'externalIPs could take over addresses of others: remove them, and use a route.',
      },
    ],
  },
  examples: {
    pass: [[object('v1', 'Service', { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } })], [object('v1', 'Service', { spec: { ports: [{ port: 80 }] } })]],
    fail: [...['LoadBalancer', 'NodePort', 'ExternalName'].map((type) => [object('v1', 'Service', { spec: { type, ports: [{ port: 80 }], externalName: type === 'ExternalName' ? 'a.example.org' : undefined } })]), [object('v1', 'Service', { spec: { ports: [{ port: 80 }], externalIPs: ['192.0.2.1'] } })]],
  },
};
