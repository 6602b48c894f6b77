import { catalogs, catalogsOf } from '../../catalogs/catalog';
import { schemaOverrides } from '../../catalogs/schemas';
import { catalogIds } from '../../model/catalogs';
import { defineInstance } from '../../model/instance';
import { loadStack } from '../../model/stack';
import { confidential, open } from '../model/base';

const all = { catalogs: [...catalogIds] };
const parsed = (definition = open()) => defineInstance({ ...definition, ...all });
const regionOf = (definition = open(), change: object = {}) => ({ ...parsed(definition).regions.main!, ...change });
const charts = (definition: ReturnType<typeof open>, change: object = {}) =>
  Object.fromEntries(catalogsOf(parsed(definition), regionOf(definition, change)).map(({ id, excludedCharts }) => [id, excludedCharts]));

test('the catalogs of the stacks', () => {
  const of = (name: string) => {
    const { instance, region } = loadStack(name);
    return catalogsOf(instance, instance.regions[region]!);
  };
  expect({ 'ssp-cloud.paris': of('ssp-cloud.paris'), 'ls3.insee': of('ls3.insee') }).toMatchSnapshot();
});

test('the order is that of the instance', () => {
  expect(catalogsOf({ posture: 'open', catalogs: ['dataviz', 'ide'] }, regionOf()).map(({ id }) => id)).toEqual(['dataviz', 'ide']);
});

test('a region without internet has every catalog from its mirror', () => {
  expect(catalogsOf(parsed(confidential()), regionOf(confidential())).map(({ location }) => location)).toEqual(catalogIds.map((id) => `https://mirror.example.org/helm/${id}`));
});

test.each([
  ['argo-workflows, whose page has no login', 'automation', 'argo-workflows', true, true],
  ['mlflow, whose artifacts would be lost', 'automation', 'mlflow', true, true],
  ['postgresql-cnpg, without its operator', 'databases', 'postgresql-cnpg', true, true],
  ['Spark, which needs the role edit', 'ide', 'jupyter-pyspark', false, true],
  ['GPU services, where there are GPUs', 'ide', 'vscode-pytorch-gpu', false, false],
  ['postgresql', 'databases', 'postgresql', false, false],
])('left out in posture open, confidential: %s', (_, catalog, chart, inOpen, inConfidential) => {
  expect([charts(open())[catalog]!.includes(chart), charts(confidential())[catalog]!.includes(chart)]).toEqual([inOpen, inConfidential]);
});

test('a region without GPUs offers no GPU service', () => {
  const [cpu] = regionOf().nodePools;
  expect(charts(open(), { nodePools: [cpu] }).ide).toContain('vscode-pytorch-gpu');
});

test.each(Object.entries(catalogs))('%s highlights nothing that it leaves out, and says why', (_, { highlighted, excluded }) => {
  const out = excluded.flatMap((exclusion) => exclusion.charts);
  expect(highlighted.filter((chart) => out.includes(chart))).toEqual([]);
  for (const { why } of excluded) expect(why.length).toBeGreaterThan(20);
});

describe('schema overrides', () => {
  const of = (definition = open(), change: object = {}) => schemaOverrides(parsed(definition), regionOf(definition, change)) as Record<string, any>;

  test('of both postures', () => {
    expect({ open: of(), confidential: of(confidential()) }).toMatchSnapshot();
  });

  test('nothing refers to another schema: one that cannot be found makes every install fail', () => {
    expect(JSON.stringify([of(), of(confidential())])).not.toContain('$ref');
  });

  test("the network policy is always on, and lets the users' proxies in", () => {
    const { enabled, from } = of()['network-policy.json'].properties;
    expect([enabled.const, from.const]).toEqual([true, [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'envoy' } }, podSelector: { matchLabels: { app: 'envoy' } } }]]);
    const exposure = { ...regionOf().exposure, userIngress: { className: 'nginx', from: { namespace: 'ingress-nginx', labels: { app: 'nginx' } } } };
    expect(of(open(), { exposure })['network-policy.json'].properties.from.const[0].namespaceSelector.matchLabels).toEqual({ 'kubernetes.io/metadata.name': 'ingress-nginx' });
  });

  test('GPUs are chosen from the models of the region, up to quota and node', () => {
    expect(of()['nodeSelector-gpu.json'].properties['nvidia.com/gpu.product'].enum).toEqual(['NVIDIA-A100-PCIE-40GB']);
    expect(of()['ide/resources-gpu.json'].properties.limits.properties['nvidia.com/gpu'].enum).toEqual(['1']);
    const quotas = { ...regionOf().quotas, user: { ...regionOf().quotas.user, 'requests.nvidia.com/gpu': 2 } };
    expect(of(open(), { quotas })['ide/resources-gpu.json'].properties.limits.properties['nvidia.com/gpu'].enum).toEqual(['1', '2']);
  });

  test('services without a GPU stay on the CPU pool, and tolerate nothing', () => {
    expect(of()['nodeSelector.json']).toMatchObject({ default: { pool: 'cpu' }, properties: { pool: { enum: ['cpu'] } }, additionalProperties: false });
    expect(of()['tolerations.json']).toMatchObject({ default: [], maxItems: 0 });
  });

  test('sliders end at what one pod can get', () => {
    const { cpu, memory } = of()['ide/resources.json'].properties.limits.properties;
    expect([cpu.sliderMax, memory.sliderMax]).toEqual([8000, 32]);
  });

  test.each([
    ['ide/role.json', ['view', 'edit'], ['view']],
  ])('%s: roles in posture open, confidential', (path, inOpen, inConfidential) => {
    expect([of()[path].properties.role.enum, of(confidential())[path].properties.role.enum]).toEqual([inOpen, inConfidential]);
  });

  test('confidential: no image of their own, the proxy is on, and values come from the injection of the region', () => {
    const overrides = of(confidential());
    expect(overrides['ide/customImage.json'].const).toBe(false);
    expect(overrides['proxy.json'].properties.enabled.const).toBe(true);
    expect(overrides['proxy.json'].properties.httpsProxy['x-onyxia'].overwriteDefaultWith).toBe('proxyInjection.httpsProxyUrl');
    expect(overrides['certificates.json'].properties.cacerts['x-onyxia'].overwriteDefaultWith).toBe('certificateAuthorityInjection.cacerts');
    expect(Object.keys(of())).not.toEqual(expect.arrayContaining(['proxy.json']));
  });

  test('a region without GPUs has no GPU overrides', () => {
    const [cpu] = regionOf().nodePools;
    expect(Object.keys(of(open(), { nodePools: [cpu] })).filter((path) => /gpu|runtime/.test(path))).toEqual([]);
  });
});
