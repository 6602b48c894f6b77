import type { Problem } from '../model/errors';
import type { Stack } from '../model/stack';
import { authorityOf, endpoints } from './credentials';
import { interruptedCreations } from './interrupted';
import { startKeycloakPlugin } from './plugins/keycloak';
import { startKubernetesPlugin } from './plugins/kubernetes';
import { startMinioPlugin } from './plugins/minio';
import { startVaultPlugin } from './plugins/vault';
import type { RegionState } from './state';

export interface StandIns {
  /** Where the engine finds them: the value of PULUMI_DEBUG_PROVIDERS. */
  readonly addresses: string;
  /** Objects that a preview found to belong to nobody or to another stack. */
  strangers(): readonly Problem[];
  stop(): Promise<void>;
}

/**
 * Starts our stand-ins for the Pulumi plugins of an embedded region; that for `kubernetes` only when it is wanted. Those for
 * the servers always: only they reach hosts that no resolver knows, signed by the region's own authority.
 */
export async function startStandIns(stack: Stack, state: RegionState, options: { adopt: boolean; kubernetes: boolean; jwt: () => Promise<string> }): Promise<StandIns> {
  const { adopt, jwt } = options;
  const hosts = Object.values(endpoints(stack)).map((url) => new URL(url).hostname);
  const access = { adopt, interrupted: interruptedCreations(state), ca: authorityOf(state), addresses: Object.fromEntries(hosts.map((host) => [host, '127.0.0.1'])) };
  const kubernetes = options.kubernetes ? await startKubernetesPlugin({ kubeconfig: state.file('kubeconfig'), stack: stack.name, adopt }) : undefined;
  const keycloak = await startKeycloakPlugin(access);
  const minio = await startMinioPlugin(access);
  const vault = await startVaultPlugin({ ...access, stack: stack.name, jwt });
  return {
    addresses: [...(kubernetes ? [`kubernetes:${kubernetes.port}`] : []), `keycloak:${keycloak.port}`, `minio:${minio.port}`, `vault:${vault.port}`].join(),
    strangers: () => kubernetes?.strangers() ?? [],
    stop: async () => {
      await Promise.all([kubernetes?.stop(), keycloak.stop(), minio.stop(), vault.stop()]);
    },
  };
}
