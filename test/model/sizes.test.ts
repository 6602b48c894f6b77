import { capacity, offeredGpus } from '../../model/cross-check';
import { amount, bytesText } from '../../model/fields';
import { loadStack } from '../../model/stack';

const regionOf = (name: string) => {
  const { instance, region } = loadStack(name);
  return instance.regions[region]!;
};

test('ssp-cloud.paris has the published size: 20 servers, 1100 CPUs, 10 TB of memory, 34 GPUs, 150 TB of storage', () => {
  const paris = regionOf('ssp-cloud.paris');
  expect(capacity(paris)).toEqual({ nodes: 20, cpus: 1100, memory: 10e12, gpus: 34 });
  expect(amount(paris.storage)).toBe(150e12);
});

test.each([
  ['ssp-cloud.local', 'ssp-cloud.paris'],
  ['ls3.local', 'ls3.insee'],
])('%s has the pools of %s with their labels, taints, products and sharing, each as one small node', (local, real) => {
  const shape = (name: string) =>
    regionOf(name).nodePools.map(({ name: pool, labels, taints, gpu }) => ({ pool, labels, taints, product: gpu?.product, sharing: gpu?.sharing }));
  expect(shape(local)).toEqual(shape(real));
  for (const pool of regionOf(local).nodePools) {
    expect(pool).toMatchObject({ count: 1, memory: '64G' });
    expect(pool.cpus).toBeLessThanOrEqual(16);
    expect(pool.gpu?.count ?? 0).toBeLessThanOrEqual(2);
  }
});

test.each([
  [{ mode: 'whole' as const }, 4],
  [{ mode: 'time-slicing' as const, replicas: 8 }, 32],
  [{ mode: 'mig' as const, profile: '1g.10gb', instances: 7 }, 28],
])('4 GPUs shared as %j are %d nvidia.com/gpu', (sharing, offered) => {
  expect(offeredGpus({ gpu: { product: 'NVIDIA-A100-PCIE-40GB', count: 4, sharing } })).toBe(offered);
});

test('a pool without GPUs offers none', () => {
  expect(offeredGpus({})).toBe(0);
});

test.each([
  ['500m', 0.5], ['4', 4], ['0', 0], ['1.5Gi', 1.5 * 2 ** 30], ['500G', 500e9], ['1Ki', 1024], ['2Pi', 2 * 2 ** 50], ['3k', 3000],
  ['', NaN], ['4 cores', NaN], ['1GB', NaN], ['-1', NaN], ['01', NaN], ['1e3', NaN],
])('the quantity %j is %d', (text, expected) => {
  expect(amount(text)).toBe(expected);
});

test.each([[512e9, '512G'], [10e12, '10T'], [1536e9, '1536G'], [2 ** 40 * 4, '4.3T'], [1, '1']])('%d bytes read %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
