import { printable } from "../table.js";
import type { LoadSummaryLine } from "../../pipelines/index.js";

/** Kinds of destinations that take SQL as it stands here, the best to try first. */
const sqlKinds = ["duckdb", "postgres", "sqlite"] as const;

/** Three queries to try on what was just loaded; none where nothing takes SQL. */
export function queriesFor(lines: readonly LoadSummaryLine[]): string[] {
  const kind = sqlKinds.find((one) => lines.some((line) => line.kind === one));
  if (kind === undefined) return [];
  // A name that a terminal would not show as it is can't be copied from it.
  const tables = lines.filter((line) => line.kind === kind && printable(line.target) === line.target);
  if (tables.length === 0) return [];
  const largest = tables.reduce((best, line) => (size(line) > size(best) ? line : best));
  const table = `"${largest.target.replaceAll('"', '""')}"`;
  return [
    `Try in ${names[kind]}:`,
    `  SELECT count(*) FROM ${table} WHERE NOT _deleted;`,
    `  SELECT _device, count(*) AS records, max(_extracted_at) AS latest FROM ${table} GROUP BY _device ORDER BY records DESC;`,
    `  SELECT * FROM ${table} WHERE _issues IS NOT NULL OR _rest IS NOT NULL LIMIT 10;`,
  ];
}

const names = { duckdb: "DuckDB", postgres: "PostgreSQL", sqlite: "SQLite" };

function size({ written, unchanged }: LoadSummaryLine): number {
  return written + unchanged;
}
