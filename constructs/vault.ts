import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { Region } from '../model/region';
import { images } from './images';
import { grantIssuerKeys } from './issuer';
import { addresses } from './network';
import { Provisioner } from './provisioned';
import type { Identity, Routes } from './spi';
import { System } from './system';
import { VaultAccess, workloadsMount } from './vault-access';
import { Workload } from './workload';

export interface VaultProps {
  readonly routes: Routes;
  readonly identity: Identity;
}

/** The service account, policy and role of Pulumi; the bootstrap writes the latter two. */
export const pulumiRole = 'pulumi';

/** Made by operators, in Vault's namespace: `token` and `ca.crt` for the Vault that opens ours. */
const transitSecret = 'transit-seal';

/**
 * HashiCorp Vault on its integrated storage: one pod in size `small`, else three that survive the loss of one.
 * Its pods are ready when they are open, so neither people nor workloads reach a sealed Vault, and nobody from outside one
 * that is not initialised; operators reach the pods through the API server. Nobody has a root token: docs/adr/0013-vault.md.
 */
export class Vault extends System {
  readonly server: Workload;
  override readonly url: string;
  /** What workloads may be granted. */
  readonly secrets: VaultAccess;

  constructor(scope: Construct, id: string, props: VaultProps) {
    super(scope, id, { stateful: true });
    const { platform } = this;
    const { seal } = platform.region.vault;
    const pods = platform.sized({ small: 1, standard: 3, ha: 3 });
    const domain = `vault-headless.${this.namespace}.svc.cluster.local`;
    const config = new k8s.KubeConfigMap(this, 'config', {
      metadata: { name: 'config', namespace: this.namespace },
      data: { 'vault.hcl': configuration(seal, pods > 1 ? Array.from({ length: pods }, (_, pod) => `http://vault-${pod}.${domain}:8200`) : []) },
    });
    const storageClass = platform.storageClass('database');
    this.server = new Workload(this, 'vault', {
      kind: 'StatefulSet',
      image: images.vault,
      args: ['server', '-config=/vault/settings/vault.hcl'],
      env: {
        POD_IP: { field: 'status.podIP' },
        POD_NAME: { field: 'metadata.name' },
        // The image would want capabilities for both.
        SKIP_CHOWN: 'true',
        SKIP_SETCAP: 'true',
        VAULT_ADDR: 'http://$(POD_IP):8200',
        VAULT_API_ADDR: `http://$(POD_NAME).${domain}:8200`,
        VAULT_CLUSTER_ADDR: `https://$(POD_NAME).${domain}:8201`,
        // Only here the pod's address is known; the image's entrypoint makes it a second file of configuration.
        VAULT_LOCAL_CONFIG: JSON.stringify({ listener: { tcp: { address: '$(POD_IP):8200', cluster_address: '$(POD_IP):8201', tls_disable: true } } }),
        VAULT_RAFT_NODE_ID: '$(POD_NAME)',
        ...(seal.kind === 'transit' ? { VAULT_TOKEN: { secretName: transitSecret, key: 'token', labels: [] } } : {}),
      },
      ports: { http: 8200, cluster: 8201 },
      ready: { path: '/v1/sys/health?standbyok=true', port: 'http' },
      // A sealed Vault, or one that is not initialised, lives: a restart would not open it.
      live: { path: '/v1/sys/health?standbyok=true&sealedcode=204&uninitcode=204', port: 'http' },
      startSeconds: 120,
      cpu: platform.sized({ small: '250m', standard: '500m', ha: '1' }),
      memory: platform.sized({ small: '512Mi', standard: '1Gi', ha: '2Gi' }),
      replicas: pods,
      // Each replaced pod starts sealed: one after the other, standbys first, so that it stays open.
      replacedByHand: pods > 1,
      // It is ready when operators have opened it, which is after this deployment, or in the middle of it.
      notAwaited: true,
      user: 100,
      claims: {
        data: { mountPath: '/vault/data', size: platform.sized({ small: '1Gi', standard: '10Gi', ha: '10Gi' }), storageClass },
        audit: { mountPath: '/vault/audit', size: platform.sized({ small: '1Gi', standard: '10Gi', ha: '50Gi' }), storageClass },
      },
      scratch: ['/vault/config', '/tmp'],
      configFiles: { '/vault/settings': { configMap: config.name } },
      ...(seal.kind === 'transit' ? { secretFiles: { '/vault/seal': { secretName: transitSecret, key: 'ca.crt', labels: [] } } } : {}),
    });
    this.connections(pods, seal);
    grantIssuerKeys(this.server);
    new k8s.KubeServiceAccount(this, 'pulumi', {
      metadata: { name: pulumiRole, namespace: this.namespace },
      automountServiceAccountToken: false,
    });
    this.url = props.routes.route({ host: platform.host('secrets', 'vault'), workload: this.server, port: 'http', paths: ['/v1/'] });
    const provisioner = new Provisioner(this, 'provisioner', {
      package: 'vault',
      workload: this.server,
      // The token comes from the environment of whoever runs Pulumi: TERRAFORM_VAULT_AUTH_JWT.
      config: { address: this.url, skipChildToken: 'true', authLoginJwt: JSON.stringify({ mount: workloadsMount, role: pulumiRole }) },
    });
    this.secrets = new VaultAccess(this, 'access', { provisioner, server: this.server, identity: props.identity });
  }

  private connections(pods: number, seal: Region['vault']['seal']): void {
    const { network, region } = this.platform;
    if (pods > 1) {
      this.server.connectTo(this.server, 'http', 'joining its own cluster');
      this.server.connectTo(this.server, 'cluster', 'its own cluster');
    }
    network.connect(addresses('webhook-callers', region.cluster.webhookCallers), this.server, this.server.port('http'), 'operators, through the API server');
    if (seal.kind === 'transit') network.connect(this.server, addresses('seal-vault', seal.cidrs), Number(new URL(seal.address).port || 443), 'opening at each start');
  }
}

/** What all pods of Vault have in common. */
function configuration(seal: Region['vault']['seal'], members: readonly string[]): string {
  const join = members.map((member) => `  retry_join {\n    leader_api_addr = "${member}"\n  }\n`).join('');
  const transit = (address: string, mount: string, key: string) => `
seal "transit" {
  address     = "${address}"
  mount_path  = "${mount}/"
  key_name    = "${key}"
  tls_ca_cert = "/vault/seal/ca.crt"
}
`;
  return `# To lock memory would need a capability; the kubelet by default wants nodes without swap.
disable_mlock = true

storage "raft" {
  path = "/vault/data"
${join}}

telemetry {
  disable_hostname          = true
  prometheus_retention_time = "24h"
}
${seal.kind === 'transit' ? transit(seal.address, seal.mount, seal.key) : ''}`;
}
