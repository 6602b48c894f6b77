import { Construct } from 'constructs';
import { Admission, cel } from './admission';
import { noDns, noDnsMessage } from './user-workloads';
import type { Platform } from './platform';

/** Settings of an Ingress that concern its own requests only, by the proxy that reads them. */
const settings = {
  'nginx.ingress.kubernetes.io': [
    'affinity', 'backend-protocol', 'force-ssl-redirect', 'proxy-body-size', 'proxy-buffer-size', 'proxy-buffering', 'proxy-connect-timeout',
    'proxy-http-version', 'proxy-read-timeout', 'proxy-request-buffering', 'proxy-send-timeout', 'ssl-redirect', 'whitelist-source-range',
  ],
  'haproxy.org': ['allow-list', 'ssl-redirect', 'timeout-client', 'timeout-http-request', 'timeout-server', 'timeout-tunnel', 'whitelist'],
  'cert-manager.io': ['cluster-issuer'],
  'acme.cert-manager.io': ['http01-ingress-class'],
};

/** Annotations that no proxy reads: of Helm and kubectl. */
const tools = ['helm.sh', 'meta.helm.sh', 'kubectl.kubernetes.io'];

/**
 * How people are reached from outside: one name below the users' domain, through the region's gateway, to Services of
 * their own. Which of two routes with the same host goes first, the gateway decides.
 */
export class UserRoutes extends Construct {
  constructor(scope: Construct, id: string, { region }: Platform) {
    super(scope, id);
    const { userDomain, clusterIssuer, userIngress } = region.exposure;
    const { className } = userIngress ?? region.exposure;
    const writes = ['CREATE', 'UPDATE'] as const;
    const below = (host: string) => `${host}.matches(${cel(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.${userDomain.replaceAll('.', '\\.')}$`)})`;
    const hostMessage = `A host is one name below ${userDomain}, such as my-app.${userDomain}: name it so, and leave no host empty or with *.`;

    new Admission(this, 'ingresses', {
      requests: { operations: writes, resources: { 'networking.k8s.io': ['ingresses'] } },
      conditions: { 'changes-it': "request.operation != 'UPDATE' || object.spec != oldObject.spec || object.metadata.?annotations != oldObject.metadata.?annotations" },
      validations: [
        {
          expression: `has(object.spec.rules) && object.spec.rules.all(rule, has(rule.host) && ${below('rule.host')}) && (!has(object.spec.tls) || object.spec.tls.all(each, has(each.hosts) && each.hosts.all(host, ${below('host')})))`,
          message: hostMessage,
        },
        {
          expression: '!has(object.spec.defaultBackend)',
          message: `A default backend would answer for the hosts of others: remove defaultBackend, and write a rule for a host below ${userDomain}.`,
        },
        {
          expression: `has(object.spec.ingressClassName) && object.spec.ingressClassName == ${cel(className)}`,
          message: `The way in is the ingress class ${className}: set ingressClassName to it.`,
        },
        {
          expression: 'object.spec.rules.all(rule, !has(rule.http) || rule.http.paths.all(path, !has(path.backend.resource)))',
          message: 'A path leads to a Service of this namespace: replace backend.resource by backend.service.',
        },
        {
          expression: `!has(object.metadata.annotations) || object.metadata.annotations.all(key, ${harmless()})`,
          message: `Only annotations that concern the requests to your own host are allowed, with plain values: ${Object.entries(settings).map(([prefix, names]) => `${prefix}/(${names.join('|')})`).join(', ')}. Remove the others.`,
        },
        ...Object.entries({ 'cert-manager.io/cluster-issuer': clusterIssuer, 'acme.cert-manager.io/http01-ingress-class': className }).map(([key, value]) => ({
          expression: `!has(object.metadata.annotations) || !(${cel(key)} in object.metadata.annotations) || object.metadata.annotations[${cel(key)}] == ${cel(value)}`,
          message: `The annotation ${key} is ${value} in this region: set it so, or remove it.`,
        })),
      ],
    });
    new Admission(this, 'routes', {
      requests: { operations: writes, resources: { 'gateway.networking.k8s.io': ['httproutes', 'grpcroutes'] } },
      conditions: { 'changes-it': "request.operation != 'UPDATE' || object.spec != oldObject.spec || object.metadata.?annotations != oldObject.metadata.?annotations" },
      validations: [
        { expression: `has(object.spec.hostnames) && object.spec.hostnames.size() > 0 && object.spec.hostnames.all(host, ${below('host')})`, message: hostMessage },
        {
          expression:
            "has(object.spec.parentRefs) && object.spec.parentRefs.size() > 0 && object.spec.parentRefs.all(each, each.name == 'datalab' && has(each.namespace) && each.namespace == 'gateway' && (!has(each.kind) || each.kind == 'Gateway'))",
          message: 'The way in is the Gateway datalab in the namespace gateway: name it, and no other, in parentRefs.',
        },
        {
          expression: `!has(object.spec.rules) || object.spec.rules.all(rule, (!has(rule.backendRefs) || rule.backendRefs.all(each, ${ownService} && (!has(each.filters) || each.filters.all(filter, ${ownFilter})))) && (!has(rule.filters) || rule.filters.all(filter, ${ownFilter})))`,
          message: 'A rule leads to Services of this namespace: remove the namespace or kind of the backendRef, and filters of the kind ExtensionRef.',
        },
        { expression: noDns, message: noDnsMessage },
      ],
    });
    new Admission(this, 'gateways', {
      requests: {
        operations: writes,
        resources: {
          'gateway.networking.k8s.io': ['gateways', 'listenersets', 'referencegrants', 'tcproutes', 'tlsroutes', 'udproutes'],
          'gateway.networking.x-k8s.io': ['xlistenersets'],
        },
      },
      validations: [{
        expression: 'false',
        message: 'In a namespace of a person or project there are HTTPRoutes and GRPCRoutes. Gateways, listeners, grants to other namespaces and routes without a host are of the platform: use an HTTPRoute.',
      }],
    });
    new Admission(this, 'certificates', {
      requests: { operations: writes, resources: { 'cert-manager.io': ['certificates'] } },
      validations: [
        {
          expression: `has(object.spec.dnsNames) && object.spec.dnsNames.all(host, ${below('host')}) && (!has(object.spec.commonName) || ${below('object.spec.commonName')})`,
          message: hostMessage,
        },
        {
          expression: "['ipAddresses', 'uris', 'emailAddresses', 'otherNames', 'literalSubject', 'isCA'].all(field, !(field in object.spec) || (field == 'isCA' && !object.spec.isCA))",
          message: 'A certificate of a person names hosts and nothing else: keep dnsNames, and remove addresses, subjects and isCA.',
        },
      ],
    });
    new Admission(this, 'certificate-requests', {
      requests: { operations: writes, resources: { 'cert-manager.io': ['certificaterequests', 'issuers'] } },
      validations: [{
        // cert-manager itself makes the requests.
        expression: 'authorizer.group(request.resource.group).resource(request.resource.resource).check(request.operation.lowerAscii()).allowed()',
        message: `Certificates are asked for with a Certificate for a host below ${userDomain}, which the platform's issuer signs: make that instead.`,
      }],
    });
  }
}

/** CEL: `each` is a Service of the same namespace. */
const ownService = "(!has(each.namespace) || each.namespace == object.metadata.namespace) && (!has(each.kind) || each.kind == 'Service')";

/** CEL: `filter` sends nothing elsewhere and is no invention of one proxy. */
const ownFilter = "filter.type != 'ExtensionRef' && (!has(filter.requestMirror) || ((!has(filter.requestMirror.backendRef.namespace) || filter.requestMirror.backendRef.namespace == object.metadata.namespace) && (!has(filter.requestMirror.backendRef.kind) || filter.requestMirror.backendRef.kind == 'Service')))";

/** CEL: the annotation `key` is one of those above, and its value cannot end a line of a proxy's configuration. */
function harmless(): string {
  const escaped = (text: string) => text.replaceAll('.', '\\.');
  const known = Object.entries(settings).map(([prefix, names]) => `${escaped(prefix)}/(${names.join('|')})`);
  const ofTools = `^(${tools.map(escaped).join('|')})/`;
  return `key.matches(${cel(ofTools)}) || (key.matches(${cel(`^(${known.join('|')})$`)}) && object.metadata.annotations[key].matches('^[A-Za-z0-9 ,./:_-]*$'))`;
}
