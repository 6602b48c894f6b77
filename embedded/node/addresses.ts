import { readText, writeAtomic, type RegionState } from '../state';

/** Where a pod is. */
export interface PodAddress {
  /** What the API server is told: private and fictional, since EndpointSlices refuse loopback addresses. Nothing listens there. */
  readonly ip: string;
  /** Where its processes listen. */
  readonly loopback: string;
}

/** The process node's own address, as fictional as those of its pods. */
export const nodeIp = '10.245.0.1';

/** Where the processes of a pod listen, by the address that the API server knows; undefined for a simulated pod. */
export function loopbackOf(podIp: string | undefined, regionAddress: string): string | undefined {
  const number = /^10\.245\.0\.(\d+)$/.exec(podIp ?? '')?.[1];
  return number && regionAddress.replace(/\d+$/, number);
}

const first = 10;
const last = 254;

/**
 * The one table of pods and their addresses: `node/addresses.json` has the last number of both for each pod's uid.
 * A pod keeps its address as long as it exists, over restarts of its containers, the agent and the region.
 */
export class AddressTable {
  private readonly file: string;
  private readonly numbers: Record<string, number>;

  constructor(state: RegionState, private readonly regionAddress: string) {
    this.file = state.file('node', 'addresses.json');
    this.numbers = JSON.parse(readText(this.file) ?? '{}') as Record<string, number>;
  }

  /** The pod's address, the lowest free one when it has none. */
  take(uid: string): PodAddress {
    let number = this.numbers[uid];
    if (number === undefined) {
      const taken = new Set(Object.values(this.numbers));
      number = Array.from({ length: last - first + 1 }, (_, index) => first + index).find((each) => !taken.has(each));
      if (number === undefined) throw new Error(`all ${last - first + 1} addresses of the process node are taken`);
      this.numbers[uid] = number;
      this.write();
    }
    return { ip: `10.245.0.${number}`, loopback: this.regionAddress.replace(/\d+$/, String(number)) };
  }

  release(uid: string): void {
    if (this.numbers[uid] === undefined) return;
    delete this.numbers[uid];
    this.write();
  }

  /** Forgets pods other than these. */
  keep(uids: ReadonlySet<string>): void {
    for (const uid of Object.keys(this.numbers)) if (!uids.has(uid)) this.release(uid);
  }

  private write(): void {
    writeAtomic(this.file, `${JSON.stringify(this.numbers, null, 2)}\n`);
  }
}
