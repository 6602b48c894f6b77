import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { unordered } from '../canonical';
import { list, nameOf, settingsOf, type Fact } from './fact';

/** Hosts and paths that lead in from outside, the services behind them, and certificates. */
export function routeFacts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => !isProvisioned(object)).flatMap((object): Fact[] => {
    const { kind, spec = {}, metadata } = object;
    const { namespace = '' } = metadata;
    const permits = (text: string, covers?: readonly string[]): Fact => ({ topic: 'route', sense: 'permits', text, subjects: [namespace], ...(covers ? { covers } : {}), object: idOf(object) });
    const leads = (host: string, path: string, to: string) => permits(`${host === '*' ? 'every host' : host}${path} → ${to}`, [to, host, path === '/' ? '*' : path]);
    const rest = (known: RegExp, subject = `${kind} ${nameOf(object)}`) => settingsOf(object, { topic: 'route', subject, value: spec, known, within: idOf(object) });
    switch (kind) {
      case 'Ingress':
        return [
          ...list(spec.rules).flatMap(({ host = '*', http }) => list(http?.paths ?? [{}]).map(({ path = '/', pathType = 'Prefix', backend }) => leads(host, pathType === 'Prefix' ? path : `${path} (${pathType})`, `${namespace}/${backend?.service?.name ?? '?'}:${backend?.service?.port?.name ?? backend?.service?.port?.number ?? ''}`))),
          ...(spec.defaultBackend ? [leads('*', '/', `${namespace}/${unordered(spec.defaultBackend)}`)] : []),
          ...list(spec.rules).map(({ host = '*' }) => host).filter((host) => !list(spec.tls).some(({ hosts }) => list(hosts).includes(host))).map((host) => permits(`${host} without TLS`)),
          ...list(spec.tls).flatMap(({ hosts, secretName }) => list(hosts).map((host): Fact => ({ ...permits(`certificate that ${nameOf(object)} shows for ${host}`), sense: 'sets', value: String(secretName), within: idOf(object) }))),
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
              ...permits(`${hostname}:${port} ${protocol} is open to routes of ${allowedRoutes?.namespaces?.from === 'All' ? 'every namespace' : allowedRoutes?.namespaces?.from === 'Selector' ? `namespaces with ${unordered(allowedRoutes.namespaces.selector)}` : 'its own namespace'}`),
              value: unordered({ kinds: allowedRoutes?.kinds, tls, ...others }),
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
        return [...list(spec.dnsNames).map((host) => permits(`certificate of ${host} in ${namespace}`)), ...rest(/^(dnsNames|secretName|renewBefore|duration$|privateKey\.(rotationPolicy))/)];
      default:
        return [];
    }
  });
}
