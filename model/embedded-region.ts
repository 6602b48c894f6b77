import type { RegionDefinition } from './region';

type PoolDefinition = RegionDefinition['nodePools'][number];

export interface EmbeddedRegionProps {
  /** The pools of a real region: each becomes one node with the same labels and taints, at most 16 cores, 64 GB and 2 GPUs. */
  readonly nodePools: readonly PoolDefinition[];
  readonly domain: string;
  /** Port of the gateway on 127.0.0.1, one for each instance, so that their regions run side by side. */
  readonly port: number;
  readonly quotas: RegionDefinition['quotas'];
  readonly demoUsers: RegionDefinition['demoUsers'];
  readonly internet: RegionDefinition['internet'];
  /** How Vault is opened: by a second Vault of the region that stands for the organisation's other one, or by operators. */
  readonly seal: 'transit' | 'pgp';
}

/** The organisation's other Vault, as the region's pods know it. */
export const sealVault = { host: 'vault.organisation.internal', port: 28200 } as const;

/**
 * The definition of the region `local`: the shape of a real region, scaled down to simulated nodes on this computer.
 * The kubernetes Service (10.96.0.1) stands for the API server; no network policy is enforced there.
 */
export function embeddedRegion(props: EmbeddedRegionProps): RegionDefinition {
  return {
    title: 'This computer',
    cluster: {
      access: 'embedded',
      apiServer: { cidrs: ['10.96.0.1/32'], port: 443 },
      serviceAccountIssuer: 'https://kubernetes.default.svc.cluster.local:26443',
      webhookCallers: ['10.96.0.1/32'],
      dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    },
    nodePools: props.nodePools.map(scaleDown),
    storageClasses: { default: 'simulated' },
    storage: '10T',
    exposure: {
      via: 'gateway',
      className: 'simulated',
      from: { namespace: 'simulated-gateway', labels: { 'app.kubernetes.io/name': 'gateway' } },
      domain: props.domain,
      port: props.port,
      userDomain: `user.${props.domain}`,
      clusterIssuer: 'simulated',
    },
    size: 'small',
    quotas: props.quotas,
    crds: 'present',
    internet: props.internet,
    vault: {
      seal:
        props.seal === 'pgp'
          ? { kind: 'pgp' }
          : { kind: 'transit', address: `https://${sealVault.host}:${sealVault.port}`, mount: 'transit', key: 'datalab', cidrs: ['10.96.0.1/32'] },
      threshold: 2,
    },
    demoUsers: props.demoUsers,
  };
}

function scaleDown(pool: PoolDefinition): PoolDefinition {
  const gpu = pool.gpu && { ...pool.gpu, count: Math.min(pool.gpu.count, 2) };
  return { ...pool, count: 1, cpus: Math.min(pool.cpus, 16), memory: '64G', ...(gpu ? { gpu } : {}) };
}
