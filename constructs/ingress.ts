import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { certificate, Hosts } from './hosts';
import { Platform } from './platform';
import type { RouteProps, Routes } from './spi';

/** Routes through Ingress, for a site that has no gateway yet. Each host has its own certificate. */
export class Ingress extends Construct implements Routes {
  private readonly hosts = new Hosts();

  route({ host, others = [], ...main }: RouteProps): string {
    const { namespace } = main.workload;
    const backends = [...others, main];
    const name = this.hosts.take(host, namespace);
    const signed = certificate(this, name, host, namespace);
    const route = new k8s.KubeIngress(this, `route-${name}`, {
      metadata: { name, namespace },
      spec: {
        ingressClassName: Platform.of(this).region.exposure.className,
        tls: [{ hosts: [host], secretName: `tls-${name}` }],
        rules: [
          {
            host,
            http: {
              paths: backends.flatMap(({ workload, port, paths = ['/'] }) =>
                paths.map((path) => ({ path, pathType: 'Prefix', backend: { service: { name: workload.node.id, port: { name: port } } } })),
              ),
            },
          },
        ],
      },
    });
    for (const backend of backends) {
      backend.workload.acceptFromGateway(backend.port);
      backend.workload.exposedBy.push(signed, route);
    }
    return Platform.of(this).url(host);
  }
}
