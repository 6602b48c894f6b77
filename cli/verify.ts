import type { Command } from 'commander';
import { compose } from '../constructs/compose';
import { openRegion, withRegionLock } from '../embedded/state';
import { ensureTools } from '../embedded/toolchain';
import { exitCodes } from '../model/errors';
import type { Progress } from '../model/progress';
import { loadStack, type Stack } from '../model/stack';
import { verify, type Skipped, type Verified } from '../review/matrix/run';
import { expected, servers, type Server } from '../review/matrix/expected';
import { printedProgress } from './progress';
import { clusterAccess, embeddedAccess } from './region-access';
import { jsonOption, stackArgument, stateOption } from './stack-argument';
import { table } from './table';

export function addVerify(program: Command): void {
  stackArgument(program.command('verify').description('ask the running servers who may do what, and compare with the access matrix'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab verify ls3.local\n  ./datalab verify ssp-cloud.paris --json\n\nExits with 1 when a cell is wrong. docs/access-matrix.md explains the cells.')
    .action(async (name: string, flags: { json?: boolean; state?: string }) => {
      const verified = await verifyStack(loadStack(name), printedProgress(), flags.state);
      process.stdout.write(`${flags.json ? JSON.stringify(verified) : verifiedText(verified)}\n`);
      if (verified.cells.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
    });
}

async function verifyStack(stack: Stack, progress: Progress, stateDirectory?: string): Promise<Verified> {
  const { access } = stack.instance.regions[stack.region]!.cluster;
  const platform = compose(stack);
  if (access !== 'embedded') {
    const { kubectl } = await ensureTools(['kubernetes'], progress);
    return verify(await clusterAccess(platform, access.context, kubectl), progress);
  }
  const state = openRegion(stack.name, stateDirectory);
  return withRegionLock(state, `datalab verify ${stack.name}`, async () => {
    const { pulumi } = await ensureTools(['pulumi'], progress);
    const region = await embeddedAccess(platform, state, pulumi);
    try {
      return await verify(region, progress);
    } finally {
      region.close();
    }
  });
}

/** Wrong cells first, then what each server answered, then the sums. */
export function verifiedText({ cells, skipped }: Verified): string {
  const wrong = cells.filter(({ ok }) => !ok);
  const blocks = [
    ...(wrong.length ? [table(['WRONG', 'WHO', 'EXPECTED', 'OBSERVED'], wrong.map((cell) => [cell.what, cell.who, cell.expected, cell.observed]))] : []),
    ...servers.filter((server) => cells.some(({ what }) => what.startsWith(`${server} `))).map((server) => block(server, cells)),
    ...reasons(skipped),
    `${cells.length} cells, ${wrong.length} wrong, ${skipped.length} skipped`,
  ];
  return blocks.join('\n\n');
}

/** What was observed, a wrong cell with a mark; a cell that could not be asked is a dash. */
function block(server: Server, cells: Verified['cells']): string {
  const { columns, rows } = expected[server];
  const cell = (who: string, column: string) => {
    const found = cells.find((each) => each.who === who && each.what === `${server} ${column}`);
    if (!found) return '-';
    return found.ok ? found.observed : `✗ ${found.observed.slice(0, 5)}`;
  };
  return table([server, ...columns], Object.keys(rows).map((who) => [who, ...columns.map((column) => cell(who, column))]));
}

function reasons(skipped: readonly Skipped[]): string[] {
  if (!skipped.length) return [];
  const counts = new Map<string, number>();
  for (const { why } of skipped) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [`skipped\n${[...counts].map(([why, count]) => `  ${String(count).padStart(3)}  ${why}`).join('\n')}`];
}
