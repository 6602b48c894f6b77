import { compose } from '../constructs/compose';
import { System } from '../constructs/system';
import { UserNamespace } from '../constructs/user-namespace';
import type { Stack } from '../model/stack';
import { describeControlPlane } from './control-plane';
import { Kube, type KubeObject } from './kube';
import { launcherFor } from './launchers/all';
import { podsOfNode } from './node/settled';
import { notEnforced } from './node/supported';
import { readiness } from './plugins/kubernetes-await';
import { requireEmbedded } from './region-kind';
import { runningServers } from './processes';
import { readRegion } from './state';
import { describeTools } from './toolchain';

export interface SystemStatus {
  readonly name: string;
  readonly namespace: string;
  readonly ready: boolean;
  /** `real`: its pods are processes of this computer. `simulated`: they are entries of the API server, no process runs. */
  readonly runs: 'real' | 'simulated';
  readonly url?: string;
}

export interface RegionStatus {
  readonly stack: string;
  readonly running: boolean;
  readonly kubeconfig: string;
  readonly systems: readonly SystemStatus[];
  /** The servers that run for real. */
  readonly servers: readonly string[];
  /** Who stands in for those who open Vault. */
  readonly opensVault: string;
  /** What manifests ask for and nothing here enforces. */
  readonly notEnforced: readonly string[];
  /** Commands worth trying. */
  readonly next: readonly string[];
}

/** What an embedded region has, asked of its API server. Changes nothing. */
export async function regionStatus(stack: Stack, stateDirectory?: string): Promise<RegionStatus> {
  requireEmbedded(stack, 'status');
  const state = readRegion(stack.name, stateDirectory);
  const controlPlane = describeControlPlane(state);
  const running = controlPlane !== undefined && runningServers(state).some((server) => server.name === 'kube-apiserver');
  const kubeconfig = state.file('kubeconfig');
  if (!running) return { stack: stack.name, running, kubeconfig, systems: [], servers: [], opensVault: opensVault(stack), notEnforced, next: [`./datalab up ${stack.name}`] };
  const platform = compose(stack);
  const kube = new Kube(kubeconfig);
  try {
    const pods = await podsOfNode(kube);
    const real = new Set(pods.map(({ metadata }) => metadata.namespace!));
    const images = pods.flatMap(({ spec }) => spec.containers.map((container: { image: string }) => container.image));
    const servers = [...new Set(images.flatMap((image: string) => launcherFor(image)?.runs() ?? []))].sort();
    const systems = await Promise.all(
      platform.node.children
        .filter((child): child is System => child instanceof System)
        .map(async (system): Promise<SystemStatus> => ({
          name: system.node.id,
          namespace: system.namespace,
          ready: await isReady(kube, system.namespace),
          runs: real.has(system.namespace) ? 'real' : 'simulated',
          ...(system.url ? { url: system.url } : {}),
        })),
    );
    const user = platform.node.children.find((child): child is UserNamespace => child instanceof UserNamespace);
    return { stack: stack.name, running, kubeconfig, systems, servers, opensVault: opensVault(stack), notEnforced, next: suggestions(stack.name, kubeconfig, user?.namespace, Object.keys(platform.region.demoUsers)[0]) };
  } finally {
    kube.close();
  }
}

function opensVault(stack: Stack): string {
  return stack.instance.regions[stack.region]!.vault.seal.kind === 'transit'
    ? "the organisation's other Vault, which opens Vault: a real one, whose unseal key lies in seal-vault/ of the region's directory"
    : "Vault's operators: throwaway keys in vault/operators/ of the region's directory; `up` opens Vault with them";
}

/** The namespace is there, and every workload in it is ready. */
async function isReady(kube: Kube, namespace: string): Promise<boolean> {
  if (!(await kube.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }))) return false;
  const kinds: [string, string][] = [['apps/v1', 'Deployment'], ['apps/v1', 'StatefulSet'], ['apps/v1', 'DaemonSet'], ['batch/v1', 'Job']];
  const workloads = (await Promise.all(kinds.map(([apiVersion, kind]) => kube.list(apiVersion, kind, { namespace })))).flat();
  const states = await Promise.all(workloads.map((workload: KubeObject) => readiness(kube, workload)));
  return states.every(({ state }) => state === 'ready');
}

function suggestions(stack: string, kubeconfig: string, namespace: string | undefined, user: string | undefined): string[] {
  const kubectl = describeTools().flatMap(({ found }) => found).find((path) => path.endsWith('/kubectl'));
  return [
    `export KUBECONFIG=${kubeconfig}`,
    ...(kubectl ? [`alias kubectl=${kubectl}`] : []),
    'kubectl get pods -A -o wide',
    ...(namespace ? [`kubectl -n ${namespace} describe resourcequota`] : []),
    `./datalab logs keycloak ${stack}`,
    ...(user ? [`./datalab login ${user} ${stack}`] : []),
    `./datalab preview ${stack} && ./datalab down ${stack}`,
  ];
}
