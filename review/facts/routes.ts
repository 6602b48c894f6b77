import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { leavesOf, unordered } from '../canonical';
import { list, nameOf, settingsOf, type Fact } from './fact';

/** Hosts and paths that lead in from outside, the services behind them, and certificates. */
export function routeFacts(objects: readonly Manifest[]): Fact[] {
  const ports = new Map(objects.filter(({ kind }) => kind === 'Service').flatMap((service) => list(service.spec?.ports).map(({ port, name }): [string, string] => [`${nameOf(service)}:${port}`, name])));
  const asked = objects.some(({ kind }) => kind === 'SecurityPolicy');
  return objects.filter((object) => !isProvisioned(object)).flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata } = object;
    const { namespace = '' } = metadata;
    const permits = (text: string, covers?: readonly string[], host?: string): Fact => ({ topic: 'route', sense: 'permits', text, subjects: [...(host ? [host] : []), namespace], ...(covers ? { covers } : {}), object: idOf(object) });
    const guarded = asked || /auth/.test(Object.keys(metadata.annotations ?? {}).join()) || list(spec.rules).some(({ filters }) => list(filters).length);
    const leads = (host: string, path: string, to: string): Fact => ({
      ...permits(`${host === '*' ? 'every host' : host}${path}${/[)}]$/.test(path) ? '' : path === '/' ? ' and every path below' : ' and every path below it'} → ${to}${ports.get(to) ? ` (port ${ports.get(to)})` : ''}`, [to, host, path === '/' ? '*' : path], host),
      ...(guarded ? {} : { remark: 'no login is asked on the way: what answers there decides' }),
    });
    const rest = (known: RegExp, subject = `${kind} ${nameOf(object)}`) => settingsOf(object, { topic: 'route', subject, value: spec, known, within: idOf(object) });
    switch (kind) {
      case 'Ingress':
        return [
          ...list(spec.rules).flatMap(({ host = '*', http }) => list(http?.paths ?? [{}]).map(({ path = '/', pathType = 'Prefix', backend }) => leads(host, pathType === 'Prefix' ? path : `${path} (${pathType})`, `${namespace}/${backend?.service?.name ?? '?'}:${backend?.service?.port?.name ?? backend?.service?.port?.number ?? ''}`))),
          ...(spec.defaultBackend ? [leads('*', '/', `${namespace}/${unordered(spec.defaultBackend)}`)] : []),
          ...list(spec.rules).map(({ host = '*' }) => host).filter((host) => !list(spec.tls).some(({ hosts }) => list(hosts).includes(host))).map((host) => permits(`${host} without TLS`, undefined, host)),
          ...list(spec.tls).flatMap(({ hosts, secretName }) => list(hosts).map((host): Fact => ({ ...permits(`certificate that ${nameOf(object)} shows for ${host}`, undefined, host), sense: 'sets', value: String(secretName), within: idOf(object) }))),
          ...rest(/^(rules|defaultBackend|tls)/),
        ];
      case 'HTTPRoute': case 'GRPCRoute': case 'TLSRoute': case 'TCPRoute': case 'UDPRoute':
        return [
          ...list(spec.hostnames ?? '*').flatMap((host) => list(spec.rules).flatMap(({ matches = [{}], backendRefs }) => list(matches).flatMap(({ path, ...others }) =>
            list(backendRefs).map((to) => leads(host, `${path?.value ?? '/'}${(path?.type ?? 'PathPrefix') === 'PathPrefix' ? '' : ` (${path.type})`}${Object.keys(others).length ? ` if ${unordered(others)}` : ''}`, `${to.namespace ?? namespace}/${to.name}:${to.port ?? ''}`))))),
          ...list(spec.rules).flatMap(({ filters }) => list(filters).map((filter) => permits(`${nameOf(object)} does ${unordered(filter)}`))),
          ...rest(/^(hostnames|rules)/),
        ];
      case 'ReferenceGrant':
        return [permits(`references into ${namespace}: ${unordered(spec)}`)];
      case 'Gateway':
        return [
          ...list(spec.listeners).flatMap(({ name, hostname = 'every host', port, protocol, allowedRoutes, tls, ...others }) => [
            {
              ...permits(`${hostname}:${port} ${protocol} of the gateway ${nameOf(object)} (class ${spec.gatewayClassName}) is open to routes of ${whose(allowedRoutes?.namespaces)}`, undefined, hostname),
              value: termsOf(allowedRoutes?.kinds, tls, others),
            },
            ...(['HTTPS', 'TLS'].includes(protocol) ? [] : [permits(`listener ${name} without TLS`)]),
          ]),
          ...rest(/^listeners/),
        ];
      case 'Service':
        return [
          ...(['LoadBalancer', 'NodePort', 'ExternalName'].includes(spec.type) ? [permits(`${spec.type} ${nameOf(object)}${spec.externalName ? ` → ${spec.externalName}` : ''}`)] : []),
          ...list(spec.externalIPs).map((address) => permits(`${nameOf(object)} at ${address}`)),
          ...list(spec.ports).map(({ port, protocol = 'TCP', targetPort = port, nodePort }): Fact => ({ ...permits(`service ${nameOf(object)}: ${protocol}/${port} → ${targetPort}${nodePort ? `, port ${nodePort} of every node` : ''}`), within: idOf(object) })),
          ...rest(/^(type|externalName|externalIPs|ports|clusterIPs?|sessionAffinity|ipFamil|internalTrafficPolicy|publishNotReadyAddresses)/),
        ];
      case 'Certificate':
        return [...list(spec.dnsNames).map((host) => permits(`${host}: certificate in the namespace ${namespace}`, undefined, host)), ...rest(/^(dnsNames|secretName|renewBefore|duration$|privateKey\.(rotationPolicy))/)];
      default:
        return [];
    }
  });
}

/** The namespaces whose routes a listener takes. */
function whose(namespaces: any): string {
  if (namespaces?.from === 'All') return 'every namespace';
  if (namespaces?.from !== 'Selector') return 'its own namespace';
  const { matchLabels = {}, ...others } = namespaces.selector ?? {};
  const [[label, name] = [], ...more] = Object.entries(matchLabels);
  return label === 'kubernetes.io/metadata.name' && !more.length && !Object.keys(others).length ? `the namespace ${String(name)}` : `namespaces with ${unordered(namespaces.selector)}`;
}

/** What else a listener says: kinds of routes, TLS and certificates, and all that has no words of its own. */
function termsOf(kinds: unknown, { mode, certificateRefs, ...tls }: any = {}, others: object): string {
  const routes = list(kinds).map(({ kind, ...more }) => `${kind}${Object.keys(more).length ? ` ${unordered(more)}` : ''}`).sort();
  const certificates = list(certificateRefs).map(({ kind = 'Secret', name, ...more }) => `${kind} ${name}${Object.keys(more).length ? ` ${unordered(more)}` : ''}`).sort();
  return [
    ...(routes.length ? [`for ${routes.join(', ')}`] : []),
    ...(mode ? [`TLS ${mode}`] : []),
    ...(certificates.length ? [`certificate in ${certificates.join(', ')}`] : []),
    ...leavesOf({ ...others, tls }).map(([path, value]) => `${path} ${value}`),
  ].join('; ');
}
