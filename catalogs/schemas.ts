import { offeredGpus } from '../model/cross-check';
import { amount } from '../model/fields';
import type { Instance } from '../model/instance';
import type { NodePool, Quota, Region } from '../model/region';

/** A JSON schema (draft 7) with Onyxia's own keys. */
export type Schema = Readonly<Record<string, unknown>>;

const hidden = { 'x-onyxia': { hidden: true } };
const fixed = (type: string, value: unknown): Schema => ({ type, const: value, default: value, ...hidden });
const injected = (type: string, from: string): Schema => ({ type, default: '', 'x-onyxia': { hidden: true, overwriteDefaultWith: from } });
const object = (title: string, properties: Record<string, unknown>): Schema => ({ type: 'object', title, properties });

/**
 * What replaces parts of the charts' schemas in this region, by the path that charts name in `overwriteSchemaWith`.
 * The API enforces const, enum and additionalProperties at each install and Helm checks the chart's own schema beside them,
 * so an override narrows. Sliders are advice; the quota enforces. Kept as they are bundled with the API: persistence,
 * ingress, route, git, s3, vault, password. `repository.json` needs none: charts read the region's injection themselves.
 */
export function schemaOverrides({ posture }: Pick<Instance, 'posture'>, region: Region): Record<string, Schema> {
  const confidential = posture === 'confidential';
  const gpus = region.nodePools.filter((pool) => pool.gpu);
  const ingress = region.exposure.userIngress?.from ?? region.exposure.from;
  return {
    'network-policy.json': object('Network policy', {
      enabled: fixed('boolean', true),
      // Without it the service's own policy would shut out the proxies that people come through. Wider ones are refused in their namespaces.
      from: fixed('array', [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ingress.namespace } }, podSelector: { matchLabels: ingress.labels } }]),
    }),
    'nodeSelector.json': nodeSelector('Nodes', labelsOf(region.nodePools.filter((pool) => !pool.gpu))),
    // The RuntimeClass tolerates the taints of GPU nodes, for the pods that name it.
    'tolerations.json': { type: 'array', title: 'Tolerations', default: [], maxItems: 0, ...hidden },
    'ide/resources.json': resources(region.quotas.user, region),
    'ide/role.json': object('Rights in the namespace', {
      enabled: { type: 'boolean', title: 'The service may use the Kubernetes API', default: false },
      role: {
        type: 'string',
        title: 'Role of the service',
        default: 'view',
        enum: confidential ? ['view'] : ['view', 'edit'],
        hidden: { value: false, path: 'kubernetes/enabled' },
      },
    }),
    // The driver starts its executors as pods: that is edit, and not the charts' admin.
    'role-spark.json': object('Rights in the namespace', { enabled: fixed('boolean', true), role: fixed('string', 'edit') }),
    'ide/init.json': object('Start', {
      // The API drops the region's script; the bundled override would point to nothing.
      regionInit: fixed('string', ''),
      personalInit: { type: 'string', title: 'URL of a script of your own', default: '' },
      personalInitArgs: { type: 'string', title: 'Its arguments', default: '' },
    }),
    ...(gpus.length
      ? {
          'nodeSelector-gpu.json': nodeSelector('GPU', { 'nvidia.com/gpu.product': gpus.map(({ gpu }) => gpu!.product) }, true),
          'ide/resources-gpu.json': resources(region.quotas.user, region, gpus),
          'ide/runtimeClassName.json': fixed('string', 'nvidia'),
        }
      : {}),
    ...(confidential ? { 'ide/customImage.json': fixed('boolean', false) } : {}),
    ...(region.internet === 'direct'
      ? {}
      : {
          'proxy.json': object('Proxy', {
            enabled: fixed('boolean', true),
            httpProxy: injected('string', 'proxyInjection.httpProxyUrl'),
            httpsProxy: injected('string', 'proxyInjection.httpsProxyUrl'),
            noProxy: injected('string', 'proxyInjection.noProxy'),
          }),
          'certificates.json': object('Authorities', { cacerts: injected('string', 'certificateAuthorityInjection.cacerts') }),
        }),
  };
}

/** Labels with the values that may be chosen; one value is the default, unless it must be chosen from several. */
function nodeSelector(title: string, labels: Readonly<Record<string, readonly string[]>>, first = false): Schema {
  const choices = Object.entries(labels).map(([key, values]) => [key, [...new Set(values)]] as const);
  const defaults = choices.filter(([, values]) => first || values.length === 1).map(([key, values]) => [key, values[0]!]);
  return {
    type: 'object',
    title,
    default: Object.fromEntries(defaults),
    properties: Object.fromEntries(choices.map(([key, values]) => [key, { type: 'string', enum: values, ...(first ? { default: values[0] } : {}) }])),
    additionalProperties: false,
    ...(first && choices.some(([, values]) => values.length > 1) ? {} : hidden),
  };
}

/** The labels that every pool has, with their values. */
function labelsOf(pools: readonly NodePool[]): Record<string, string[]> {
  const [first, ...others] = pools;
  const keys = Object.keys(first?.labels ?? {}).filter((key) => others.every((pool) => key in pool.labels));
  return Object.fromEntries(keys.map((key) => [key, pools.map((pool) => pool.labels[key]!)]));
}

/** GPUs that one pod can have on a node: the device plugin refuses more than one shared GPU. */
function forOnePod(pool: NodePool): number {
  return pool.gpu?.sharing.mode === 'time-slicing' ? 1 : offeredGpus(pool);
}

/** Sliders up to what one pod can get: the smaller of the person's quota and the largest node. */
function resources(quota: Quota, region: Region, gpuPools?: readonly NodePool[]): Schema {
  const pools = gpuPools ?? region.nodePools.filter((pool) => !pool.gpu);
  const cpus = Math.floor(1000 * Math.min(amount(quota['requests.cpu']), Math.max(...pools.map((pool) => pool.cpus))));
  const memory = Math.floor(Math.min(amount(quota['requests.memory']), Math.max(...pools.map((pool) => amount(pool.memory)))) / 2 ** 30);
  const slider = (title: string, unit: string, max: number, value: string, end: 'up' | 'down', range: string) => ({
    type: 'string',
    title,
    default: value,
    render: 'slider',
    sliderMin: unit === 'm' ? 50 : 1,
    sliderMax: max,
    sliderStep: unit === 'm' ? 50 : 1,
    sliderUnit: unit,
    sliderExtremity: end,
    sliderExtremitySemantic: end === 'down' ? 'guaranteed' : 'maximum',
    sliderRangeId: range,
  });
  const both = (end: 'up' | 'down', cpu: number, gigabytes: number) => ({
    cpu: slider('CPU', 'm', cpus, `${Math.min(cpu, cpus)}m`, end, 'cpu'),
    memory: slider('Memory', 'Gi', memory, `${Math.min(gigabytes, memory)}Gi`, end, 'memory'),
  });
  const offered = Math.min(quota['requests.nvidia.com/gpu'], Math.max(...pools.map(forOnePod)));
  const gpu = { type: 'string', title: 'GPU', default: '1', enum: Array.from({ length: Math.max(1, offered) }, (_, index) => String(index + 1)) };
  return object('Resources', {
    requests: object('Guaranteed', both('down', 100, 2)),
    limits: object('Maximum', { ...both('up', 8000, 16), ...(gpuPools ? { 'nvidia.com/gpu': gpu } : {}) }),
  });
}
