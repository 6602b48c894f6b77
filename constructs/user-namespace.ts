import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Quota, Region } from '../model/region';
import type { Network } from './network';
import { onyxiaAccount, rbacPrefix } from './onyxia-names';
import { Platform } from './platform';
import { defaultDeny, podSecurityLabels, stateful } from './system';

export interface UserNamespaceProps {
  /** The person or project that owns it. */
  readonly owner: string;
  readonly quota: Quota;
  /** As Onyxia prefixes it: `user-` for people, `projet-` for projects. */
  readonly prefix: 'user-' | 'projet-';
}

/**
 * A namespace that people work in: Pod Security `baseline`, quota, default limits, default-deny with holes for names,
 * its own pods, the gateway, and what the region has of the internet. Its quota is named as Onyxia names it. The owner and
 * Onyxia's API are `admin` there, and nowhere else.
 */
export class UserNamespace extends Construct {
  readonly namespace: string;

  constructor(scope: Construct, props: UserNamespaceProps) {
    super(scope, `${props.prefix}${props.owner}`);
    const platform = Platform.of(this);
    this.namespace = `${props.prefix}${props.owner}`;
    // The fence stays as long as the namespace: without it what runs there would be open.
    const metadata = (name: string) => ({ name, namespace: this.namespace, annotations: stateful });
    new k8s.KubeNamespace(this, 'namespace', {
      metadata: {
        name: this.namespace,
        labels: { ...userNamespaceLabels(platform.region), onyxia_owner: props.owner },
        annotations: stateful,
      },
    });
    defaultDeny(this, this.namespace, stateful);
    new k8s.KubeNetworkPolicy(this, 'work', { metadata: metadata('work'), spec: workPolicy(platform.network) });
    new k8s.KubeResourceQuota(this, 'quota', {
      // Onyxia would set the region's figures again at each login.
      metadata: { ...metadata('onyxia-quota'), annotations: { ...stateful, onyxia_ignore: 'true' } },
      spec: { hard: Object.fromEntries(Object.entries(props.quota).map(([key, value]) => [key, k8s.Quantity.fromString(String(value))])) },
    });
    // A quota of its own, since Onyxia's has ten keys and no other.
    new k8s.KubeResourceQuota(this, 'no-exposure', {
      metadata: metadata('no-exposure'),
      spec: { hard: { 'services.loadbalancers': k8s.Quantity.fromString('0'), 'services.nodeports': k8s.Quantity.fromString('0') } },
    });
    new k8s.KubeLimitRange(this, 'limits', {
      metadata: metadata('defaults'),
      spec: {
        limits: [
          {
            type: 'Container',
            default: { memory: k8s.Quantity.fromString('1Gi') },
            defaultRequest: { cpu: k8s.Quantity.fromString('100m'), memory: k8s.Quantity.fromString('256Mi') },
          },
        ],
      },
    });
    const person = props.prefix === 'user-';
    this.admin('owner', { kind: person ? 'User' : 'Group', name: `${rbacPrefix}${props.owner}`, apiGroup: 'rbac.authorization.k8s.io' });
    this.admin('onyxia-api', onyxiaAccount);
  }

  private admin(name: string, subject: k8s.Subject): void {
    new k8s.KubeRoleBinding(this, name, {
      metadata: { name, namespace: this.namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      subjects: [subject],
    });
  }
}

/**
 * Labels of each namespace of people, besides its owner. Onyxia applies the same, since another value under another manager
 * would make every login fail. Images of the catalogs run with sudo and without a security context of their own, so
 * `baseline` is enforced and `restricted` warned of.
 */
export function userNamespaceLabels({ namespaceLabels }: Region): Record<string, string> {
  return { ...namespaceLabels, ...podSecurityLabels('restricted'), 'pod-security.kubernetes.io/enforce': 'baseline' };
}

function workPolicy(network: Network): k8s.NetworkPolicySpec {
  const ownPods = { podSelector: {} };
  const port = (number: number, protocol: string) => ({ port: k8s.IntOrString.fromNumber(number), protocol });
  return {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [ownPods, ...network.userGateway.peers] }],
    egress: [
      { to: [...network.dns.peers], ports: [port(53, 'TCP'), port(53, 'UDP')] },
      { to: [ownPods, ...network.gateway.peers, ...network.internet.peers] },
    ],
  };
}
