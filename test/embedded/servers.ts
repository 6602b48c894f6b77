import { cpSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { keycloakDistribution } from '../../embedded/launchers/keycloak-dist';
import { ensureServer, stopServer, type Server } from '../../embedded/processes';
import type { RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';

/** A real server on loopback, for one test file. */
export interface TestServer {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

/** Keycloak with nothing but its master realm, which forgets all when it stops. */
export async function startKeycloak(state: RegionState): Promise<TestServer> {
  const [address, port] = ['127.0.0.1', await freePort()];
  const url = `http://${address}:${port}`;
  const password = 'keycloak-root-password';
  const distribution = keycloakDistribution();
  if (!distribution) throw new Error('Keycloak is not in the cache: ./datalab doctor --install');
  // Development mode writes its build into the distribution.
  cpSync(distribution, state.file('distribution'), { recursive: true });
  const server: Server = {
    name: 'keycloak',
    command: state.file('distribution', 'bin', 'kc.sh'),
    args: ['start-dev', '--db=dev-mem', `--http-host=${address}`, `--http-port=${port}`],
    env: { KC_BOOTSTRAP_ADMIN_USERNAME: 'root', KC_BOOTSTRAP_ADMIN_PASSWORD: password, JAVA_OPTS_APPEND: '-Xmx512m' },
    ports: [`${address}:${port}`],
    ready: () => answers(`${url}/realms/master`),
    secondsToReady: 120,
  };
  await ensureServer(state, server);
  return { url, user: 'root', password, stop: () => stopServer(state, 'keycloak') };
}

/** MinIO with its data in the state directory: started again with the same `port`, it has what it had. */
export async function startMinio(state: RegionState, settings: { port?: number; env?: Record<string, string> } = {}): Promise<TestServer & { port: number }> {
  const address = '127.0.0.1';
  const port = settings.port ?? (await freePort());
  const url = `http://${address}:${port}`;
  const password = 'minio-root-password';
  const server: Server = {
    name: 'minio',
    command: (await ensureTools(['minio'], silent)).minio,
    args: ['server', `--address=${address}:${port}`, `--console-address=${address}:${await freePort()}`, 'minio'],
    env: { MINIO_ROOT_USER: 'root', MINIO_ROOT_PASSWORD: password, ...settings.env },
    ports: [`${address}:${port}`],
    ready: () => answers(`${url}/minio/health/cluster`),
  };
  await ensureServer(state, server);
  return { url, user: 'root', password, port, stop: () => stopServer(state, 'minio') };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
