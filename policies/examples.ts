import type { Manifest } from './rule';

/** A restricted container, changed. */
export function container(change: object = {}): any {
  return {
    name: 'main',
    image: 'registry.example.org/tools/app:1.2.3',
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '64Mi' } },
    ...change,
  };
}

/** A restricted pod, changed. */
export function pod(change: object = {}, of: object = container()): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', namespace: 'team' },
    spec: {
      serviceAccountName: 'app',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [of],
      ...change,
    },
  };
}

/** A pod whose one container is changed. */
export function podWith(change: object): Manifest {
  return pod({}, container(change));
}

/** A pod whose one container has another security context. */
export function podSecured(change: object): Manifest {
  const restricted = container();
  return pod({}, { ...restricted, securityContext: { ...restricted.securityContext, ...change } });
}

/** Any object in the namespace `team`. */
export function object(apiVersion: string, kind: string, rest: object = {}, metadata: object = {}): Manifest {
  return { apiVersion, kind, metadata: { name: 'example', namespace: 'team', ...metadata }, ...rest };
}

/** An object of the cluster. */
export function clusterObject(apiVersion: string, kind: string, rest: object = {}, metadata: object = {}): Manifest {
  return { apiVersion, kind, metadata: { name: 'example', ...metadata }, ...rest };
}

export function namespace(labels: Record<string, string> = {}): Manifest {
  return clusterObject('v1', 'Namespace', {}, { name: 'team', labels });
}

export function networkPolicy(spec: object): Manifest {
  return object('networking.k8s.io/v1', 'NetworkPolicy', { spec });
}

/** A Role, or with `ClusterRole` one of the cluster, with one rule. */
export function role(rule: object, kind: 'Role' | 'ClusterRole' = 'Role'): Manifest {
  const make = kind === 'Role' ? object : clusterObject;
  return make('rbac.authorization.k8s.io/v1', kind, { rules: [rule] });
}

/** A binding of a service account. */
export function binding(roleRef: string, kind: 'RoleBinding' | 'ClusterRoleBinding', subject: object = { kind: 'ServiceAccount', name: 'app', namespace: 'team' }): Manifest {
  const make = kind === 'RoleBinding' ? object : clusterObject;
  return make('rbac.authorization.k8s.io/v1', kind, { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleRef }, subjects: [subject] });
}

export function provisioned(of: string, kind: string, spec: object): Manifest {
  return object(`provisioned/${of}`, kind, { spec });
}

/** An S3 policy of MinIO. */
export function s3Policy(...statements: object[]): Manifest {
  return provisioned('minio', 'IamPolicy', { name: 'example', policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }) });
}
