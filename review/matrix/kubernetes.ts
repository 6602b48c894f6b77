import { platformNamespaces, projectOf, type Caller } from './callers';
import { accessName, allowed, any, send, type RegionAccess } from './region';

/** The API server's columns. Writes are dry runs: they pass authorisation and admission, and nothing is kept. */
export async function askKubernetes(region: RegionAccess, caller: Caller): Promise<Record<string, () => Promise<string>>> {
  const token = caller.injected ? caller.injected.KUBERNETES_TOKEN : await caller.token?.('kubernetes');
  const may = (method: string, path: string, body?: object) =>
    allowed(
      send(region, `${region.servers.kubernetes}${path}`, {
        method,
        headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
      [401, 403],
      [200, 201],
    );
  const read = (...paths: string[]) => any(paths.map((path) => may('GET', path)));
  const create = (path: string, object: object) => may('POST', `${path}?dryRun=All`, { ...object, metadata: { name: 'datalab-verify' } });
  const namespace = async (name: string) => {
    const path = `/api/v1/namespaces/${name}`;
    const reads = await read(`${path}/pods?limit=1`, `${path}/secrets?limit=1`);
    return accessName(reads, await create(`${path}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap' }));
  };
  const project = projectOf(region.platform);
  return {
    own: () => namespace(caller.own.namespace),
    another: () => namespace(caller.another.namespace),
    ...(project ? { project: () => namespace(`projet-${project}`) } : {}),
    platform: async () => {
      const found = new Set<string>();
      for (const each of platformNamespaces(region.platform)) for (const right of (await namespace(each)).replace('no', '')) found.add(right);
      return accessName(found.has('r'), found.has('w'));
    },
    cluster: async () => {
      const rbac = 'rbac.authorization.k8s.io';
      const binding = { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'view' }, subjects: [] };
      const reads = await read('/api/v1/nodes?limit=1', '/api/v1/namespaces?limit=1', '/api/v1/secrets?limit=1', `/apis/${rbac}/v1/clusterrolebindings?limit=1`);
      const writes = await any([create(`/apis/${rbac}/v1/clusterrolebindings`, binding), create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace' })]);
      return accessName(reads, writes);
    },
  };
}
