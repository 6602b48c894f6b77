import { z } from 'zod';
import { cidr, count, digest, domain, httpsUrl, labels, name, proxyUrl, quantity, registry, sentence, text } from './fields';

/** How the GPUs of an interactive pool are handed out. All three offer `nvidia.com/gpu`, the one name Onyxia knows. */
export const sharing = z.discriminatedUnion('mode', [
  /** One pod, one GPU. */
  z.strictObject({ mode: z.literal('whole') }),
  /** One GPU offered `replicas` times, with no isolation of memory or faults between its users. */
  z.strictObject({ mode: z.literal('time-slicing'), replicas: z.int().min(2).max(48) }),
  /** Each GPU cut into `instances` equal MIG instances of `profile` (strategy `single`). */
  z.strictObject({
    mode: z.literal('mig'),
    profile: text(/^[1-7]g\.\d{1,3}gb$/, 'a MIG profile', 'write for example `1g.10gb`'),
    instances: z.int().min(1).max(7),
  }),
]);

/** No label at all would select everything. */
const selector = labels.refine((value) => Object.keys(value).length > 0, {
  params: { allowed: 'at least one label', fix: 'name the label that only these carry' },
});

export const taint = z.strictObject({
  key: sentence,
  value: sentence,
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

/** Equal nodes of a region. Figures are for one node. */
export const nodePool = z.strictObject({
  name,
  /** Number of nodes. */
  count,
  /** Allocatable cores of one node. */
  cpus: z.int().min(1).max(1024),
  /** Allocatable memory of one node. */
  memory: quantity,
  /** Labels that every node of the pool carries, and no other node. */
  labels: selector,
  taints: z.array(taint).default([]),
  gpu: z
    .strictObject({
      /** As the node label `nvidia.com/gpu.product` says it. */
      product: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'the value of the node label nvidia.com/gpu.product', 'write for example `NVIDIA-A100-PCIE-40GB`'),
      /** Physical GPUs of one node. */
      count: z.int().min(1).max(16),
      sharing,
    })
    .optional(),
});

/** The ten resources that Onyxia's own quota knows; it drops any other key without a word. */
export const quota = z.strictObject({
  'requests.cpu': quantity,
  'requests.memory': quantity,
  'limits.cpu': quantity.optional(),
  'limits.memory': quantity.optional(),
  'requests.storage': quantity,
  'count/pods': z.int().min(1),
  'requests.ephemeral-storage': quantity.optional(),
  'limits.ephemeral-storage': quantity.optional(),
  /** 0 keeps GPUs away. */
  'requests.nvidia.com/gpu': z.int().min(0),
  'limits.nvidia.com/gpu': z.int().min(0).optional(),
});

/** What stands in for the internet where there is no way out to it. */
export const substitutes = z.strictObject({
  proxy: z.strictObject({ http: proxyUrl, https: proxyUrl, noProxy: z.array(sentence) }),
  mirrors: z.strictObject({
    pypi: httpsUrl,
    cran: httpsUrl,
    conda: httpsUrl,
    /** Helm repositories of the catalogs: `<helm>/<catalog>/index.yaml`, readable without a login. */
    helm: httpsUrl,
  }),
  /** PEM bundle of the authorities that sign inside. */
  caBundle: httpsUrl,
  /** Every image comes from here. */
  registry,
  forge: httpsUrl,
  /** Where all these hosts live: the only addresses outside the cluster that users may reach. */
  cidrs: z.array(cidr).min(1),
});

/** The pods of something the cluster already has: its DNS, its gateway. */
export const pods = z.strictObject({ namespace: name, labels: selector });

/** What can be part of a namespace, a bucket and a Vault path as it is. */
const username = text(/^[a-z][a-z0-9]{0,30}$/, 'a user name of lower-case letters and digits', 'write for example `alice`');

export const region = z.strictObject({
  title: sentence,
  cluster: z.strictObject({
    /** `embedded`: started on this computer by `datalab up`; else a context of the operator's kubeconfig. */
    access: z.union([z.literal('embedded'), z.strictObject({ context: sentence })]),
    /** Default-deny cannot name the API server: its addresses as pods see them. */
    apiServer: z.strictObject({
      cidrs: z.array(cidr).min(1),
      port: z.int().min(1).max(65535),
      /** Where people reach it with kubectl; without it Onyxia offers no kubeconfig. */
      url: httpsUrl.optional(),
    }),
    /** Who signs service-account tokens, as their `iss` claim says: servers that trust workloads ask there for the keys. */
    serviceAccountIssuer: httpsUrl,
    /** From where the API server calls webhooks. */
    webhookCallers: z.array(cidr).min(1),
    dns: pods,
  }),
  nodePools: z.array(nodePool).min(1),
  /** Storage class by use; what has none takes `default`. */
  storageClasses: z.strictObject({ default: name, database: name.optional(), objects: name.optional() }),
  /** Storage that the region has for users and platform together. */
  storage: quantity,
  exposure: z.strictObject({
    /** Gateway API, or Ingress where the site has no gateway yet. */
    via: z.enum(['gateway', 'ingress']),
    /** GatewayClass or IngressClass. */
    className: name,
    /** The proxies that routes come from. */
    from: pods,
    /** Platform hosts are `<system>.<domain>`. */
    domain,
    /** Port of the gateway as people reach it. */
    port: z.int().min(1).max(65535).default(443),
    /** Users' services are `<service>.<userDomain>`. */
    userDomain: domain,
    /** The Ingress controller of users' services, where the gateway serves none: Onyxia's charts make Ingresses, never HTTPRoutes. */
    userIngress: z.strictObject({ className: name, from: pods }).optional(),
    /** cert-manager's ClusterIssuer of every certificate. */
    clusterIssuer: name,
  }),
  /** `small`: one pod each. `standard`: survives a node. `ha`: survives a node at full speed. */
  size: z.enum(['small', 'standard', 'ha']),
  quotas: z.strictObject({ user: quota, group: quota }),
  /** Hosts that differ from `<system>.<domain>`. */
  endpoints: z.strictObject({ identity: domain, objectStore: domain, objectStoreConsole: domain, secrets: domain }).partial().default({}),
  images: z
    .strictObject({
      /** Replaces the registry of every image. */
      registry: registry.optional(),
      /** Locks `repository:tag` to a digest. */
      digests: z.record(sentence, digest).optional(),
    })
    .default({}),
  /** `present`: the cluster's administrators have installed them. `install`: from `stacks/<instance>/crds/`. */
  crds: z.enum(['install', 'present']),
  internet: z.union([z.literal('direct'), substitutes]),
  vault: z.strictObject({
    seal: z.discriminatedUnion('kind', [
      /** Another Vault of the organisation opens ours at each start; its token is in the Secret `vault/transit-seal`. */
      z.strictObject({
        kind: z.literal('transit'),
        address: httpsUrl,
        /** Where its transit engine is mounted, and the key there. */
        mount: name,
        key: name,
        cidrs: z.array(cidr).min(1),
      }),
      /** Operators open it at each start, each with a share of the key. */
      z.strictObject({ kind: z.literal('pgp') }),
    ]),
    /** How many operators it takes, of those with a public key in `stacks/<instance>/operators/`. */
    threshold: z.int().min(1).max(255),
  }),
  /** An S3 service of the site instead of our own MinIO. It must trust the cluster's issuer and the realm. */
  objectStore: z
    .strictObject({
      endpoint: httpsUrl,
      /** Security token service: AssumeRoleWithWebIdentity. */
      stsEndpoint: httpsUrl,
      /** As the service signs its requests: `us-east-1`, `default`. */
      signingRegion: name,
      /** Audience of workloads' tokens that the service accepts. */
      audience: name,
      /** ARN of the roles up to their name; the administrators of the service make one for each workload. */
      rolePrefix: text(/^arn:[a-z0-9-]+:iam:[a-z0-9-]*:[a-z0-9-]*:role\/([a-z0-9-]+\/)*$/, 'the ARN of a role up to its name', 'write for example `arn:aws:iam::datalab:role/`'),
      cidrs: z.array(cidr).min(1),
    })
    .optional(),
  /** Where people come from; without it, people are made in Keycloak. */
  directory: z
    .strictObject({
      ldap: text(/^ldaps:\/\/[a-z0-9.-]+(:\d{1,5})?$/, 'an ldaps URL', 'write for example `ldaps://ldap.example.org:636`'),
      cidrs: z.array(cidr).min(1),
      usersDn: sentence,
      groupsDn: sentence,
    })
    .optional(),
  /** Posture confidential: people whose namespaces are made with the stack. In posture open Onyxia makes one at the first login. */
  users: z.array(username).default([]),
  /** Labels of every namespace that people work in, for tools of the cluster such as backup. */
  namespaceLabels: labels.default({}),
  /** People who exist to try the embedded region with; their namespaces are made at once. */
  demoUsers: z
    .record(
      username,
      z.strictObject({
        /** Declared projects that the person is a member of. */
        projects: z.array(name).default([]),
        /** Member of `datalab-admins`. */
        admin: z.boolean().default(false),
      }),
    )
    .default({}),
});

export type Region = z.output<typeof region>;
export type RegionDefinition = z.input<typeof region>;
export type NodePool = z.output<typeof nodePool>;
export type Quota = z.output<typeof quota>;
export type Size = Region['size'];
