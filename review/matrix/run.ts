import { UserError } from '../../model/errors';
import type { Progress } from '../../model/progress';
import { callersOf, makeThrowaway, type Absent, type Caller } from './callers';
import { expected, servers, type Server } from './expected';
import { askKubernetes } from './kubernetes';
import type { RegionAccess } from './region';
import { askS3 } from './s3';
import { askVault } from './vault';

/** One who asked one thing. */
export interface Cell {
  readonly who: string;
  /** Server and column: `S3 own`. */
  readonly what: string;
  readonly expected: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** A cell that could not be asked. */
export interface Skipped {
  readonly who: string;
  readonly what: string;
  readonly why: string;
}

export interface Verified {
  readonly cells: readonly Cell[];
  readonly skipped: readonly Skipped[];
}

const ask = { S3: askS3, Kubernetes: askKubernetes, Vault: askVault };

/**
 * Asks the servers of a region all that the access matrix names, each as everybody who can ask. What it makes has throwaway
 * names and is removed, also after a failure.
 * @throws UserError when the operator or a person cannot log in.
 */
export async function verify(region: RegionAccess, progress: Progress): Promise<Verified> {
  const throwaway = await makeThrowaway(region);
  try {
    const callers = await progress.step('log in everybody', () => callersOf(region, throwaway));
    const cells: Cell[] = [];
    const skipped: Skipped[] = [];
    for (const server of servers) {
      await progress.step(`ask ${server}`, async (tell) => {
        for (const caller of callers) {
          tell(caller.who);
          const row = await askRow(region, server, caller);
          cells.push(...row.cells);
          skipped.push(...row.skipped);
        }
      });
    }
    return { cells, skipped };
  } finally {
    await throwaway.remove();
  }
}

async function askRow(region: RegionAccess, server: Server, caller: Caller | Absent): Promise<Verified> {
  const { columns, rows } = expected[server];
  const { who } = caller;
  const skip = (columns: readonly string[], why: string) => columns.map((column) => ({ who, what: `${server} ${column}`, why }));
  if ('why' in caller) return { cells: [], skipped: skip(columns, caller.why) };
  const asked = await attempt(() => ask[server](region, caller));
  const cells: Cell[] = [];
  const skipped: Skipped[] = [];
  for (const [index, column] of columns.entries()) {
    const question = typeof asked === 'string' ? async () => asked : asked[column];
    if (!question) {
      skipped.push(...skip([column], why(server, column)));
      continue;
    }
    const observed = await attempt(question);
    const wanted = rows[who]![index]!;
    cells.push({ who, what: `${server} ${column}`, expected: wanted, observed, ok: observed === wanted });
  }
  return { cells, skipped };
}

/** What it gives, or the error as one line: a cell that is an error is wrong. Errors that a person can act on end the run. */
async function attempt<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    return `error: ${(error as Error).message}`;
  }
}

function why(server: Server, column: string): string {
  if (column === 'project') return 'the instance declares no project';
  if (column === 'key') return 'the object store has no such interface';
  return server === 'S3' ? 'no workload of the platform has a bucket' : 'the stack has no such thing';
}

