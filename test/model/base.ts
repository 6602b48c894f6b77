import type { Problem } from '../../model/errors';
import type { InstanceDefinition } from '../../model/instance';
import type { RegionDefinition } from '../../model/region';

/** A definition that a test may break in any way: the compiler would refuse most of them. */
export type Loose = any;

/** What is done to the valid definition, and every problem that a person is told then: path, got, allowed, fix. */
export interface Broken {
  readonly breaks: (definition: Loose, region: Loose) => unknown;
  readonly problems: readonly (readonly [path: string, got: string, allowed: string, fix: string])[];
  /** @default the open one */
  readonly of?: () => InstanceDefinition;
}

/** Broken definitions by what is wrong with them. */
export type BrokenDefinitions = Readonly<Record<string, Broken>>;

export function problemsOf({ problems }: Broken): Problem[] {
  return problems.map(([path, got, allowed, fix]) => ({ path, got, allowed, fix }));
}

export const gpuTaint = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' } as const;

const quotaOf = (cpus: string) => ({
  'requests.cpu': cpus, 'requests.memory': '32Gi', 'requests.storage': '100Gi', 'count/pods': 20, 'requests.nvidia.com/gpu': 1,
});

/** A region of two pools with 32 cores, 512 GB and 2 GPUs together. */
const region = (): RegionDefinition => ({
  title: 'Main site',
  cluster: {
    access: { context: 'main' },
    apiServer: { cidrs: ['10.0.0.0/28'], port: 6443 },
    serviceAccountIssuer: 'https://kubernetes.default.svc.cluster.local',
    webhookCallers: ['10.0.0.0/28'],
    dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  },
  nodePools: [
    { name: 'cpu', count: 3, cpus: 8, memory: '128G', labels: { pool: 'cpu' } },
    {
      name: 'gpu', count: 1, cpus: 8, memory: '128G', labels: { pool: 'gpu' }, taints: [gpuTaint],
      gpu: { product: 'NVIDIA-A100-PCIE-40GB', count: 2, sharing: { mode: 'whole' } },
    },
  ],
  storageClasses: { default: 'block' },
  storage: '10T',
  exposure: {
    via: 'gateway',
    className: 'envoy',
    from: { namespace: 'envoy', labels: { app: 'envoy' } },
    domain: 'lab.example.org',
    userDomain: 'user.lab.example.org',
    clusterIssuer: 'letsencrypt',
  },
  size: 'standard',
  quotas: { user: quotaOf('8'), group: quotaOf('16') },
  crds: 'present',
  internet: 'direct',
  vault: { seal: { kind: 'pgp' }, threshold: 2 },
});

/** A valid instance of posture open with one real region, `main`. */
export const open = (): InstanceDefinition => ({
  name: 'demo',
  posture: 'open',
  languages: ['fr', 'en'],
  brand: {
    name: 'Demo',
    tagline: { fr: 'Un datalab', en: 'A datalab' },
    colours: { primary: '#000091', onPrimary: '#ffffff', background: '#f6f6f6' },
    logo: 'brand/logo.svg',
    links: [{ label: { fr: 'Aide', en: 'Help' }, url: 'https://help.example.org' }],
  },
  realm: 'demo',
  projects: [],
  regions: { main: region() },
});

/** A valid instance of posture confidential: no way out to the internet, people from a directory, two projects. */
export const confidential = (): InstanceDefinition => ({
  ...open(),
  posture: 'confidential',
  projects: [
    { name: 'health', title: 'Health', group: 'G_HEALTH' },
    { name: 'income', title: 'Income', group: 'G_INCOME', quota: quotaOf('16') },
  ],
  regions: {
    main: {
      ...region(),
      internet: {
        proxy: { http: 'http://proxy.example.org:3128', https: 'http://proxy.example.org:3128', noProxy: ['.svc'] },
        mirrors: { pypi: 'https://mirror.example.org/pypi', cran: 'https://mirror.example.org/cran', conda: 'https://mirror.example.org/conda', helm: 'https://mirror.example.org/helm' },
        caBundle: 'https://pki.example.org/bundle.pem',
        registry: 'registry.example.org/lab',
        forge: 'https://forge.example.org',
        cidrs: ['10.1.0.0/24'],
      },
      directory: { ldap: 'ldaps://ldap.example.org:636', cidrs: ['10.2.0.0/28'], usersDn: 'ou=people,o=example', groupsDn: 'ou=groups,o=example' },
    },
  },
});
