/** Characters that a last column keeps. */
const smallest = 30;

/** Rows under a header, columns two spaces apart, at most `width` characters a line: the last column gives way first. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], width = 100): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const total = () => widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1);
  while (total() > width) {
    const last = widths.length - 1;
    const column = widths[last]! > smallest ? last : widths.indexOf(Math.max(...widths));
    widths[column] = widths[column]! - 1;
  }
  const cell = (text: string, column: number) => {
    const room = widths[column]!;
    return (text.length > room ? `${text.slice(0, room - 1)}…` : text).padEnd(room);
  };
  return all.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
