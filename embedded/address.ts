import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDirectory } from '../model/cache';
import { exitCodes, UserError } from '../model/errors';
import { holderOf, listeners, nameOf } from './proc';
import { createExclusively, readText, writeAtomic, type RegionState } from './state';

/** Ports of a region's own servers. Unusual ones, since a server on 0.0.0.0 takes its port on every address. */
export const regionPorts = { apiserver: 26443, etcd: 22379, etcdPeer: 22380 } as const;

/**
 * The region's loopback address, 127.42.N.1. Chosen at its first start and kept, since certificates, tokens and
 * kubeconfigs name it. Regions of one user never share one, running or not: the cache notes which has which.
 */
export async function regionAddress(state: RegionState): Promise<string> {
  const kept = knownAddress(state);
  if (kept) {
    note(kept, state);
    return kept;
  }
  const turn = await myTurn();
  try {
    for (let n = 1; n < 255; n++) {
      const address = `127.42.${n}.1`;
      if ((await takenPort(address)) || noted(address)) continue;
      writeAtomic(state.file('address'), `${address}\n`);
      if (note(address, state)) return address;
      rmSync(state.file('address'));
    }
  } finally {
    await new Promise((closed) => turn.close(closed));
  }
  throw portTaken((await takenPort('127.42.1.1')) ?? '127.42.1.1', 'a free one of 127.42.1.1 to 127.42.254.1');
}

/** Regions choose one after the other: a port that only one of them can hold, and that a killed one gives back. */
async function myTurn(): Promise<Server> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const turn = await listen('127.42.255.1', regionPorts.etcdPeer);
    if (turn) return turn;
    if (Date.now() > deadline) throw portTaken(`127.42.255.1:${regionPorts.etcdPeer}`, 'a free port, on which regions take turns to choose their address');
    await sleep(50);
  }
}

/** The address of a region that was started before. */
export function knownAddress(state: RegionState): string | undefined {
  return readText(state.file('address'))?.trim();
}

/**
 * `port` as `address:port`. An error that names who listens there when it is taken. A killed server's port is free
 * only when all its threads are gone, so one that nobody seems to hold gets a moment.
 */
export async function requireFreePort(port: string): Promise<void> {
  const [address, number] = port.split(':') as [string, string];
  const deadline = Date.now() + 3000;
  for (;;) {
    const server = await listen(address, Number(number));
    if (server) {
      await new Promise((closed) => server.close(closed));
      return;
    }
    if (holderAt(port) || Date.now() > deadline) throw portTaken(port, 'a free port: the region keeps the address it has');
    await sleep(50);
  }
}

async function takenPort(address: string): Promise<string | undefined> {
  for (const port of Object.values(regionPorts)) {
    const server = await listen(address, port);
    if (!server) return `${address}:${port}`;
    await new Promise((closed) => server.close(closed));
  }
  return undefined;
}

function listen(host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

/** Notes that the address is this region's; false when another region has it. */
function note(address: string, state: RegionState): boolean {
  const owner = noted(address);
  if (owner && owner !== state.dir) return false;
  try {
    mkdirSync(dirname(notePath(address)), { recursive: true });
    if (!owner) rmSync(notePath(address), { force: true });
    return owner === state.dir || createExclusively(notePath(address), state.dir);
  } catch {
    return true; // a cache that cannot be written: the ports alone decide
  }
}

/** Directory of the region that has the address; undefined when none has, or it is gone, or has another one now. */
function noted(address: string): string | undefined {
  const owner = readText(notePath(address));
  return owner && readText(join(owner, 'address'))?.trim() === address ? owner : undefined;
}

function notePath(address: string): string {
  return join(cacheDirectory(), 'addresses', address);
}

/** The process that listens at the port, also when it listens there on all addresses. */
function holderAt(port: string): number | undefined {
  const [address, number] = port.split(':') as [string, string];
  const found = listeners().find((one) => one.port === Number(number) && [address, '0.0.0.0', '::'].includes(one.address));
  return found && holderOf(found);
}

function portTaken(port: string, allowed: string): UserError {
  const pid = holderAt(port);
  return new UserError('A port of the region is taken.', [{
    path: port,
    got: pid ? `${nameOf(pid)}, process ${pid}, listens there` : 'a process of another user listens there',
    allowed,
    fix: `end it${pid ? `: kill ${pid}` : ''}; if it is another region, stop that one with \`datalab down\` in its checkout`,
  }], exitCodes.failed);
}
