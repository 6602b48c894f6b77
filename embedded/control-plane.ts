import type { Progress } from '../model/progress';
import { agentAccess, kwokAccess } from './access';
import { knownAddress, regionAddress, regionPorts } from './address';
import { writeAuthentication } from './authentication';
import { Kube } from './kube';
import { livingContainers, stopContainers } from './node/container';
import { ensurePki } from './pki';
import { ensureServer, isRunning, requireRunning, runningServers, stopServer, stopServers, type Server } from './processes';
import { agent, apiserver, controllerManager, etcd, kwok, scheduler } from './servers';
import type { RegionState } from './state';
import type { Tools } from './toolchain';

export interface ControlPlane {
  /** The region's loopback address, 127.42.N.1. */
  readonly address: string;
  /** `https://127.42.N.1:26443`. */
  readonly server: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** File with the authority that signed the API server's certificate. */
  readonly ca: string;
}

/** Where the region is, whether it runs or not; undefined before its first start. */
export function describeControlPlane(state: RegionState): ControlPlane | undefined {
  const address = knownAddress(state);
  if (!address) return undefined;
  return {
    address,
    server: `https://${address}:${regionPorts.apiserver}`,
    kubeconfig: state.file('kubeconfig'),
    ca: state.file('pki', 'ca.crt'),
  };
}

/**
 * Starts what does not run and returns when the API server is ready and the controllers work; a healthy region is
 * left as it is. The caller holds the region's lock.
 */
export async function startControlPlane(options: {
  state: RegionState;
  tools: Tools;
  progress: Progress;
  /** `iss` of people's tokens, behind the gateway. @default there is no gateway and no realm */
  issuer?: string;
}): Promise<ControlPlane> {
  const { state, tools, progress, issuer } = options;
  const address = await regionAddress(state);
  await ensurePki(state, address);
  writeAuthentication(state, issuer);
  const kube = new Kube(state.file('kubeconfig'));
  try {
    const region = { state, address, tools, kube, issuer };
    const stores = [etcd(region), apiserver(region)];
    const clients = [kwok(region), controllerManager(region), scheduler(region), agent(region)];
    const missing = [...stores, ...clients].filter((server) => !isRunning(state, server));
    const start = async (tell: (detail: string) => void) => {
      const ensure = (server: Server) => {
        tell(server.name);
        return ensureServer(state, server);
      };
      for (const server of stores) await ensure(server);
      if (missing.length) {
        for (const object of [...kwokAccess, ...agentAccess]) await kube.apply(object, { fieldManager: 'datalab-stacks', force: true });
      }
      await Promise.all(clients.map(ensure));
      for (const server of clients) requireRunning(state, server.name);
    };
    await (missing.length ? progress.step(`start ${missing.length} servers at ${address}`, start) : start(() => undefined));
  } finally {
    kube.close();
  }
  return describeControlPlane(state)!;
}

/** Stops every server of the region, first those in its pods, then those that other parts of it started. Data stays. */
export async function stopControlPlane(options: { state: RegionState; progress: Progress }): Promise<void> {
  const { state, progress } = options;
  await stopServer(state, 'agent'); // it would start them again
  const pods = livingContainers(state).length;
  if (pods) await progress.step(`stop ${pods} servers of the process node`, (tell) => stopContainers(state, tell));
  const running = runningServers(state);
  if (running.length) await progress.step(`stop ${running.length} servers`, (tell) => stopServers(state, tell));
  else await stopServers(state);
}
