import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../model/errors';
import { holderOf, listeners, nameOf } from './proc';
import { readText, writeAtomic, type RegionState } from './state';

/** Ports of a region's own servers. Unusual ones, since a server on 0.0.0.0 takes its port on every address. */
export const regionPorts = { apiserver: 26443, etcd: 22379, etcdPeer: 22380 } as const;

/** Held while a region starts for the first time, so that two such starts do not choose the same address. */
const guardPort = 26442;

/**
 * The region's loopback address, 127.42.N.1. Chosen at its first start and kept, since certificates, tokens and
 * kubeconfigs name it. `release` ends the reservation: call it when the servers listen.
 */
export async function regionAddress(state: RegionState): Promise<{ address: string; release: () => void }> {
  const kept = readText(state.file('address'))?.trim();
  if (kept) return { address: kept, release: () => undefined };
  const taken = neighbours(state);
  for (let n = 1; n < 255; n++) {
    const address = `127.42.${n}.1`;
    if (taken.has(address)) continue;
    const guard = await listen(address, guardPort);
    if (guard && (await allFree(address))) {
      writeAtomic(state.file('address'), `${address}\n`);
      return { address, release: () => guard.close() };
    }
    guard?.close();
  }
  throw portTaken(`127.42.1.1:${regionPorts.apiserver}`, 'a free one of 127.42.1.1 to 127.42.254.1');
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
    if (holderAt(port) || Date.now() > deadline) throw portTaken(port, 'a free port: this region keeps its address');
    await sleep(50);
  }
}

async function allFree(address: string): Promise<boolean> {
  for (const port of Object.values(regionPorts)) {
    const server = await listen(address, port);
    if (!server) return false;
    await new Promise((closed) => server.close(closed));
  }
  return true;
}

function listen(host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

/** Addresses of the other regions in the same state directory, running or not. */
function neighbours(state: RegionState): Set<string> {
  const all = dirname(state.dir);
  const regions = readdirSync(all, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Set(regions.map(({ name }) => readText(join(all, name, 'address'))?.trim() ?? ''));
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
    fix: pid ? `end it (kill ${pid}), then run the command again` : 'end that process, then run the command again',
  }], exitCodes.failed);
}
