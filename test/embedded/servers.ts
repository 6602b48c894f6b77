import { existsSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ensureServer, stopServer, type Server } from '../../embedded/processes';
import type { RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { toolTable, type ToolName } from '../../embedded/tools';
import { silent } from '../../model/progress';

/** A real server on loopback, for one test file. */
export interface TestServer {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

type Program = 'keycloak' | 'minio';

/** Where the program is: out of the toolchain when it installs it, else in the directory DATALAB_TOOLS. */
async function pathOf(program: Program): Promise<string> {
  if (!isInToolchain(program)) return inToolsDirectory(program)!;
  const tools: Readonly<Record<string, string>> = await ensureTools([program as ToolName], silent);
  return tools[program]!;
}

/** Tests that need servers: run where the programs are, else skipped with the reason. */
export function describeWith(programs: readonly Program[], title: string, tests: () => void): void {
  const missing = programs.filter((program) => !isInToolchain(program) && !inToolsDirectory(program));
  if (!missing.length) {
    describe(title, tests);
    return;
  }
  console.warn(`${title}: skipped, since the toolchain does not install ${missing.join(', ')}, and DATALAB_TOOLS is no directory with it`);
  describe.skip(title, tests);
}

/** Keycloak with nothing but its master realm, which forgets all when it stops. */
export async function startKeycloak(state: RegionState): Promise<TestServer> {
  const [address, port] = ['127.0.0.1', await freePort()];
  const url = `http://${address}:${port}`;
  const password = 'keycloak-root-password';
  const server: Server = {
    name: 'keycloak',
    command: join(await pathOf('keycloak'), 'bin', 'kc.sh'),
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
    command: await pathOf('minio'),
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

function isInToolchain(program: Program): boolean {
  return program in toolTable;
}

/** `minio`, or a directory `keycloak-<version>`, in the directory that the user names. */
function inToolsDirectory(program: Program): string | undefined {
  const directory = process.env.DATALAB_TOOLS;
  if (!directory || !existsSync(directory)) return undefined;
  const found = readdirSync(directory).find((entry) => entry === program || entry.startsWith(`${program}-`));
  return found && join(directory, found);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
