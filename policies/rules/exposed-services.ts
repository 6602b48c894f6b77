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
  examples: {
    pass: [[object('v1', 'Service', { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } })], [object('v1', 'Service', { spec: { ports: [{ port: 80 }] } })]],
    fail: [...['LoadBalancer', 'NodePort', 'ExternalName'].map((type) => [object('v1', 'Service', { spec: { type } })]), [object('v1', 'Service', { spec: { externalIPs: ['192.0.2.1'] } })]],
  },
};
