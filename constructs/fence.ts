import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { Admission, byAccount, ofPeople } from './admission';
import { images } from './images';
import { ownerLabel } from './onyxia-names';
import { System } from './system';
import { fenceOf } from './user-fence';
import { Workload } from './workload';

/**
 * Fences in the namespaces that Onyxia makes when people log in for the first time; those of the tree have their fence from
 * it. A namespace is seen when it appears or changes, and all of them at least every ten minutes.
 * Why a loop around kubectl: docs/adr/0015-fence-of-user-namespaces.md.
 */
const keep = `export HOME=/tmp
while true; do
  timeout 600 kubectl get namespaces --selector='${ownerLabel},app.kubernetes.io/managed-by!=datalab-stacks' --watch --output=name |
  while read -r namespace; do
    kubectl apply --server-side --force-conflicts --field-manager=datalab-fence --namespace="\${namespace#namespace/}" --filename=/etc/fence/fence.json
  done
  sleep 5
done
`;

/** Keeps the fence of namespaces that are not in the tree: docs/constructs/fence.md. */
export class Fence extends System {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { network } = this.platform;
    new k8s.KubeConfigMap(this, 'parts', {
      metadata: { name: 'fence', namespace: this.namespace },
      data: { 'fence.json': `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: fenceOf(network) }, null, 2)}\n` },
    });
    const workload = new Workload(this, 'fence', {
      kind: 'Deployment',
      image: images.kubectl,
      command: ['/bin/sh', '-c', keep],
      configFiles: { '/etc/fence': { configMap: 'fence' } },
      scratch: ['/tmp'],
      apiAccess: true,
      cpu: '10m',
      memory: '128Mi',
      user: 1000,
    });
    this.rights(workload.serviceAccount);
    // RBAC could give its rights in the whole cluster only.
    new Admission(this, 'keeper', {
      requests: { operations: ['CREATE', 'UPDATE', 'DELETE'], resources: { '*': ['*/*'] } },
      namespaces: 'everywhere',
      conditions: { 'by-the-keeper': byAccount({ namespace: this.namespace, name: workload.serviceAccount }) },
      validations: [{ expression: ofPeople, message: `The keeper of the fence works in the namespaces of people and projects, those with the label ${ownerLabel}, and nowhere else.` }],
    });
  }

  private rights(serviceAccount: string): void {
    const group = 'rbac.authorization.k8s.io';
    const metadata = { name: 'datalab-fence' };
    const rule = (apiGroup: string, resources: string[], verbs: string[]) => ({ apiGroups: [apiGroup], resources, verbs });
    new ApiObject(this, 'role', {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [
        rule('', ['namespaces'], ['get', 'list', 'watch']),
        rule('networking.k8s.io', ['networkpolicies'], ['get', 'create', 'patch']),
        rule('', ['resourcequotas', 'limitranges'], ['get', 'create', 'patch']),
        rule('datalab-stacks.io', ['fences'], ['create', 'update']),
      ],
    });
    new ApiObject(this, 'binding', {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace: this.namespace }],
    });
  }
}
