import type { z } from 'zod';
import type { Brand, Localized } from './brand';
import { checkOnyxia } from './cross-check-onyxia';
import { amount, bytesText, refuse } from './fields';
import type { NodePool, Quota, Region } from './region';

/** What the cross-check reads of an instance. */
interface Checked {
  readonly posture: 'open' | 'confidential';
  readonly languages: readonly string[];
  readonly realm: string;
  readonly brand: Brand;
  readonly catalogs: readonly string[];
  readonly projects: readonly { name: string; group: string; quota?: Quota | undefined }[];
  readonly approvals: readonly { id: string }[];
  readonly regions: Record<string, Region>;
}

type Context = z.RefinementCtx;

/** Groups that every realm has. */
const reserved = ['datalab-users', 'datalab-admins'];

/** Models of which NVIDIA's device plugin can make MIG instances. */
const migCapable = /A100|A30|H100|H200|H20|GH200|B200|GB200|B300|RTX-PRO-6000/;

/** What no single field can tell: names used twice, sums, and the rules of the posture. */
export function crossCheck(instance: Checked, context: Context): void {
  unique(instance.languages, (index) => ['languages', index], 'language', context);
  checkBrand(instance, context);
  unique(instance.catalogs, (index) => ['catalogs', index], 'catalog', context);
  unique(instance.approvals.map(({ id }) => id), (index) => ['approvals', index, 'id'], 'approval', context);
  unique(instance.projects.map((project) => project.name), (index) => ['projects', index, 'name'], 'project name', context);
  unique(instance.projects.map((project) => project.group), (index) => ['projects', index, 'group'], 'group', context);
  instance.projects.forEach((project, index) => {
    for (const key of ['name', 'group'] as const) {
      if (reserved.includes(project[key])) {
        refuse(context, ['projects', index, key], { allowed: `another name: ${reserved.join(' and ')} are groups of the platform itself`, fix: 'rename it' });
      }
    }
  });
  if (instance.realm === 'master') {
    refuse(context, ['realm'], { allowed: 'a realm of its own: master is that of Keycloak itself', fix: 'name it after the instance' });
  }
  if (Object.keys(instance.regions).length === 0) {
    refuse(context, ['regions'], { allowed: 'at least one region', fix: 'add `local: embeddedRegion(…)` to begin with' });
  }
  for (const [name, region] of Object.entries(instance.regions)) {
    const path = ['regions', name];
    checkCluster(name, region, path, context);
    checkDemoUsers(region, instance, path, context);
    checkExposure(region, path, context);
    checkOnyxia(region, instance.posture, path, context);
    unique(region.users, (index) => [...path, 'users', index], 'user', context);
    if (region.nodePools.length) {
      checkNodePools(region, path, context);
      for (const kind of ['user', 'group'] as const) checkQuota(region.quotas[kind], region, [...path, 'quotas', kind], context);
      instance.projects.forEach((project, index) => {
        if (project.quota) checkQuota(project.quota, region, ['projects', index, 'quota'], context);
      });
    }
    checkInternet(region, path, context);
    if (instance.posture === 'confidential') checkConfidential(region, path, context);
  }
}

function checkBrand(instance: Checked, context: Context): void {
  const texts: [PropertyKey[], Localized][] = [
    [['brand', 'tagline'], instance.brand.tagline],
    ...instance.brand.links.map((link, index): [PropertyKey[], Localized] => [['brand', 'links', index, 'label'], link.label]),
  ];
  for (const [path, text] of texts) {
    const missing = instance.languages.filter((language) => !(text as Record<string, string>)[language]);
    if (missing.length) {
      refuse(context, path, {
        allowed: `a text in each language of the instance: ${instance.languages.join(', ')}`,
        fix: `add ${missing.join(', ')}`,
      });
    }
  }
}

function checkCluster(name: string, region: Region, path: PropertyKey[], context: Context): void {
  const embedded = region.cluster.access === 'embedded';
  if (embedded !== (name === 'local')) {
    refuse(context, [...path, 'cluster', 'access'], {
      allowed: 'the region `local`, and only it, is embedded',
      fix: embedded ? 'rename the region to `local`, or give it the context of a kubeconfig' : "write access: 'embedded', or rename the region",
    });
  }
  if (!embedded && Object.keys(region.demoUsers).length) {
    refuse(context, [...path, 'demoUsers'], { allowed: 'demo users in the embedded region only', fix: 'remove them' });
  }
  if (embedded && region.crds === 'install') {
    refuse(context, [...path, 'crds'], { allowed: '"present": the embedded region brings its own', fix: "write crds: 'present'" });
  }
  const blocks: [PropertyKey[], readonly string[]][] = [
    [['cluster', 'apiServer', 'cidrs'], region.cluster.apiServer.cidrs],
    [['cluster', 'webhookCallers'], region.cluster.webhookCallers],
    [['directory', 'cidrs'], region.directory?.cidrs ?? []],
    [['objectStore', 'cidrs'], region.objectStore?.cidrs ?? []],
    [['internet', 'cidrs'], region.internet === 'direct' ? [] : region.internet.cidrs],
  ];
  for (const [at, cidrs] of blocks) {
    cidrs.forEach((cidr, index) => {
      if (Number(cidr.split('/')[1]) < (cidr.includes(':') ? 32 : 8)) {
        refuse(context, [...path, ...at, index], {
          allowed: 'a block of at most /8 (IPv6: /32): a larger one opens the network policy it stands in',
          fix: 'name the addresses that are really used',
        });
      }
    });
  }
}

function checkDemoUsers(region: Region, instance: Checked, path: PropertyKey[], context: Context): void {
  const declared = instance.projects.map((project) => project.name);
  for (const [user, { projects }] of Object.entries(region.demoUsers)) {
    projects.forEach((project, index) => {
      if (!declared.includes(project)) {
        refuse(context, [...path, 'demoUsers', user, 'projects', index], {
          allowed: `a project of the instance: ${declared.join(', ') || 'there is none'}`,
          fix: 'declare it in `projects`, or remove it here',
        });
      }
    });
  }
}

function checkNodePools(region: Region, path: PropertyKey[], context: Context): void {
  const pools = region.nodePools;
  unique(pools.map((pool) => pool.name), (index) => [...path, 'nodePools', index, 'name'], 'node pool name', context);
  unique(pools.map((pool) => labelText(pool)), (index) => [...path, 'nodePools', index, 'labels'], 'set of labels', context);
  pools.forEach((pool, index) => {
    const at = [...path, 'nodePools', index];
    const gpuTaint = pool.taints.some((taint) => taint.key === 'nvidia.com/gpu' && taint.effect !== 'PreferNoSchedule');
    if (pool.gpu && !gpuTaint) {
      refuse(context, [...at, 'taints'], {
        allowed: 'a taint nvidia.com/gpu with effect NoSchedule or NoExecute: without it pods without a GPU fill the GPU nodes',
        fix: "add { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }, and taint the nodes",
      });
    }
    if (!pool.gpu && gpuTaint) {
      refuse(context, [...at, 'taints'], { allowed: 'the taint nvidia.com/gpu on GPU pools only', fix: 'add `gpu` to the pool, or remove the taint' });
    }
    if (pool.gpu?.sharing.mode === 'mig' && !migCapable.test(pool.gpu.product)) {
      refuse(context, [...at, 'gpu', 'sharing', 'mode'], {
        allowed: `whole or time-slicing: ${pool.gpu.product} has no MIG`,
        fix: "write { mode: 'whole' }",
      });
    }
  });
  const homes = pools.filter((pool) => !pool.gpu && pool.taints.length === 0);
  const needed = { small: 1, standard: 3, ha: 4 }[region.size];
  const nodes = homes.reduce((sum, pool) => sum + pool.count, 0);
  if (nodes < needed) {
    refuse(context, [...path, 'nodePools'], {
      allowed: `size ${region.size} needs at least ${needed} node${needed > 1 ? 's' : ''} without GPU and taints for the platform's own pods; there are ${nodes}`,
      fix: 'add nodes without taints, or choose a smaller size',
    });
  }
}

function checkExposure(region: Region, path: PropertyKey[], context: Context): void {
  const { domain, userDomain } = region.exposure;
  if (domain === userDomain || domain.endsWith(`.${userDomain}`)) {
    refuse(context, [...path, 'exposure', 'userDomain'], {
      allowed: `a domain that the platform's own (${domain}) is not part of: a user's service could take a platform host`,
      fix: `write for example \`user.${domain}\``,
    });
  }
  const hosts = Object.entries(region.endpoints);
  unique(hosts.map(([, host]) => host), (index) => [...path, 'endpoints', hosts[index]![0]], 'host', context);
  for (const [system, host] of hosts) {
    if (host === userDomain || host.endsWith(`.${userDomain}`)) {
      refuse(context, [...path, 'endpoints', system], {
        allowed: `a host outside the users' domain ${userDomain}`,
        fix: `write a host below ${domain}, or remove it for the default one there`,
      });
    }
  }
}

function checkQuota(quota: Quota, region: Region, path: PropertyKey[], context: Context): void {
  const total = capacity(region);
  const bounds: [keyof Quota, number, string][] = [
    ['requests.cpu', total.cpus, `${total.cpus} cores`],
    ['requests.memory', total.memory, bytesText(total.memory)],
    ['requests.storage', amount(region.storage), region.storage],
    ['requests.nvidia.com/gpu', total.gpus, `${total.gpus} GPUs`],
  ];
  for (const [key, bound, text] of bounds) {
    if (amount(String(quota[key])) > bound) {
      refuse(context, [...path, key], { allowed: `at most what the region has: ${text}`, fix: 'lower it' });
    }
  }
  for (const resource of ['cpu', 'memory', 'ephemeral-storage', 'nvidia.com/gpu'] as const) {
    const limit = quota[`limits.${resource}`];
    const request = quota[`requests.${resource}`];
    if (limit !== undefined && request !== undefined && amount(String(limit)) < amount(String(request))) {
      refuse(context, [...path, `limits.${resource}`], { allowed: `at least requests.${resource} (${request})`, fix: 'raise the limit or lower the request' });
    }
  }
}

function checkInternet(region: Region, path: PropertyKey[], context: Context): void {
  if (region.internet !== 'direct' && region.images.registry) {
    refuse(context, [...path, 'images', 'registry'], {
      allowed: 'no registry here when `internet.registry` names one',
      fix: 'remove it: every image comes from `internet.registry`',
    });
  }
}

function checkConfidential(region: Region, path: PropertyKey[], context: Context): void {
  if (region.internet === 'direct') {
    refuse(context, [...path, 'internet'], {
      allowed: 'in posture confidential: proxy, mirrors, caBundle, registry, forge and cidrs that stand in for the internet',
      fix: 'name them; a confidential region has no way out',
    });
  }
  if (region.cluster.access !== 'embedded' && !region.directory) {
    refuse(context, [...path, 'directory'], {
      allowed: 'in posture confidential: the directory that supplies people and the members of projects',
      fix: "add directory: { ldap: 'ldaps://…', cidrs, usersDn, groupsDn }",
    });
  }
  region.nodePools.forEach((pool, index) => {
    if (pool.gpu?.sharing.mode === 'time-slicing') {
      refuse(context, [...path, 'nodePools', index, 'gpu', 'sharing', 'mode'], {
        allowed: 'in posture confidential: whole or mig; time-slicing isolates neither memory nor faults between users',
        fix: "write { mode: 'whole' }",
      });
    }
  });
  for (const [system, host] of Object.entries(region.endpoints)) {
    if (!host.endsWith(`.${region.exposure.domain}`)) {
      refuse(context, [...path, 'endpoints', system], {
        allowed: `in posture confidential: a host below ${region.exposure.domain}`,
        fix: `write such a host, or remove it for the default one there`,
      });
    }
  }
}

/** What the nodes of a region offer together: cores, bytes, and GPUs as `nvidia.com/gpu` counts them. */
export function capacity(region: Pick<Region, 'nodePools'>): { nodes: number; cpus: number; memory: number; gpus: number } {
  const sum = (figure: (pool: NodePool) => number) => region.nodePools.reduce((total, pool) => total + pool.count * figure(pool), 0);
  return { nodes: sum(() => 1), cpus: sum((pool) => pool.cpus), memory: sum((pool) => amount(pool.memory)), gpus: sum(offeredGpus) };
}

/** `nvidia.com/gpu` of one node: physical GPUs times what sharing makes of each. */
export function offeredGpus(pool: Pick<NodePool, 'gpu'>): number {
  if (!pool.gpu) return 0;
  const { count, sharing } = pool.gpu;
  if (sharing.mode === 'time-slicing') return count * sharing.replicas;
  return sharing.mode === 'mig' ? count * sharing.instances : count;
}

function labelText(pool: NodePool): string {
  return JSON.stringify(Object.entries(pool.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function unique(values: readonly string[], path: (index: number) => PropertyKey[], what: string, context: Context): void {
  values.forEach((value, index) => {
    const first = values.indexOf(value);
    if (first < index) refuse(context, path(index), { allowed: `each ${what} once; entry ${first + 1} has this one already`, fix: 'rename or remove one of the two' });
  });
}
