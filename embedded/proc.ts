import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessId {
  readonly pid: number;
  /** Boot id and start time in clock ticks, as /proc tells them. */
  readonly startTime: string;
}

/** The start time of a living process; undefined when it is gone or only waits to be reaped. */
export function startTimeOf(pid: number): string | undefined {
  const stat = readStat(pid);
  if (!stat || stat.state === 'Z' || stat.state === 'X') return undefined;
  return `${bootId()}/${stat.startTicks}`;
}

export function isAlive(process: ProcessId): boolean {
  return startTimeOf(process.pid) === process.startTime;
}

/** Living processes of the session that `leader` opened, the leader included. */
export function sessionOf(leader: number): number[] {
  return allPids().filter((pid) => {
    const stat = readStat(pid);
    return stat?.session === leader && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** The program's name, without its arguments: those may hold secrets. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Every listening TCP socket of this network namespace. IPv6 addresses are hexadecimal, those that stand for IPv4 excepted, and `::` is the wildcard. */
export function listeners(): Listener[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    const rows = readOrEmpty(table).trim().split('\n').slice(1);
    return rows.map((row) => row.trim().split(/\s+/)).filter((columns) => columns[3] === '0A').map((columns) => {
      const [address, port] = columns[1]!.split(':') as [string, string];
      return { address: readableAddress(address), port: parseInt(port, 16), inode: columns[9]! };
    });
  });
}

/** The process that holds a listening socket; undefined when it belongs to another user or namespace. */
export function holderOf(listener: Listener): number | undefined {
  const link = `socket:[${listener.inode}]`;
  return allPids().find((pid) => socketsOf(pid).includes(link));
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function readableAddress(hex: string): string {
  if (/^0+$/.test(hex)) return hex.length === 8 ? '0.0.0.0' : '::';
  if (/^0{24}01000000$/.test(hex)) return '::1';
  const mapped = /^0{16}ffff0000([0-9a-f]{8})$/i.exec(hex);
  if (mapped) return readableAddress(mapped[1]!);
  if (hex.length !== 8) return hex.toLowerCase();
  return [6, 4, 2, 0].map((at) => parseInt(hex.slice(at, at + 2), 16)).join('.');
}

function readStat(pid: number): { state: string; session: number; startTicks: string } | undefined {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  if (!text) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, session: Number(fields[3]), startTicks: fields[19]! };
}

function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

function bootId(): string {
  return readOrEmpty('/proc/sys/kernel/random/boot_id').trim();
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
