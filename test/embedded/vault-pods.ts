import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpsServer } from 'node:https';
import { generateKeyPairSync, sign } from 'node:crypto';
import { entriesOf } from '../../constructs/objects';
import type { Platform } from '../../constructs/platform';
import { regionAddress } from '../../embedded/address';
import { ensurePki, serverCertificate } from '../../embedded/pki';
import { sessionOf } from '../../embedded/proc';
import { ensureServer, runningServers, type Server } from '../../embedded/processes';
import type { RegionState } from '../../embedded/state';
import { ensureTools } from '../../embedded/toolchain';
import { sealVault } from '../../model/embedded-region';
import { silent } from '../../model/progress';
import type { VaultPod } from '../../provision/vault-opening';
import { ask, vaultAt } from '../../provision/vault-server';
import type { Manifest } from '../constructs/base';

const port = 8200;

/** The pods of a platform's Vault as processes, from their manifest: their config map and environment, with loopback addresses for names. */
export class VaultPods {
  private constructor(
    private readonly state: RegionState,
    private readonly platform: Platform,
    private readonly region: string,
    private readonly command: string,
    /** Instead of what the manifest takes from a Secret. */
    private readonly secrets: Readonly<Record<string, string>>,
  ) {}

  static async of(state: RegionState, platform: Platform, secrets: Readonly<Record<string, string>> = {}): Promise<VaultPods> {
    const region = await regionAddress(state);
    await ensurePki(state, region);
    return new VaultPods(state, platform, region, (await ensureTools(['vault'], silent)).vault, secrets);
  }

  get pods(): VaultPod[] {
    return Array.from({ length: this.manifest('statefulset/vault').spec.replicas }, (_, number) => ({ name: `vault-${number}`, vault: vaultAt(`http://${this.address(number)}:${port}`) }));
  }

  async start(): Promise<VaultPod[]> {
    await Promise.all(this.pods.map(({ vault }, number) => ensureServer(this.state, this.server(number, () => ask(vault, 'GET', 'sys/seal-status').then(() => true)))));
    return this.pods;
  }

  kill(name: string): void {
    const { pid } = runningServers(this.state).find((server) => server.name === name)!;
    for (const each of sessionOf(pid)) process.kill(each, 'SIGKILL');
  }

  private server(number: number, ready: () => Promise<boolean>): Server {
    const name = `vault-${number}`;
    const directory = this.state.file(name);
    mkdirSync(`${directory}/data`, { recursive: true });
    const bound = (text: string) =>
      text
        .replaceAll('$(POD_IP)', this.address(number))
        .replaceAll('$(POD_NAME)', name)
        .replaceAll(/vault-(\d)\.vault-headless\.vault\.svc\.cluster\.local/g, (_, each: string) => this.address(Number(each)))
        .replaceAll(sealVault.host, this.region)
        .replace('/vault/seal/ca.crt', this.state.file('pki', 'gateway-ca.crt'))
        .replaceAll('/vault/', `${directory}/`);
    const [container] = this.manifest('statefulset/vault').spec.template.spec.containers;
    const env = Object.fromEntries((container.env as { name: string; value?: string }[]).map(({ name: key, value }) => [key, value === undefined ? (this.secrets[key] ?? '') : bound(value)]));
    writeFileSync(`${directory}/local.json`, env.VAULT_LOCAL_CONFIG!);
    writeFileSync(`${directory}/vault.hcl`, bound(this.manifest('configmap/config').data['vault.hcl']));
    return {
      name,
      command: this.command,
      args: ['server', `-config=${directory}/local.json`, `-config=${directory}/vault.hcl`],
      env: Object.fromEntries(Object.entries(env).filter(([key, value]) => value && key !== 'VAULT_LOCAL_CONFIG')),
      ports: [`${this.address(number)}:${port}`],
      ready,
    };
  }

  private manifest(id: string): Manifest {
    return entriesOf(this.platform).find((entry) => entry.id === `vault/${id}`)!.object as Manifest;
  }

  private address(number: number): string {
    return this.region.replace(/\d+$/, String(10 + number));
  }
}

/** A cluster's issuer of service-account tokens, with its discovery document, on loopback. */
export class ClusterIssuer {
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

  private constructor(
    readonly url: string,
    readonly authority: string,
    private readonly server: HttpsServer,
  ) {}

  static async start(state: RegionState): Promise<ClusterIssuer> {
    const address = await regionAddress(state);
    await ensurePki(state, address);
    const { certificate, key, authority } = await serverCertificate(state, [address]);
    const server = createServer({ cert: certificate, key });
    await new Promise<void>((listening) => server.listen(0, address, listening));
    const issuer = new ClusterIssuer(`https://${address}:${(server.address() as { port: number }).port}`, authority, server);
    server.on('request', (request, response) => {
      const documents: Record<string, unknown> = {
        '/.well-known/openid-configuration': { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, id_token_signing_alg_values_supported: ['RS256'], response_types_supported: ['id_token'], subject_types_supported: ['public'] },
        '/jwks': { keys: [{ ...issuer.keys.publicKey.export({ format: 'jwk' }), kid: 'cluster', alg: 'RS256', use: 'sig' }] },
      };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url!] ?? {}));
    });
    return issuer;
  }

  /** A token of a service account. */
  token(subject = 'system:serviceaccount:vault:pulumi', audience = 'vault'): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const signed = `${part({ alg: 'RS256', kid: 'cluster', typ: 'JWT' })}.${part({ iss: this.url, iat: now, nbf: now, exp: now + 600, aud: [audience], sub: subject })}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), this.keys.privateKey).toString('base64url')}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
