import { ApiObject, Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import { certificate, Hosts } from './hosts';
import type { RouteProps, Routes } from './spi';
import { System } from './system';

const gatewayApi = 'gateway.networking.k8s.io/v1';

/**
 * Routes through the Gateway API. Each host has its own certificate and its own listener, which only the system's
 * namespace may attach to. The proxies behind the GatewayClass are the cluster's own.
 */
export class Gateway extends System implements Routes {
  private readonly hosts = new Hosts();
  private readonly gateway: ApiObject;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.gateway = new ApiObject(this, 'gateway', {
      apiVersion: gatewayApi,
      kind: 'Gateway',
      metadata: { name: 'datalab', namespace: this.namespace },
      spec: Lazy.any({
        produce: () => ({
          gatewayClassName: this.platform.region.exposure.className,
          listeners: this.hosts.taken.map(({ name, host, namespace }) => ({
            name,
            hostname: host,
            port: this.platform.region.exposure.port,
            protocol: 'HTTPS',
            tls: { mode: 'Terminate', certificateRefs: [{ kind: 'Secret', name: `tls-${name}` }] },
            allowedRoutes: {
              namespaces: { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
              kinds: [{ kind: 'HTTPRoute' }],
            },
          })),
        }),
      }),
    });
  }

  route({ host, others = [], ...main }: RouteProps): string {
    const { workload } = main;
    const backends = [...others, main];
    const name = this.hosts.take(host, workload.namespace);
    const signed = certificate(this, name, host, this.namespace);
    const route = new ApiObject(this, `route-${name}`, {
      apiVersion: gatewayApi,
      kind: 'HTTPRoute',
      metadata: { name, namespace: workload.namespace },
      spec: {
        parentRefs: [{ name: 'datalab', namespace: this.namespace, sectionName: name }],
        hostnames: [host],
        rules: backends.map((backend) => ({
          matches: (backend.paths ?? ['/']).map((value) => ({ path: { type: 'PathPrefix', value } })),
          backendRefs: [{ name: backend.workload.node.id, port: backend.workload.port(backend.port) }],
        })),
      },
    });
    for (const backend of backends) {
      backend.workload.acceptFromGateway(backend.port);
      backend.workload.exposedBy.push(this.gateway, signed, route);
    }
    return this.platform.url(host);
  }
}
