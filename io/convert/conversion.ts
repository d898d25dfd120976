import type { DatabaseSchema, SnapshotSummary } from "../../snapshot/index.js";

/** Whose files can be converted: dexie-export-import's, and Playwright's storage states with IndexedDB. */
export type ConvertedFormat = "dexie-export-import" | "playwright-storage-state";

/** Something that the file no longer says, or says in two ways; the conversion keeps everything else. */
export interface ConversionIssue {
  /** Stable name of the kind of issue; docs/convert.md explains each. */
  readonly code: ConversionIssueCode;
  readonly store?: string | undefined;
  /** Of how many records or things, where it can be counted. */
  readonly count?: number | undefined;
  readonly message: string;
}

/** The stable names of issues; docs/convert.md explains each. */
export const conversionIssueCodes = [
  "ROWS_MISSING",
  "GENERATOR_POSITION_LOST",
  "INDEX_NAMES_LOST",
  "TYPES_LOST",
  "EMPTY_OBJECTS",
  "INVALID_DATES",
  "UNKNOWN_TYPES",
] as const;
/** One of the stable names. */
export type ConversionIssueCode = (typeof conversionIssueCodes)[number];

/** What was converted, and what had been lost before. */
export interface ConversionReport {
  readonly format: ConvertedFormat;
  readonly database: string;
  readonly version: number;
  /** Origin of the page, where the file tells it. */
  readonly origin?: string | undefined;
  readonly issues: readonly ConversionIssue[];
  /** False when the file itself says that it lacks records. */
  readonly complete: boolean;
  readonly summary: SnapshotSummary;
}

/** A record of a foreign file. */
export interface ForeignRecord {
  readonly store: string;
  readonly key: unknown;
  readonly value: unknown;
}

/** One database of a foreign file: its schema first, then its records store by store in the order of the keys. */
export interface ForeignDatabase {
  readonly format: ConvertedFormat;
  readonly schema: DatabaseSchema;
  readonly origin?: string | undefined;
  readonly records: AsyncIterable<ForeignRecord>;
  /** Valid when the records were read. */
  issues(): readonly ConversionIssue[];
}
