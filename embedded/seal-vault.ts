import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { sealVault } from '../model/embedded-region';
import type { Progress } from '../model/progress';
import { ask, vaultAt, type Vault } from '../provision/vault-server';
import { regionAddress } from './address';
import { ensurePki } from './pki';
import { ensureServer, isRunning, stopServer, type Server } from './processes';
import { readText, writeAtomic, type RegionState } from './state';
import type { Tools } from './toolchain';

const note = "The region's stand-in for the organisation's other Vault, which opens the datalab's own. Its only unseal key lies here: whoever reads this file reads everything.";

interface Credentials {
  readonly note: string;
  readonly unsealKey: string;
  /** May encrypt and decrypt with the one key, nothing else. */
  readonly token?: string;
}

/** What the datalab's Vault needs to be opened by this one. */
export interface TransitSeal {
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

/**
 * Starts a second, real Vault of the region unless it runs, opens it, and returns what the datalab's own needs of it.
 * It stands for a Vault that an organisation already has. The caller holds the region's lock.
 */
export async function startSealVault(state: RegionState, tools: Tools<'vault'>, progress: Progress): Promise<TransitSeal> {
  const address = await regionAddress(state);
  await ensurePki(state, address);
  const url = `https://${address}:${sealVault.port}`;
  const ca = readText(state.file('pki', 'gateway-ca.crt'))!;
  const vault = vaultAt(url, { ca });
  writeAtomic(state.file('seal-vault.hcl'), configuration(address, url));
  const server: Server = {
    name: 'seal-vault',
    command: tools.vault,
    args: ['server', '-config=seal-vault.hcl'],
    files: ['seal-vault.hcl', 'pki/seal-vault.crt'],
    ports: [`${address}:${sealVault.port}`, `${address}:${sealVault.port + 1}`],
    ready: () => ask(vault, 'GET', 'sys/seal-status').then(() => true),
  };
  const begin = async () => {
    if (credentialsOf(state)?.token === undefined) {
      // Its set-up was interrupted, so nothing depends on it yet.
      await stopServer(state, server.name);
      rmSync(state.file('seal-vault'), { recursive: true, force: true });
      mkdirSync(state.file('seal-vault', 'data'), { recursive: true, mode: 0o700 });
    }
    await ensureServer(state, server);
    return open(state, vault);
  };
  const token = isRunning(state, server) ? await begin() : await progress.step('start and open the Vault that opens the other', begin);
  return { token, ca };
}

async function open(state: RegionState, vault: Vault): Promise<string> {
  const { initialized } = await ask(vault, 'GET', 'sys/seal-status');
  const root = initialized ? undefined : await initialise(state, vault);
  const { unsealKey, token } = credentialsOf(state)!;
  const { sealed } = await ask(vault, 'GET', 'sys/seal-status');
  if (sealed) await ask(vault, 'PUT', 'sys/unseal', { body: { key: unsealKey } });
  while ((await vault('GET', 'sys/health')).status !== 200) await sleep(100);
  return token ?? setUp(state, vault, root!);
}

async function initialise(state: RegionState, vault: Vault): Promise<string> {
  const { keys_base64: [unsealKey], root_token: root } = await ask(vault, 'PUT', 'sys/init', { body: { secret_shares: 1, secret_threshold: 1 } });
  write(state, { note, unsealKey });
  return root as string;
}

/** The transit engine with one key, and a token for it that lasts as long as it is renewed once in ten years. */
async function setUp(state: RegionState, vault: Vault, root: string): Promise<string> {
  const call = (path: string, body: unknown) => ask(vault, 'POST', path, { token: root, body });
  await call('sys/mounts/transit', { type: 'transit' });
  await call('transit/keys/datalab', {});
  await call('sys/policies/acl/datalab', { policy: ['encrypt', 'decrypt'].map((verb) => `path "transit/${verb}/datalab" {\n  capabilities = ["update"]\n}\n`).join('') });
  const { auth } = await call('auth/token/create', { policies: ['datalab'], period: '87600h', no_parent: true, display_name: state.stack });
  write(state, { ...credentialsOf(state)!, token: auth.client_token });
  await call('auth/token/revoke-self', {});
  return auth.client_token as string;
}

function configuration(address: string, url: string): string {
  return `disable_mlock = true
api_addr      = "${url}"
cluster_addr  = "https://${address}:${sealVault.port + 1}"
max_lease_ttl = "87600h"

storage "raft" {
  path    = "seal-vault/data"
  node_id = "seal-vault"
}

listener "tcp" {
  address         = "${address}:${sealVault.port}"
  cluster_address = "${address}:${sealVault.port + 1}"
  tls_cert_file   = "pki/seal-vault.crt"
  tls_key_file    = "pki/seal-vault.key"
}
`;
}

function credentialsOf(state: RegionState): Credentials | undefined {
  const text = readText(state.file('seal-vault', 'credentials.json'));
  return text === undefined ? undefined : (JSON.parse(text) as Credentials);
}

function write(state: RegionState, credentials: Credentials): void {
  writeAtomic(state.file('seal-vault', 'credentials.json'), `${JSON.stringify(credentials, null, 2)}\n`);
}
