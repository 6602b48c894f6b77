import type { Problem } from '../model/errors';
import type { Stack } from '../model/stack';
import { authorityOf, endpoints } from './credentials';
import { startKeycloakPlugin } from './plugins/keycloak';
import { startKubernetesPlugin } from './plugins/kubernetes';
import { startMinioPlugin } from './plugins/minio';
import type { RegionState } from './state';

export interface StandIns {
  /** Where the engine finds them: the value of PULUMI_DEBUG_PROVIDERS. */
  readonly addresses: string;
  /** Objects that a preview found to belong to nobody or to another stack. */
  strangers(): readonly Problem[];
  stop(): Promise<void>;
}

/** Starts our stand-ins for the Pulumi plugins of an embedded region. They reach its servers through the gateway. */
export async function startStandIns(stack: Stack, state: RegionState, adopt: boolean): Promise<StandIns> {
  const hosts = Object.values(endpoints(stack)).map((url) => new URL(url).hostname);
  const access = { adopt, ca: authorityOf(state), addresses: Object.fromEntries(hosts.map((host) => [host, '127.0.0.1'])) };
  const kubernetes = await startKubernetesPlugin({ kubeconfig: state.file('kubeconfig'), stack: stack.name, adopt });
  const keycloak = await startKeycloakPlugin(access);
  const minio = await startMinioPlugin(access);
  return {
    addresses: `kubernetes:${kubernetes.port},keycloak:${keycloak.port},minio:${minio.port}`,
    strangers: () => kubernetes.strangers(),
    stop: async () => {
      await Promise.all([kubernetes.stop(), keycloak.stop(), minio.stop()]);
    },
  };
}
