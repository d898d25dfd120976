import { flatten, P, type PCollection, type PTransform, registerFunctions, withName } from "../beam/index.js";
import {
  type BigQueryDataset,
  type TableCounts,
  writeToAvro,
  writeToBigQuery,
  writeToCsv,
  writeToDuckdb,
  writeToJsonLines,
  writeToParquet,
  writeToPostgres,
  writeToSqlite,
  type WrittenRecordFile,
} from "../io/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/** What `toDatabase` and `toWarehouse` write into: a database, or a folder of files of one format. */
export const destinationKinds = [
  "postgres",
  "sqlite",
  "duckdb",
  "bigquery",
  "parquet",
  "jsonl",
  "csv",
  "avro",
] as const;

/** A kind of destination. */
export type DestinationKind = (typeof destinationKinds)[number];

/** A destination as a command line names it, taken apart. */
export interface LoadDestination {
  readonly kind: DestinationKind;
  /** The URL of a server, the path of a file, a project and a dataset with a dot in between, or a folder with a slash at its end. */
  readonly place: string;
}

/** What became of one object store in one destination. */
export interface LoadSummaryLine {
  readonly kind: DestinationKind;
  readonly database: string;
  readonly store: string;
  /** The table, or the file. */
  readonly target: string;
  /** Rows that were inserted or replaced; of files, rows that were written. */
  readonly written: number;
  /** Rows that were marked deleted, or went. Of files they count as written. */
  readonly deleted: number;
  /** Rows that the table had already, in this or a newer version. */
  readonly unchanged: number;
}

/** What all destinations are told. */
export interface LoadOptions {
  readonly versionBy?: string | undefined;
  readonly deletes: "soft" | "hard";
  /** Folder on Cloud Storage for what BigQuery loads; needed for that alone. */
  readonly staging?: string | undefined;
}

const forms =
  "postgres://USER@HOST/DATABASE, sqlite:FILE, duckdb:FILE, bigquery:PROJECT.DATASET, parquet:FOLDER, jsonl:FOLDER, csv:FOLDER, avro:FOLDER";

/**
 * Takes a destination apart: `postgres://user@host/database`, `sqlite:FILE`, `duckdb:FILE`, `bigquery:PROJECT.DATASET`, `parquet:FOLDER`, `jsonl:FOLDER`, `csv:FOLDER` or `avro:FOLDER`.
 * @throws TypeError that lists them. It does not repeat the text, which may hold a password.
 */
export function parseDestination(text: string): LoadDestination {
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: "postgres", place: text };
  const [, name, place] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  const kind = destinationKinds.find((one) => one === name && one !== "postgres");
  if (kind === undefined || place === undefined) throw new TypeError(`A destination is one of ${forms}.`);
  if (kind === "bigquery" && !/^[^/]+\.[^./]+$/.test(place))
    throw new TypeError(`A destination is one of ${forms}.`);
  const isFolder = kind !== "sqlite" && kind !== "duckdb" && kind !== "bigquery";
  return { kind, place: isFolder && !place.endsWith("/") ? `${place}/` : place };
}

/** Writes records into a destination, each object store into a table or files of its own. */
export function writeToDestination(
  { kind, place }: LoadDestination,
  { versionBy, deletes, staging }: LoadOptions,
): PTransform<PCollection<SnapshotRecord>, PCollection<LoadSummaryLine>> {
  const options = { deletes, ...(versionBy === undefined ? {} : { versionBy }) };
  return withName(`load(${kind})`, (records: PCollection<SnapshotRecord>): PCollection<LoadSummaryLine> => {
    switch (kind) {
      case "postgres":
        return records.apply(writeToPostgres(place, options)).tables.map(postgresLine);
      case "sqlite":
        return records.apply(writeToSqlite(place, options)).tables.map(sqliteLine);
      case "duckdb":
        return records.apply(writeToDuckdb(place, options)).tables.map(duckdbLine);
      case "bigquery":
        return records
          .apply(writeToBigQuery(datasetOf(place), { ...options, staging: staging ?? "" }))
          .tables.map(bigqueryLine);
      case "parquet":
        return records
          .apply(writeToParquet(place, { ...options, numShards: 0 }))
          .filesWritten.map(parquetLine);
      case "jsonl":
        return records
          .apply(writeToJsonLines(place, { ...options, numShards: 0 }))
          .filesWritten.map(jsonlLine);
      case "csv":
        return records.apply(writeToCsv(place, { ...options, numShards: 0 })).filesWritten.map(csvLine);
      case "avro":
        return records.apply(writeToAvro(place, { ...options, numShards: 0 })).filesWritten.map(avroLine);
    }
  });
}

/** Writes records into several destinations. */
export function writeToDestinations(
  destinations: readonly LoadDestination[],
  options: LoadOptions,
): PTransform<PCollection<SnapshotRecord>, PCollection<LoadSummaryLine>> {
  return withName("load", (records: PCollection<SnapshotRecord>) =>
    P(
      destinations.map((destination, number) =>
        records.apply(
          withName(`${number + 1}`, (all: PCollection<SnapshotRecord>) =>
            all.apply(writeToDestination(destination, options)),
          ),
        ),
      ),
    ).apply(withName("summaries", flatten<LoadSummaryLine>())),
  );
}

/** A project's id may have dots in it, a dataset's name has none. */
function datasetOf(place: string): BigQueryDataset {
  const dot = place.lastIndexOf(".");
  return { project: place.slice(0, dot), dataset: place.slice(dot + 1) };
}

function tableLine(
  kind: DestinationKind,
  { database, store, table, upserted, deleted, unchanged }: TableCounts,
): LoadSummaryLine {
  return { kind, database, store, target: table, written: upserted, deleted, unchanged };
}

function fileLine(
  kind: DestinationKind,
  { database, store, file, records }: WrittenRecordFile,
): LoadSummaryLine {
  return { kind, database, store, target: file, written: records, deleted: 0, unchanged: 0 };
}

function postgresLine(counts: TableCounts): LoadSummaryLine {
  return tableLine("postgres", counts);
}

function sqliteLine(counts: TableCounts): LoadSummaryLine {
  return tableLine("sqlite", counts);
}

function duckdbLine(counts: TableCounts): LoadSummaryLine {
  return tableLine("duckdb", counts);
}

function bigqueryLine(counts: TableCounts): LoadSummaryLine {
  return tableLine("bigquery", counts);
}

function parquetLine(file: WrittenRecordFile): LoadSummaryLine {
  return fileLine("parquet", file);
}

function jsonlLine(file: WrittenRecordFile): LoadSummaryLine {
  return fileLine("jsonl", file);
}

function csvLine(file: WrittenRecordFile): LoadSummaryLine {
  return fileLine("csv", file);
}

function avroLine(file: WrittenRecordFile): LoadSummaryLine {
  return fileLine("avro", file);
}

registerFunctions("beam-indexeddb/pipelines", {
  postgresLine,
  sqliteLine,
  duckdbLine,
  bigqueryLine,
  parquetLine,
  jsonlLine,
  csvLine,
  avroLine,
});
