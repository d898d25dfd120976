import type { PipelineFunction } from "../../beam/index.js";
import type { Option, ParsedOptions } from "../command.js";

/** A pipeline that can be run by name. */
export interface CatalogEntry {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  build(options: ParsedOptions): PipelineFunction;
  /** Folder of the results. */
  outputOf(options: ParsedOptions): string;
  /** Whether there is a `summary.json` in it afterwards. */
  readonly hasSummary: boolean;
  /** What a person is told of a run. */
  resultText(result: PipelineResult): string;
}

/** A run that is done. */
export interface PipelineResult {
  readonly runner: string;
  readonly output: string;
  readonly seconds: number;
  /** What summary.json holds; empty where only the workers see it. */
  readonly summary: readonly unknown[];
  readonly options: ParsedOptions;
  readonly counters: Readonly<Record<string, number>>;
}
