import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** One line of the report. */
export interface Row {
  readonly what: string;
  /** The median of the samples. */
  readonly value: number;
  readonly unit: 's' | 'MB' | '×' | 'ms';
  /** The value that it should not exceed. @default there is none */
  readonly goal?: number;
  readonly samples: readonly number[];
  /** What is included, and the cause of a miss. */
  readonly note: string;
}

export interface Report {
  readonly startedAt: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly rows: readonly (Row & { readonly met?: boolean })[];
}

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryMegabytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the minute before the bench. */
  readonly load: number;
  /** Others leave it at least half of its cores. */
  readonly quiet: boolean;
}

export function thisMachine(): Machine {
  const cores = availableParallelism();
  const load = loadavg()[0]!;
  return {
    cores,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryMegabytes: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    load: Math.round(load * 100) / 100,
    quiet: load < cores / 2,
  };
}

export function reportOf(startedAt: string, quick: boolean, machine: Machine, rows: readonly Row[]): Report {
  return { startedAt, quick, machine, rows: rows.map((row) => (row.goal === undefined ? row : { ...row, met: row.value <= row.goal })) };
}

/** The report as a table of at most 100 columns; notes go on below their row. */
export function reportText({ machine, rows }: Report): string {
  const [whatWidth, valueWidth, goalWidth] = [40, 9, 13];
  const noteWidth = 100 - whatWidth - valueWidth - goalWidth - 3;
  const lines = rows.flatMap(({ what, value, unit, goal, met, note }) => {
    const notes = wrapped(note, noteWidth);
    const indent = /^ */.exec(what)![0];
    const names = wrapped(what, whatWidth - indent.length).map((line) => indent + line);
    const cells = [figure(value, unit).padStart(valueWidth), goal === undefined ? '' : `${met ? '≤' : 'missed'} ${figure(goal, unit)}`];
    return Array.from({ length: Math.max(notes.length, names.length, 1) }, (_, index) =>
      [(names[index] ?? '').padEnd(whatWidth), (index ? '' : cells[0]!).padEnd(valueWidth), (index ? '' : cells[1]!).padEnd(goalWidth), notes[index] ?? ''].join(' ').trimEnd(),
    );
  });
  const { cores, memoryMegabytes, cpu, load, node } = machine;
  const header = ['MEASURED'.padEnd(whatWidth), 'MEDIAN'.padStart(valueWidth), 'GOAL'.padEnd(goalWidth), 'NOTE'].join(' ');
  return [`${cores} cores (${cpu}), ${Math.round(memoryMegabytes / 1024)} GB, Node.js ${node}, load ${load}`, '', header, ...lines].join('\n');
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three digits say enough. */
export function figure(value: number, unit: string): string {
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
