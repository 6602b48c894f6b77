import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { entriesOf } from '../constructs/objects';
import { loadStack } from '../model/stack';
import { shutDown } from '../embedded/region';
import { silent } from '../model/progress';
import { objectsOf } from './objects';
import { datalab, kubectlApply, onFreshRegion, preview, up, type Deployed, type Measured } from './region';
import { figure, median, reportOf, reportText, thisMachine, type Row } from './report';

/**
 * Measures how long things take, prints a table against the goals, and writes JSON below bench/out/.
 *   npm run bench                all of it, in less than 20 minutes on 2 quiet cores
 *   npm run bench -- --quick     each figure once, without the real servers, without what only a note tells: a smoke run
 *   npm run bench -- --json      the report on standard output, without the table
 */
const flags = process.argv.slice(2);
const quick = flags.includes('--quick');
const stack = loadStack('ssp-cloud.local');
const rounds = quick ? 1 : 5;
const sizes = quick ? [1, 2] : [1, 4, 16];

function row(what: string, unit: Row['unit'], samples: readonly number[], note: string, goal?: number): Row {
  return { what, value: median(samples), unit, samples, note, ...(goal === undefined ? {} : { goal }) };
}

async function render(): Promise<Row[]> {
  const seconds: number[] = [];
  const work: number[] = [];
  const megabytes: number[] = [];
  let what = '';
  // The first run compiles TypeScript into the cache of tsx, as the first command of a checkout does.
  for (let round = 0; round <= rounds; round++) {
    const started = Date.now();
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(__dirname, 'render.ts')]);
    const ran = JSON.parse(stdout) as { stacks: number; files: number; workSeconds: number; peakMegabytes: number };
    what = `${ran.stacks} stacks, ${ran.files} files`;
    if (round === 0) continue;
    seconds.push((Date.now() - started) / 1000);
    work.push(ran.workSeconds);
    megabytes.push(ran.peakMegabytes);
  }
  const loading = median(seconds) - median(work);
  return [
    row('render of all stacks, one process', 's', seconds, `${what}; the process from start to end, of which ${figure(loading, 's')} to start Node.js and load TypeScript through tsx`, 1.5),
    row('  its peak memory', 'MB', megabytes, 'largest resident set', 300),
  ];
}

/** A whole region with its real servers, by the command that people use. */
async function wholeRegion(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-bench-'));
  try {
    const first = await datalab(directory, 'up', stack.name, '--plugins', 'stand-in');
    const again = async (operation: string) => {
      const samples: number[] = [];
      for (let round = 0; round < rounds; round++) samples.push(await datalab(directory, operation, stack.name, '--plugins', 'stand-in'));
      return samples;
    };
    const [previews, ups] = [await again('preview'), await again('up')];
    return [
      row(`first up of ${stack.name}`, 's', [first], 'the command from start to end: control plane, PostgreSQL, Keycloak, MinIO, all objects'),
      row('  unchanged preview', 's', previews, 'the command from start to end; the region runs', 4),
      row('  unchanged up', 's', ups, 'the same, and waits for the servers to be healthy'),
    ];
  } finally {
    await shutDown(stack, { progress: silent, command: 'npm run bench', state: directory, deleteData: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The engine against kubectl on the same objects: in each round one of each, in an order that changes, on a fresh control plane each. */
async function againstTheFloor(): Promise<Row[]> {
  const [unwaited, waited] = [objectsOf(stack, { times: 1, wait: false }), objectsOf(stack, { times: 1, wait: true })];
  const boots: number[] = [];
  const floors: Measured[] = [];
  const ups: Deployed[] = [];
  const waits: Deployed[] = [];
  const onFresh = <T>(work: Parameters<typeof onFreshRegion<T>>[1]) =>
    onFreshRegion(stack, (region) => {
      boots.push(region.bootSeconds);
      return work(region);
    });
  const runs = [
    async () => floors.push(await onFresh((region) => kubectlApply(region, unwaited))),
    async () => ups.push(await onFresh((region) => up(region, unwaited))),
    async () => waits.push(await onFresh((region) => up(region, waited))),
  ];
  for (let round = 0; round < rounds; round++) {
    for (let run = 0; run < runs.length; run++) await runs[(round + run) % runs.length]!();
  }
  const seconds = (all: readonly Measured[]) => all.map((each) => each.seconds);
  const objects = entriesOf(unwaited).length;
  return [
    row('control plane, until it is ready', 's', boots, 'from nothing: keys, etcd, API server, controllers, scheduler, kwok, agent'),
    row(`kubectl apply --server-side of ${objects} objects`, 's', seconds(floors), `the floor: one file, no wait, cold cache; kubectl used ${cpu(floors)}`),
    row('up of the same objects', 's', seconds(ups), `the engine's first up, readiness not waited for; engine, program, plugin and the plan before used ${cpu(ups)}`),
    row('  against the floor', '×', ups.map((each, index) => each.seconds / floors[index]!.seconds), `median of ${rounds === 1 ? 'one pair' : `${rounds} pairs`}`, 2),
    row('  waiting on readiness alone', 's', waits.map((each, index) => Math.max(0, each.seconds - ups[index]!.seconds)), `what the same up takes longer when it waits for each object: ${figure(median(seconds(waits)), 's')} in all`),
    row('  the plan before', 's', ups.map((each) => each.planSeconds), 'the preview that up begins with; not in the figures above'),
  ];
}

async function growth(): Promise<Row[]> {
  const rows: Row[] = [];
  let first: { up: number; preview: number } | undefined;
  for (const times of sizes) {
    const platform = objectsOf(stack, { times, wait: false });
    const objects = entriesOf(platform).length;
    const floor = quick ? undefined : await onFreshRegion(stack, (region) => kubectlApply(region, platform));
    const { deployed, previewed } = await onFreshRegion(stack, async (region) => ({ deployed: await up(region, platform), previewed: await preview(region, platform) }));
    const each = { up: deployed.seconds / objects, preview: previewed / objects };
    first ??= each;
    const note = (what: 'up' | 'preview') => `${figure(each[what] * 1000, 'ms')} for each object: ${figure(each[what] / first![what], '×')} that of 1 ×`;
    const kubectl = floor ? `; kubectl ${figure(floor.seconds, 's')} with ${cpu([floor])}` : '';
    rows.push(row(`${times} × (${objects} objects): up`, 's', [deployed.seconds], `${note('up')}; plan and up used ${cpu([deployed])}${kubectl}`));
    rows.push(row('  unchanged preview', 's', [previewed], note('preview')));
    if (times > 1) rows.push(row('  time for each object against 1 ×', '×', [each.up / first.up], '1 × is linear growth, and above it worse', 1.25));
  }
  return rows;
}

function cpu(all: readonly Measured[]): string {
  return `${figure(median(all.map((each) => each.cpu)), 's')} of CPU, the control plane ${figure(median(all.map((each) => each.clusterCpu)), 's')}`;
}

async function main(): Promise<void> {
  const startedAt = new Date().toISOString();
  const machine = thisMachine();
  if (!machine.quiet) process.stderr.write(`The load is ${machine.load} on ${machine.cores} cores: the figures are those of a busy machine.\n`);
  const rows: Row[] = [];
  const parts = { render, ...(quick ? {} : { wholeRegion }), againstTheFloor, growth };
  for (const [part, measure] of Object.entries(parts)) {
    process.stderr.write(`… ${part}\n`);
    rows.push(...(await measure()));
  }
  const report = reportOf(startedAt, quick, machine, rows);
  const file = join(__dirname, 'out', `${startedAt.replaceAll(/[:.]/g, '-')}${quick ? '-quick' : ''}.json`);
  mkdirSync(join(__dirname, 'out'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(flags.includes('--json') ? `${JSON.stringify(report)}\n` : `${reportText(report)}\n`);
  process.stderr.write(`written: ${relative(process.cwd(), file)}\n`);
}

void main();
