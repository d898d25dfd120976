/** One question about speed, memory or size, and how it is measured. */
export interface Bench {
  /** What `npm run bench -- NAME` takes. */
  readonly name: string;
  /** One line for the list in the help. */
  readonly title: string;
  run(context: BenchContext): Promise<BenchResult>;
}

export interface BenchContext {
  /** Sizes that take seconds, to see that a bench works: its figures are no evidence. */
  readonly quick: boolean;
  /** What is being done now, for the person who waits. */
  progress(text: string): void;
  /** An empty folder for whatever the bench writes; removed after it. */
  readonly folder: string;
}

export interface BenchResult {
  readonly tables: readonly BenchTable[];
  readonly figures: readonly Figure[];
}

export interface BenchTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number that the project is judged by. */
export interface Figure {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly target?: Target | undefined;
}

/** Bounds that a figure has to keep, both included. */
export interface Target {
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}
