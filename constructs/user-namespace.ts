import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Quota, Region } from '../model/region';
import { onyxiaAccount, ownerLabel, projectPrefix, rbacPrefix, userPrefix } from './onyxia-names';
import { Platform } from './platform';
import { podSecurityLabels, stateful, type PodSecurity } from './system';
import { fenceOf } from './user-fence';

/** Level that the API server enforces in the namespaces of people and projects. */
export const peoplePodSecurity: PodSecurity = 'baseline';

export interface UserNamespaceProps {
  /** The person or project that owns it. */
  readonly owner: string;
  readonly quota: Quota;
  /** As Onyxia prefixes it: `user-` for people, `projet-` for projects. */
  readonly prefix: typeof userPrefix | typeof projectPrefix;
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
        labels: { ...userNamespaceLabels(platform.region), [ownerLabel]: props.owner },
        annotations: stateful,
      },
    });
    for (const { metadata: { name }, ...part } of fenceOf(platform.network)) {
      new ApiObject(this, name, { ...part, metadata: metadata(name) });
    }
    new k8s.KubeResourceQuota(this, 'quota', {
      // Onyxia would set the region's figures again at each login.
      metadata: { ...metadata('onyxia-quota'), annotations: { ...stateful, onyxia_ignore: 'true' } },
      spec: { hard: Object.fromEntries(Object.entries(props.quota).map(([key, value]) => [key, k8s.Quantity.fromString(String(value))])) },
    });
    const person = props.prefix === userPrefix;
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
  return { ...namespaceLabels, ...podSecurityLabels('restricted'), 'pod-security.kubernetes.io/enforce': peoplePodSecurity };
}
