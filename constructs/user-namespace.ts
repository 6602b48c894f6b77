import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Quota } from '../model/region';
import { Platform } from './platform';
import { podSecurityLabels, stateful, type PodSecurity } from './system';
import { fenceOf } from './user-fence';

/** Level that the API server enforces in the namespaces of people and projects. */
export const peoplePodSecurity: PodSecurity = 'restricted';

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
        labels: { ...podSecurityLabels(peoplePodSecurity), onyxia_owner: props.owner },
        annotations: stateful,
      },
    });
    for (const { metadata: { name }, ...part } of fenceOf(platform.network, platform.region)) {
      new ApiObject(this, name, { ...part, metadata: metadata(name) });
    }
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
  }
}
