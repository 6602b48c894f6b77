import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { Platform } from './platform';
import type { Workload } from './workload';

/** Makes the keys of service-account tokens readable without a login; they are public keys. Servers that trust workloads ask for them so. */
class PublicIssuer extends Construct {
  constructor(platform: Platform) {
    super(platform, 'issuer');
    new k8s.KubeClusterRoleBinding(this, 'discovery', {
      metadata: { name: 'datalab-issuer-discovery' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:service-account-issuer-discovery' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
    });
  }
}

/** Lets the pods of `workload` read the keys that sign service-account tokens, at the cluster's issuer. Returns the issuer. */
export function grantIssuerKeys(workload: Workload): string {
  const platform = Platform.of(workload);
  const { apiServer, serviceAccountIssuer } = platform.region.cluster;
  if (!platform.node.tryFindChild('issuer')) new PublicIssuer(platform);
  platform.network.connect(workload, platform.network.apiServer, apiServer.port, 'keys of service-account tokens');
  return serviceAccountIssuer;
}
