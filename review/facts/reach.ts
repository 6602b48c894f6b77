import { idOf } from '../../constructs/objects';
import type { Manifest } from '../../policies/rule';
import { podsIn, type Pods } from '../../policies/tree';
import { unordered } from '../canonical';
import { contains, reachability, selects, type End, type Namespaces } from '../reachability';
import { list, type Fact } from './fact';

/** Ends that policies or namespaces name beside the workloads: addresses, pods of other namespaces, pods that come later. */
export interface Ends {
  readonly ends: readonly End[];
  /** Namespaces that are in one of the revisions. */
  readonly own: ReadonlySet<string>;
  /** Labels of namespaces that selectors name and no revision has. */
  readonly others: Namespaces;
}

/**
 * The ends that both revisions are asked about. Every address block that a policy names in either is one end, and stands for its addresses
 * that no smaller block of the list holds; so nothing that opens or closes falls between two ends.
 */
export function endsOf(revisions: readonly (readonly Manifest[])[]): Ends {
  const own = new Set<string>();
  const others: Record<string, Readonly<Record<string, string>>> = {};
  const ends = new Map<string, End>();
  const add = (end: End) => ends.set(end.name, end);
  for (const objects of revisions) for (const { kind, metadata } of objects) if (kind === 'Namespace') own.add(metadata.name);
  for (const name of own) add({ name: `${name}/*`, namespace: name, labels: {} });
  others['another namespace'] = {};
  add({ name: 'another namespace/*', namespace: 'another namespace', labels: {} });
  for (const objects of revisions) {
    const labels = labelsOfNamespaces(objects);
    for (const { metadata, spec } of objects.filter(({ kind }) => kind === 'NetworkPolicy')) {
      addPods(metadata.namespace!, spec?.podSelector, add);
      for (const { ipBlock, namespaceSelector, podSelector } of [...list(spec?.ingress).flatMap(({ from }) => list(from)), ...list(spec?.egress).flatMap(({ to }) => list(to))]) {
        if (ipBlock) for (const cidr of [ipBlock.cidr, ...list(ipBlock.except)]) add({ name: String(cidr), cidr });
        else if (!namespaceSelector) addPods(metadata.namespace!, podSelector, add);
        else {
          const named = namespaceSelector.matchLabels?.['kubernetes.io/metadata.name'] ?? list(namespaceSelector.matchExpressions).find(({ key, operator }) => key === 'kubernetes.io/metadata.name' && operator === 'In')?.values?.[0];
          const found = named ? [String(named)] : Object.keys(labels).filter((name) => selects(namespaceSelector, { 'kubernetes.io/metadata.name': name, ...labels[name] }));
          const example = exampleOf(namespaceSelector);
          const name = named ?? `namespaces with ${Object.entries(example).map((pair) => pair.join('=')).join(' ') || 'any label'}`;
          if (!own.has(name)) others[name] = { ...others[name], ...example };
          for (const each of new Set([...found, String(name)])) addPods(each, podSelector, add);
        }
      }
    }
  }
  const workloads = revisions.map(podsIn);
  for (const [name, { namespace, labels = {} }] of ends) {
    const wanted = Object.entries(labels);
    const isThere = (pods: readonly Pods[]) => pods.some((each) => each.object.metadata.namespace === namespace && wanted.every(([key, value]) => each.labels[key] === value));
    if (wanted.length && workloads.every(isThere)) ends.delete(name);
  }
  return { ends: [...ends.values()].map((end) => (/\/0$/.test(end.cidr ?? '') ? { ...end, name: everyAddress(end.cidr!, [...ends.values()]) } : end)).sort((a, b) => (a.name < b.name ? -1 : 1)), own, others };
}

/** All addresses of a family but the blocks that are ends of their own. */
function everyAddress(all: string, ends: readonly End[]): string {
  const blocks = ends.flatMap(({ cidr }) => (cidr !== undefined && cidr !== all && contains(all, cidr) ? cidr : []));
  const widest = blocks.filter((block) => !blocks.some((other) => other !== block && contains(other, block))).sort();
  return `every address (${all})${widest.length ? ` except ${widest.join(', ')}` : ''}`;
}

function addPods(namespace: string, selector: any, add: (end: End) => void): void {
  const labels = exampleOf(selector);
  add({ name: `${namespace}/${Object.keys(labels).length ? `pods with ${Object.entries(labels).sort().map((pair) => pair.join('=')).join(' ')}` : '*'}`, namespace, labels });
}

/** Labels that a selector selects. */
function exampleOf(selector: any): Record<string, string> {
  const wanted = list(selector?.matchExpressions).filter(({ operator }) => operator === 'In' || operator === 'Exists').map(({ key, values }) => [key, values?.[0] ?? 'any']);
  return { ...Object.fromEntries(wanted), ...selector?.matchLabels };
}

function labelsOfNamespaces(objects: readonly Manifest[]): Namespaces {
  return Object.fromEntries(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
}

/**
 * Who reaches whom, and what one side alone permits: workloads, other pods that there may be, and whoever the policies
 * name outside. What one side permits is of interest where the other side, which still refuses, is all that stands in between.
 */
export function reachFacts(objects: readonly Manifest[], { ends, own, others }: Ends): Fact[] {
  const namespaces = { ...others, ...labelsOfNamespaces(objects) };
  const workloads = podsIn(objects).map(({ object, labels, spec }): End => ({
    name: `${object.metadata.namespace}/${object.metadata.name}`,
    namespace: object.metadata.namespace!,
    labels,
    ports: Object.fromEntries([...list(spec.initContainers), ...list(spec.containers)].flatMap(({ ports }) => list(ports).map(({ name, containerPort }) => [name, containerPort]))),
  }));
  const supposed = ends.filter(({ namespace }) => (namespace === undefined || !own.has(namespace) || namespace in namespaces));
  const all = [...workloads, ...supposed];
  const { between, leaving, entering } = reachability(objects.filter(({ kind }) => kind === 'NetworkPolicy'), namespaces);
  const inside = (end: End) => end.namespace !== undefined && own.has(end.namespace);
  const fact = (pair: string, port: string, [first, second]: readonly [End, End], rest: Partial<Fact>): Fact => ({
    topic: 'reach', sense: 'permits', text: `${pair} ${port === '*' ? 'on every port' : port}`, covers: [pair, port],
    subjects: [...new Set([first.namespace ?? first.name, second.namespace ?? second.name])], ...rest,
  });
  const half = (own: End, other: End, words: string, refusal: string, pair: string, ports: readonly string[]) =>
    ports.map((port) => fact(`${own.name} ${words} ${other.name}`, port, [own, other], { half: pair, remark: `no connection yet: the policies of ${other.namespace} ${refusal}; there would be one if they did`, within: `_cluster/namespace/${own.namespace}`, namespaces: [own.namespace!] }));
  return [...defaults(objects), ...all.flatMap((from) => all.filter((to) => inside(from) || inside(to)).flatMap((to) => {
    const pair = `${from.name} → ${to.name}`;
    return [
      ...between(from, to).map((port) => fact(pair, port, [from, to], { pair, namespaces: [from, to].flatMap(({ namespace }) => namespace ?? []) })),
      ...(inside(from) ? half(from, to, 'has a policy that lets it out to', 'do not let it in there', pair, leaving(from, to)) : []),
      ...(inside(to) ? half(to, from, 'has a policy that lets in', 'do not let them out to it', pair, entering(from, to)) : []),
    ];
  }))];
}

/** Policies that refuse, for every pod of a namespace, what no other policy names: that another one happens to refuse as much is no default. */
function defaults(objects: readonly Manifest[]): Fact[] {
  return objects.filter(({ kind, spec }) => kind === 'NetworkPolicy' && unordered(spec?.podSelector ?? {}) === '{}').flatMap((policy) =>
    (['Ingress', 'Egress'] as const).filter((type) => list(policy.spec?.policyTypes).includes(type) && !list(policy.spec[type.toLowerCase()]).length).map((type): Fact => ({
      topic: 'reach', sense: 'guards', text: `${policy.metadata.namespace} refuses what ${type === 'Ingress' ? 'comes in' : 'goes out'} and no policy names`,
      subjects: [policy.metadata.namespace!], within: `_cluster/namespace/${policy.metadata.namespace}`, object: idOf(policy),
    })));
}
