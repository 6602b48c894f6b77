/** One thing a person has to correct. Each field is one line, with no secret in it. */
export interface Problem {
  /** Where it is: `regions.paris.nodePools[1].gpu.count`, a file, a flag, an address. */
  readonly path: string;
  /** What was found there. */
  readonly got: string;
  /** What may stand there. */
  readonly allowed: string;
  /** What to do now. */
  readonly fix: string;
}

/** Exit codes of every command. */
export const exitCodes = { done: 0, failed: 1, wrongInput: 2, widening: 3, changes: 4 } as const;

/**
 * An error that a person can act on: printed as text, never with a stack trace.
 * `exitCode` is 2 for wrong input (the default) and 1 when the input was right and the work failed.
 */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(
    readonly title: string,
    readonly problems: readonly Problem[],
    readonly exitCode: number = exitCodes.wrongInput,
  ) {
    super([title, ...problems.map(formatProblem)].join('\n'));
  }
}

function formatProblem(problem: Problem): string {
  return [
    `  ${problem.path}`,
    `    got      ${problem.got}`,
    `    allowed  ${problem.allowed}`,
    `    fix      ${problem.fix}`,
  ].join('\n');
}
