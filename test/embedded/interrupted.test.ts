import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { announced, interruptedCreations, isFirstUp, killedFirstUp, requireAllOfKilledFirstUp } from '../../embedded/interrupted';
import { ServerResources, type Kind } from '../../embedded/plugins/provider-resources';
import type { CreateRequest } from '../../embedded/plugins/provider-server';
import { openRegion } from '../../embedded/state';
import { temporaryDirectory } from './temporary';

const state = openRegion('ls3.local', temporaryDirectory());
const urn = (name: string) => `urn:pulumi:ls3.local::datalab::thing:index:Thing::${name}`;

const file = state.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', 'ls3.local.json');
mkdirSync(dirname(file), { recursive: true });
const write = (latest?: object) => writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: 'ls3.local', latest } }));
const having = (...names: string[]) => write({ resources: names.map((name) => ({ urn: urn(name) })) });
const interrupted = () => [...interruptedCreations(state)].map((each) => each.split('::').at(-1));

/** An `up` that is about to create these; killed where the work does not end. */
const up = (names: readonly string[], work: () => void) => announced(state, names.map(urn), async () => work());
const killedUp = async (...names: string[]) => {
  void announced(state, names.map(urn), () => new Promise(() => undefined));
};

beforeEach(() => {
  for (const each of [file, state.file('pulumi', 'creations.json')]) rmSync(each, { force: true });
});

test('interrupted creations are those that the state calls so', () => {
  expect(interrupted()).toEqual([]);
  write();
  expect(interrupted()).toEqual([]);
  write({ pending_operations: [{ type: 'creating', resource: { urn: urn('a') } }, { type: 'deleting', resource: { urn: urn('b') } }] });
  expect(interrupted()).toEqual(['a']);
});

describe('an up writes down what it is about to create', () => {
  test('which is interrupted while it runs, and nothing is when it has ended', async () => {
    await up(['a', 'b'], () => {
      expect(interrupted()).toEqual(['a', 'b']);
      having('a', 'b');
    });
    expect(interrupted()).toEqual([]);
  });

  test('and when it has failed: its engine has written what there is', async () => {
    const failed = up(['a', 'b'], () => {
      having('a');
      throw new Error('b exists already');
    });
    await expect(failed).rejects.toThrow('b exists already');
    expect(interrupted()).toEqual([]);
  });

  test('which is interrupted after it was killed, less what the state knows', async () => {
    await killedUp('a', 'b', 'c');
    having('a');
    expect(interrupted()).toEqual(['b', 'c']);
  });

  test('and stays so when the next one fails before it comes to it', async () => {
    await killedUp('a', 'b');
    having('a');
    const failed = up(['b', 'c'], () => {
      throw new Error('the server does not answer');
    });
    await expect(failed).rejects.toThrow('the server does not answer');
    expect(interrupted()).toEqual(['b']);
  });
});

describe('the first up', () => {
  test('is one until the state has anything', () => {
    expect(isFirstUp(state)).toBe(true);
    write();
    expect(isFirstUp(state)).toBe(true);
    having('a');
    expect(isFirstUp(state)).toBe(false);
  });

  test('may have made all of it when its engine ended without a word', async () => {
    await expect(up(['a', 'b'], () => { throw new Error('killed'); })).rejects.toThrow('killed');
    expect(killedFirstUp(state)).toEqual([urn('a'), urn('b')]);
    requireAllOfKilledFirstUp(state, [urn('b'), urn('a'), urn('c')]);
    expect(() => requireAllOfKilledFirstUp(state, [urn('a')])).toThrow(/may have made what the program does not have any more[^]*\bb\b[^]*down ls3.local --delete-data/);
    having('a');
    expect(killedFirstUp(state)).toEqual([]);
    requireAllOfKilledFirstUp(state, [urn('a')]);
  });
});

describe('a thing that exists on its server', () => {
  const create = async (name: string, interrupted?: ReadonlySet<string>) => {
    const things = new Map([['ours', { size: 1 }]]);
    const kind: Kind<typeof things> = {
      name: () => `thing '${name}'`,
      fields: { size: {} },
      find: async (server) => (server.has(name) ? name : undefined),
      create: async () => Promise.reject(new Error('it is there')),
      read: async (server, id) => server.get(id),
      update: async (server, id, inputs) => void server.set(id, inputs as { size: number }),
      delete: async () => undefined,
    };
    const resources = new ServerResources({ plugin: 'thing', kinds: { 'thing:index:Thing': kind }, server: things, adopt: false, interrupted });
    const request: CreateRequest = { urn: urn(name), type: 'thing:index:Thing', inputs: { values: { size: 2 }, secrets: [] }, preview: false, timeoutSeconds: 0 };
    return { ...(await resources.create(request)), things };
  };

  test('is taken over when its creation was interrupted, and gets the properties that it should have', async () => {
    const { id, outputs, things } = await create('ours', new Set([urn('ours')]));
    expect([id, outputs.values.size, things.get('ours')]).toEqual(['ours', 2, { size: 2 }]);
  });

  test.each([['nothing was', undefined], ["somebody else's was", new Set([urn('theirs')])]])('fails: when %s interrupted', async (_, interrupted) => {
    await expect(create('ours', interrupted)).rejects.toThrow("thing 'ours' exists already, and the server cannot tell whose it is. Fix: run with --adopt");
  });
});
