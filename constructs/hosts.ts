import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { UserError } from '../model/errors';
import { Platform } from './platform';

interface Host {
  /** The host with `-` for `.`: names its objects. */
  readonly name: string;
  readonly host: string;
  /** The system that has it. */
  readonly namespace: string;
}

/** The hosts of the platform, each of one system. */
export class Hosts {
  readonly taken: Host[] = [];

  /** @throws UserError when another system has the host. */
  take(host: string, namespace: string): string {
    const other = this.taken.find((entry) => entry.host === host);
    if (other) {
      throw new UserError('Two systems want the same host:', [
        {
          path: host,
          got: `routes of ${other.namespace} and of ${namespace}`,
          allowed: 'one system for each host',
          fix: "give one of them another host in the region's `endpoints`",
        },
      ]);
    }
    const name = host.replaceAll('.', '-');
    this.taken.push({ name, host, namespace });
    return name;
  }
}

/** A certificate of the region's issuer for one host, in the Secret `tls-<name>`. */
export function certificate(scope: Construct, name: string, host: string, namespace: string): ApiObject {
  return new ApiObject(scope, `certificate-${name}`, {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    // Who comes next through the host finds it signed.
    metadata: { name: `tls-${name}`, namespace, annotations: { 'pulumi.com/waitFor': 'condition=Ready' } },
    spec: {
      secretName: `tls-${name}`,
      dnsNames: [host],
      issuerRef: { kind: 'ClusterIssuer', name: Platform.of(scope).region.exposure.clusterIssuer },
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
    },
  });
}
