/** How long work tells a person where it is. Implementations: cli/progress.ts prints; tests keep or drop. */
export interface Progress {
  /**
   * Runs one step and shows it with its elapsed time while it runs and when it ends.
   * `tell` replaces the step's detail line: what it does right now.
   */
  step<T>(title: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T>;
  /** One line that stays. */
  note(line: string): void;
}

/** Says nothing; steps run as they are. */
export const silent: Progress = {
  step: (_title, work) => work(() => undefined),
  note: () => undefined,
};
