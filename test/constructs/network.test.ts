import { compose } from '../../constructs/compose';
import { addresses, Network, podsOf } from '../../constructs/network';
import { entriesOf } from '../../constructs/objects';
import { Workload } from '../../constructs/workload';
import { defineInstance } from '../../model/instance';
import { loadStack, stackNames } from '../../model/stack';
import { open } from '../model/base';

const network = () => new Network(defineInstance(open()).regions.main!);
const web = podsOf('app/web', 'app', { app: 'web' });
const db = podsOf('data/db', 'data', { app: 'db' });

test('an edge is one way out, with names, and one way in', () => {
  const graph = network();
  graph.connect(web, db, 5432, 'its database');
  const selector = { matchLabels: { app: 'x' } };
  expect(graph.policy(web, selector).egress?.map(({ to, ports }) => [to, ports?.map(({ port, protocol }) => `${protocol} ${String(port?.value)}`)])).toEqual([
    [db.peers, ['TCP 5432']],
    [graph.dns.peers, ['TCP 53', 'UDP 53']],
  ]);
  expect(graph.policy(web, selector).ingress).toEqual([]);
  expect(graph.policy(db, selector).ingress?.map(({ from }) => from)).toEqual([web.peers]);
  expect(graph.policy(db, selector).egress).toEqual([]);
});

test('asking twice is the same as once, and two ports to one end are one rule', () => {
  const graph = network();
  for (const port of [5433, 5432, 5432]) graph.connect(web, db, port, 'its database');
  expect(graph.edges).toHaveLength(2);
  const [rule] = graph.policy(db, {}).ingress!;
  expect(rule!.ports?.map(({ port }) => port?.value)).toEqual([5432, 5433]);
});

test('addresses outside the cluster are blocks', () => {
  expect(addresses('elsewhere', ['10.0.0.0/8', 'fd00::/48']).peers).toEqual([{ ipBlock: { cidr: '10.0.0.0/8' } }, { ipBlock: { cidr: 'fd00::/48' } }]);
  expect(network().apiServer.peers).toEqual([{ ipBlock: { cidr: '10.0.0.0/28' } }]);
});

describe.each(stackNames())('in %s', (name) => {
  const platform = compose(loadStack(name));
  const entries = entriesOf(platform);
  const specs = new Map(entries.filter(({ object }) => object.kind === 'NetworkPolicy').map(({ id, object }) => [id, object.spec as any]));
  const policyOf = (workload: Workload) => specs.get(`${workload.namespace}/networkpolicy/${workload.node.id}`);
  const plain = (peers: unknown) => JSON.parse(JSON.stringify(peers)) as unknown[];

  test('each edge of the graph is a way out on one side and a way in on the other', () => {
    expect(platform.network.edges.length).toBeGreaterThan(3);
    for (const { from, to, port, protocol } of platform.network.edges) {
      const ports = expect.arrayContaining([{ port, protocol }]);
      if (from instanceof Workload) expect(policyOf(from).egress).toContainEqual({ to: plain(to.peers), ports });
      if (to instanceof Workload) expect(policyOf(to).ingress).toContainEqual({ from: plain(from.peers), ports });
      expect([from, to].some((end) => end instanceof Workload)).toBe(true);
    }
  });

  test('there is no way in or out that is not an edge, beside names', () => {
    const ends = platform.node.findAll().filter((node): node is Workload => node instanceof Workload);
    expect(ends.length).toBeGreaterThan(2);
    const open = ends.flatMap((end) => {
      const rules = [...policyOf(end).ingress, ...policyOf(end).egress];
      return rules.flatMap(({ ports }) => ports).filter(({ port }) => port !== 53).map(({ port }) => `${end.peerName} ${port}`);
    });
    const edges = platform.network.edges.flatMap(({ from, to, port }) => [from, to].filter((end) => end instanceof Workload).map((end) => `${end.peerName} ${port}`));
    expect(open.sort()).toEqual(edges.sort());
  });

  test('every workload and every namespace has its policies', () => {
    for (const { object } of entries) {
      const { namespace, name: own } = object.metadata;
      if (object.kind === 'Namespace') expect(specs.get(`${own}/networkpolicy/default-deny`)).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
      if (['Deployment', 'StatefulSet', 'Job'].includes(object.kind)) expect(specs.get(`${namespace}/networkpolicy/${own}`).policyTypes).toEqual(['Ingress', 'Egress']);
    }
  });
});
