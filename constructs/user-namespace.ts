import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Quota, Region } from '../model/region';
import { addresses, type Network } from './network';
import { Platform } from './platform';
import { defaultDeny, podSecurityLabels, stateful } from './system';

export interface UserNamespaceProps {
  /** The person or project that owns it. */
  readonly owner: string;
  readonly quota: Quota;
  /** As Onyxia prefixes it: `user-` for people, `projet-` for projects. */
  readonly prefix: 'user-' | 'projet-';
  /** Group of the realm whose members work in it. @default none: the person who owns it does */
  readonly group?: string;
}

/** Audience of the tokens by which people log in at the API server. */
export const kubernetesAudience = 'kubernetes';

/** The API server's prefix of people's names and groups: nobody of the realm can be taken for one of the cluster's own. */
export const peoplePrefix = 'oidc-';

/**
 * A namespace that people work in: Pod Security `restricted`, quota, default limits, default-deny with holes for names,
 * its own pods, the gateway, and what the region has of the internet. Its quota is named as Onyxia names it.
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
        labels: { ...podSecurityLabels('restricted'), onyxia_owner: props.owner },
        annotations: stateful,
      },
    });
    defaultDeny(this, this.namespace, stateful);
    new k8s.KubeNetworkPolicy(this, 'work', { metadata: metadata('work'), spec: workPolicy(platform.network, platform.region) });
    new k8s.KubeResourceQuota(this, 'quota', {
      metadata: metadata('onyxia-quota'),
      spec: { hard: Object.fromEntries(Object.entries(props.quota).map(([key, value]) => [key, k8s.Quantity.fromString(String(value))])) },
    });
    const rbac = 'rbac.authorization.k8s.io';
    // Named as Onyxia names it.
    new k8s.KubeRoleBinding(this, 'full-control', {
      metadata: metadata('full_control_namespace'),
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'admin' },
      subjects: [{ apiGroup: rbac, kind: props.group ? 'Group' : 'User', name: `${peoplePrefix}${props.group ?? props.owner}` }],
    });
    // A quota of its own, since Onyxia rewrites the other one.
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
  }
}

function workPolicy(network: Network, region: Region): k8s.NetworkPolicySpec {
  const ownPods = { podSelector: {} };
  const port = (number: number, protocol: string) => ({ port: k8s.IntOrString.fromNumber(number), protocol });
  return {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [ownPods, ...network.gateway.peers] }],
    egress: [
      { to: [...network.dns.peers], ports: [port(53, 'TCP'), port(53, 'UDP')] },
      { to: [ownPods, ...network.gateway.peers, ...outside(region)] },
    ],
  };
}

/** What people reach outside the cluster: the internet without private addresses, or its substitutes. */
function outside(region: Region): readonly k8s.NetworkPolicyPeer[] {
  if (region.internet !== 'direct') return addresses('internet', region.internet.cidrs).peers;
  return [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'] } }];
}
