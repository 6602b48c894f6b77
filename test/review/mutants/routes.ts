import { each, kind, type Operator } from './operator';

const services = kind('Service', ['spec'], (spec) => spec.clusterIP !== 'None');
const ingresses = kind('Ingress', ['spec']);
const routes = kind('HTTPRoute', ['spec']);
const listeners = each(kind('Gateway', ['spec', 'listeners']));
const routing = kind('Ingress HTTPRoute', ['spec']);
const certificates = kind('Certificate', ['spec']);

/** Ways in from outside. */
export const ways: readonly Operator[] = [
  { id: 'a load balancer', rule: 'exposed-services', diff: 'security widens route', critical: true, at: services, act: (spec) => { spec.type = 'LoadBalancer'; } },
  { id: 'a port of every node', rule: 'exposed-services', diff: 'security widens route', critical: true, at: services, act: (spec) => { spec.type = 'NodePort'; } },
  { id: 'addresses from outside', rule: 'exposed-services', diff: 'security widens route', critical: true, at: services, act: (spec) => { spec.externalIPs = ['192.0.2.10']; } },
  { id: 'a name of elsewhere', diff: 'security widens', at: services, act: (spec) => { spec.type = 'ExternalName'; spec.externalName = 'mallory.example'; delete spec.selector; } },
  { id: 'a service of other pods', diff: 'security widens', at: kind('Service', ['spec', 'selector']), act: (selector) => { selector['app.kubernetes.io/name'] = 'other'; } },
  { id: 'another port of the pods', diff: 'security widens', at: services, act: ({ ports }) => { ports[0].targetPort = 9999; } },
  { id: 'no host', rule: 'route-hosts', diff: 'security widens route', critical: true, at: routing, act: (spec) => { if (spec.rules[0].host) delete spec.rules[0].host; else delete spec.hostnames; } },
  { id: 'a wildcard host', rule: 'route-hosts', diff: 'security widens route', critical: true, at: routing, act: (spec) => { if (spec.rules[0].host) spec.rules[0].host = '*.example.org'; else spec.hostnames = ['*.example.org']; } },
  { id: 'one more host', diff: 'security widens route', at: routing, act: (spec) => { if (spec.hostnames) spec.hostnames.push('www.mallory.example'); else spec.rules.push({ ...spec.rules[0], host: 'www.mallory.example' }); } },
  { id: 'no TLS', rule: 'route-tls', diff: 'security widens route', critical: true, at: ingresses, act: (spec) => { delete spec.tls; } },
  { id: 'TLS of another secret', diff: 'security widens', at: ingresses, act: ({ tls }) => { tls[0].secretName = 'mine'; } },
  { id: 'all paths', diff: 'security widens route', at: kind('Ingress HTTPRoute', ['spec', 'rules'], (rules) => /v1/.test(JSON.stringify(rules))), act: ([rule]) => { if (rule.http) rule.http.paths[0].path = '/'; else rule.matches[0].path.value = '/'; } },
  { id: 'a path more', diff: 'security widens route', at: kind('Ingress HTTPRoute', ['spec', 'rules', 0], (rule) => !/"(path|value)":"\/"/.test(JSON.stringify(rule))), act: (rule) => { if (rule.http) rule.http.paths.push({ ...rule.http.paths[0], path: '/metrics' }); else rule.matches.push({ path: { type: 'Exact', value: '/metrics' } }); } },
  { id: 'another service behind it', diff: 'security widens route', at: kind('Ingress HTTPRoute', ['spec', 'rules', 0]), act: (rule) => { if (rule.http) rule.http.paths[0].backend.service.name = 'other'; else rule.backendRefs[0].name = 'other'; } },
  { id: 'another port behind it', diff: 'security widens route', at: kind('Ingress HTTPRoute', ['spec', 'rules', 0]), act: (rule) => { if (rule.http) rule.http.paths[0].backend.service.port = { name: 'management' }; else rule.backendRefs[0].port = 9000; } },
  { id: 'a service of another namespace behind it', diff: 'security widens route', at: kind('HTTPRoute', ['spec', 'rules', 0, 'backendRefs', 0]), act: (ref) => { ref.namespace = 'postgresql'; } },
  { id: 'what answers all else', diff: 'security widens route', at: ingresses, act: (spec) => { spec.defaultBackend = { service: { name: 'other', port: { number: 80 } } }; } },
  { id: 'a snippet for the controller', diff: 'security widens', at: kind('Ingress', ['metadata']), act: (metadata) => { metadata.annotations = { ...metadata.annotations, 'haproxy.org/backend-config-snippet': 'http-response set-header x y' }; } },
  { id: 'another class of ingress', diff: 'security widens', at: ingresses, act: (spec) => { spec.ingressClassName = 'public'; } },
  { id: 'a filter that sets a header', diff: 'security widens route', at: kind('HTTPRoute', ['spec', 'rules', 0]), act: (rule) => { rule.filters = [...(rule.filters ?? []), { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-Forwarded-User', value: 'admin' }] } }]; } },
  { id: 'a copy of all requests', diff: 'security widens route', at: kind('HTTPRoute', ['spec', 'rules', 0]), act: (rule) => { rule.filters = [...(rule.filters ?? []), { type: 'RequestMirror', requestMirror: { backendRef: { name: 'other', port: 80 } } }]; } },
  { id: 'another gateway', diff: 'security widens route', at: routes, act: ({ parentRefs }) => { parentRefs[0].name = 'public'; } },
  { id: 'another listener', diff: 'security widens', at: routes, act: ({ parentRefs }) => { delete parentRefs[0].sectionName; } },
  { id: 'a listener without TLS', rule: 'route-tls', diff: 'security widens route', critical: true, at: listeners, act: (listener) => { listener.protocol = 'HTTP'; listener.port = 80; delete listener.tls; } },
  { id: 'TLS that the gateway does not end', diff: 'security widens route', at: listeners, act: (listener) => { listener.protocol = 'TLS'; listener.tls = { mode: 'Passthrough' }; } },
  { id: 'a certificate of another secret', diff: 'security widens', at: listeners, act: ({ tls }) => { tls.certificateRefs[0].name = 'mine'; } },
  { id: 'a listener for routes of all namespaces', diff: 'security widens route', at: listeners, act: ({ allowedRoutes }) => { allowedRoutes.namespaces = { from: 'All' }; } },
  { id: 'a listener of every host', diff: 'security widens route', at: listeners, act: (listener) => { delete listener.hostname; } },
  { id: 'a listener of a wildcard', diff: 'security widens route', at: listeners, act: (listener) => { listener.hostname = '*.example.org'; } },
  { id: 'a listener for other kinds', diff: 'security widens route', at: listeners, act: ({ allowedRoutes }) => allowedRoutes.kinds.push({ kind: 'TCPRoute', group: 'gateway.networking.k8s.io' }) },
  {
    id: 'a route of its own', diff: 'security widens route', at: services,
    act: (_spec, { object, add }) => add({
      apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'helper', namespace: object.metadata.namespace },
      spec: { hostnames: ['helper.example.org'], parentRefs: [{ name: 'datalab', namespace: 'gateway' }], rules: [{ backendRefs: [{ name: object.metadata.name, port: object.spec.ports[0].port }] }] },
    }),
  },
  {
    id: 'a way for TCP', diff: 'security widens', at: services,
    act: (_spec, { object, add }) => add({
      apiVersion: 'gateway.networking.k8s.io/v1alpha2', kind: 'TCPRoute', metadata: { name: 'helper', namespace: object.metadata.namespace },
      spec: { parentRefs: [{ name: 'datalab', namespace: 'gateway' }], rules: [{ backendRefs: [{ name: object.metadata.name, port: object.spec.ports[0].port }] }] },
    }),
  },
  {
    id: 'a grant of references', diff: 'security widens', at: services,
    act: (_spec, { object, add }) => add({ apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant', metadata: { name: 'helper', namespace: object.metadata.namespace }, spec: { from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'user-mallory' }], to: [{ group: '', kind: 'Service' }] } }),
  },
  {
    id: 'endpoints by hand', diff: 'security widens', at: services,
    act: (_spec, { object, add }) => add({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'helper', namespace: object.metadata.namespace, labels: { 'kubernetes.io/service-name': object.metadata.name } }, addressType: 'IPv4', endpoints: [{ addresses: ['198.51.100.7'] }], ports: [{ port: 443 }] }),
  },
  { id: 'a certificate of a wildcard', rule: 'certificate-issuer', diff: 'security widens', at: certificates, act: (spec) => { spec.dnsNames = ['*.example.org']; } },
  { id: 'a certificate of one more name', diff: 'security widens', at: certificates, act: ({ dnsNames }) => dnsNames.push('login.mallory.example') },
  { id: 'an issuer of the namespace', rule: 'certificate-issuer', diff: 'security widens', at: certificates, act: ({ issuerRef }) => { issuerRef.kind = 'Issuer'; } },
  { id: 'another issuer', diff: 'security widens', at: certificates, act: ({ issuerRef }) => { issuerRef.name = 'self-signed'; } },
  { id: 'a certificate for ten years', rule: 'certificate-issuer', diff: 'security widens', at: certificates, act: (spec) => { spec.duration = '87600h'; } },
  { id: 'a certificate that signs others', diff: 'security widens', at: certificates, act: (spec) => { spec.isCA = true; } },
  { id: 'a weak key', diff: 'security widens', at: certificates, act: ({ privateKey }) => { privateKey.algorithm = 'RSA'; privateKey.size = 1024; } },
  { id: 'a port more of a service', diff: 'security widens route', at: services, act: ({ ports }) => ports.push({ name: 'debug', port: 5005 }) },
  { id: 'a service of no pods', diff: 'security widens', at: services, act: (spec) => { delete spec.selector; } },
  { id: 'a path as the controller likes', diff: 'security widens route', at: kind('Ingress', ['spec', 'rules', 0, 'http', 'paths', 0]), act: (path) => { path.pathType = 'ImplementationSpecific'; path.path = '/.*'; } },
  { id: 'another kind of gateway', diff: 'security widens route', at: kind('Gateway', ['spec']), act: (spec) => { spec.gatewayClassName = 'public'; } },
];
