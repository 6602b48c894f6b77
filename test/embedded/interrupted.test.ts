import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { announceFirstUp, firstUpWasKilled, interruptedCreations, isFirstUp } from '../../embedded/interrupted';
import { ServerResources, type Kind } from '../../embedded/plugins/provider-resources';
import type { CreateRequest } from '../../embedded/plugins/provider-server';
import { openRegion } from '../../embedded/state';
import { temporaryDirectory } from './temporary';

const state = openRegion('ls3.local', temporaryDirectory());
const urn = (name: string) => `urn:pulumi:ls3.local::datalab::thing:index:Thing::${name}`;

const file = state.file('pulumi', 'backend', '.pulumi', 'stacks', 'datalab', 'ls3.local.json');
mkdirSync(dirname(file), { recursive: true });
const write = (latest?: object) => writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: 'ls3.local', latest } }));
beforeEach(() => rmSync(file, { force: true }));

test('interrupted creations are those that the state calls so', () => {
  expect([...interruptedCreations(state)]).toEqual([]);
  write();
  expect([...interruptedCreations(state)]).toEqual([]);
  write({ pending_operations: [{ type: 'creating', resource: { urn: urn('a') } }, { type: 'deleting', resource: { urn: urn('b') } }] });
  expect([...interruptedCreations(state)]).toEqual([urn('a')]);
});

describe('the first up', () => {
  test('leaves all that it was about to create, until the engine has written its state', () => {
    expect([isFirstUp(state), firstUpWasKilled(state)]).toEqual([true, false]);
    announceFirstUp(state, [urn('a'), urn('b')]);
    write();
    expect([isFirstUp(state), firstUpWasKilled(state), [...interruptedCreations(state)]]).toEqual([true, true, [urn('a'), urn('b')]]);
    write({ resources: [{ urn: urn('a') }] });
    expect([isFirstUp(state), [...interruptedCreations(state)]]).toEqual([false, []]);
    expect(firstUpWasKilled(state)).toBe(false);
    write({ resources: [] });
    expect([isFirstUp(state), firstUpWasKilled(state), [...interruptedCreations(state)]]).toEqual([true, false, []]);
  });

  test('fails: when the one before was killed and may have made what the program lost', () => {
    announceFirstUp(state, [urn('a'), urn('b')]);
    announceFirstUp(state, [urn('a'), urn('b'), urn('c')]);
    expect(() => announceFirstUp(state, [urn('a'), urn('b')])).toThrow(/may have made what the program does not have any more[^]*\bc\b[^]*down ls3.local --delete-data/);
    expect([...interruptedCreations(state)]).toEqual([urn('a'), urn('b'), urn('c')]);
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
