import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { keycloakDistribution } from '../../embedded/launchers/keycloak-dist';
import { ensureServer, stopServer, type Server } from '../../embedded/processes';
import type { RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { silent } from '../../model/progress';
import { eventually } from './temporary';

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

export interface TestVault extends TestServer {
  readonly port: number;
  /** Opens it after a start: one call for each of its two keys. */
  unseal(keys?: number): Promise<void>;
  /** One request as root, or with another token; undefined as token is none. Returns status and body. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; body: any }>;
}

/** Vault with its data in the state directory, initialised with two keys of which both are needed, and unsealed. */
export async function startVault(state: RegionState, settings: { port?: number } = {}): Promise<TestVault> {
  const address = '127.0.0.1';
  const port = settings.port ?? (await freePort());
  const url = `http://${address}:${port}`;
  const [configuration, kept] = [state.file('vault.json'), state.file('vault-keys.json')];
  const listener = { tcp: { address: `${address}:${port}`, tls_disable: true } };
  mkdirSync(state.file('vault'), { recursive: true });
  const storage = { raft: { path: state.file('vault'), node_id: 'one', performance_multiplier: 1 } };
  writeFileSync(configuration, JSON.stringify({ disable_mlock: true, storage, listener, api_addr: url, cluster_addr: `http://${address}:${port + 1}` }));
  const server: Server = {
    name: 'vault',
    command: (await ensureTools(['vault'], silent)).vault,
    args: ['server', `-config=${configuration}`],
    ports: [`${address}:${port}`],
    ready: () => answers(`${url}/v1/sys/seal-status`),
  };
  await ensureServer(state, server);
  const send = async (method: string, path: string, body?: unknown, token?: string) => {
    const response = await fetch(`${url}/v1/${path}`, { method, headers: token ? { 'x-vault-token': token } : {}, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  if (!existsSync(kept)) writeFileSync(kept, JSON.stringify((await send('POST', 'sys/init', { secret_shares: 2, secret_threshold: 2 })).body));
  const { keys, root_token: root } = JSON.parse(readFileSync(kept, 'utf8')) as { keys: string[]; root_token: string };
  const unseal = async (count = keys.length) => {
    for (const key of keys.slice(0, count)) await send('POST', 'sys/unseal', { key });
    if (count === keys.length) await eventually('Vault is active', () => answers(`${url}/v1/sys/health`));
  };
  await unseal();
  return { url, user: 'root', password: root, port, unseal, ask: (method, path, body, token = root) => send(method, path, body, token), stop: () => stopServer(state, 'vault') };
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
