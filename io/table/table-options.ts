import { randomUUID } from "node:crypto";
import { checkOptionNames } from "../check-options.js";
import type { ErrorTreatment } from "../failed-record.js";
import { columnKinds } from "./column.js";
import type { GivenColumns } from "./plan-tables.js";

/** Tables, columns, versions, deletions: what every sink that writes tables takes. Every option has a default. */
export interface WriteToTablesOptions {
  /**
   * The columns of each store, property -> kind. What they do not hold goes to `_rest`. Every store that is written has to be named.
   * Default: inferred over all records, which are then read twice and held until the inference is done.
   */
  readonly columns?: Readonly<Record<string, GivenColumns>>;
  /** Store -> name of its table. Default: the store's name, changed only where the engine cannot have it. */
  readonly tables?: Readonly<Record<string, string>>;
  /**
   * Path of the time (a number, a Date or an ISO 8601 text) that tells which of two versions of a record is newer, as for `mergeDevices`. A tombstone
   * counts as written when it was captured, a record without the time is older than any with it. Use the same in all runs into a table. Default: the
   * capture time, then the sequence of the origin.
   */
  readonly versionBy?: string;
  /** `soft`: a deleted record's row stays, with `_deleted` set and no values. `hard`: it goes. Default `soft`. */
  readonly deletes?: "soft" | "hard";
  /**
   * `tables`: a property that is a list has a table of its own, `<table>__<property>`, with a row for each item; the rows are replaced together with that of
   * the record. Lists that rows cannot tell (empty, with holes or further properties) stay JSON. `json`: every list is JSON. A store that has
   * such tables keeps them in later runs, whatever is chosen there. Not together with `columns`. Default `json`.
   */
  readonly children?: "json" | "tables";
  /** What happens with a record that cannot be written. Default `fail`: the job fails. */
  readonly onError?: ErrorTreatment;
  /** Name of this run in `_load_id`. Default: a random UUID. */
  readonly loadId?: string;
  /** Most rows of a transaction; a bundle with more has several. Default 10,000; of `writeToPostgres` 5,000. */
  readonly batchRows?: number;
}

/** The same with defaults, as plain data: what travels to the workers. */
export interface TableSettings {
  readonly columns: Readonly<Record<string, GivenColumns>> | undefined;
  readonly tables: Readonly<Record<string, string>>;
  readonly versionBy: string | undefined;
  readonly deletes: "soft" | "hard";
  readonly children: "json" | "tables";
  readonly onError: ErrorTreatment;
  readonly loadId: string;
  readonly batchRows: number;
}

const optionNames = [
  "columns",
  "tables",
  "versionBy",
  "deletes",
  "children",
  "onError",
  "loadId",
  "batchRows",
] as const satisfies readonly (keyof WriteToTablesOptions)[];

/**
 * Checks the options and gives them their defaults.
 * @param transform Its name, for the messages.
 * @param further Names of options that only this transform has.
 * @throws TypeError for options that make no sense, with what would.
 */
export function tableSettings(
  transform: string,
  options: WriteToTablesOptions,
  further: readonly string[] = [],
  defaultBatchRows = 10_000,
): TableSettings {
  checkOptionNames(transform, options, [...optionNames, ...further]);
  const {
    columns,
    tables = {},
    versionBy,
    deletes = "soft",
    children = "json",
    onError = "fail",
    loadId = randomUUID(),
  } = options;
  checkOneOf(transform, "deletes", deletes, ["soft", "hard"]);
  checkOneOf(transform, "children", children, ["json", "tables"]);
  if (children === "tables" && columns)
    throw new TypeError(
      `${transform}: columns are given, so no lists are looked for. Leave out columns, or children: "tables".`,
    );
  checkOneOf(transform, "onError", onError, ["fail", "failedRecords"]);
  checkColumns(transform, columns);
  for (const [store, table] of Object.entries(tables))
    if (table === "")
      throw new TypeError(`${transform}: the table of the store "${store}" has an empty name.`);
  if (/\p{Surrogate}/u.test(loadId))
    throw new TypeError(`${transform}: loadId has half a surrogate pair, which no text column holds.`);
  if (versionBy === "")
    throw new TypeError(`${transform}: versionBy is empty. Name a property, or leave it out.`);
  return {
    columns,
    tables,
    versionBy,
    deletes,
    children,
    onError,
    loadId,
    batchRows: checkWholeNumber(transform, "batchRows", options.batchRows ?? defaultBatchRows, 1, 1_000_000),
  };
}

export function checkOneOf(transform: string, name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new TypeError(
    `${transform}: ${name} is "${value}". It can be ${allowed.map((one) => `"${one}"`).join(" or ")}.`,
  );
}

/** @returns the value. */
export function checkWholeNumber(
  transform: string,
  name: string,
  value: number,
  least: number,
  most: number,
): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(
    `${transform}: ${name} is ${value}. It has to be a whole number from ${least} to ${most}.`,
  );
}

function checkColumns(transform: string, columns: WriteToTablesOptions["columns"]): void {
  for (const [store, given] of Object.entries(columns ?? {}))
    for (const [property, kind] of Object.entries(given))
      if (!columnKinds.includes(kind))
        throw new TypeError(
          `${transform}: the column ${store}.${property} is of kind "${kind}". Kinds are ${columnKinds.join(", ")}.`,
        );
}
