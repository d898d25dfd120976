import { type ObjectStoreSchema, SnapshotError, valueAt } from "../../snapshot/index.js";
import type { ConversionIssue, ForeignDatabase, ForeignRecord } from "./conversion.js";
import { parseDexieSchema } from "./dexie-schema.js";
import { IssueCounts } from "./issue-counts.js";
import type { JsonPart, JsonPath } from "./json-parts.js";
import { type ReviveContext, reviveTypeson } from "./revive-typeson.js";

/** The parts of a file of dexie-export-import that are read: the head, and each row of each table by itself. */
export function isDexiePart(path: JsonPath): boolean {
  if (path[0] !== "data")
    return path.length === 1 && (path[0] === "formatName" || path[0] === "formatVersion");
  if (path.length === 2) return path[1] !== "data";
  if (path[1] !== "data" || path.length < 4) return false;
  return path.length === 4 ? path[3] !== "rows" : path.length === 5 && path[3] === "rows";
}

interface Table {
  readonly name: string;
  readonly schema: ObjectStoreSchema;
  readonly rowCount: number;
  rows: number;
}

/**
 * A file of dexie-export-import (format version 1), streamed: the tables must stand before the rows, as that package writes them.
 * @throws SnapshotError CONVERT_INVALID for a file that is not so
 */
export async function readDexie(
  parts: AsyncGenerator<JsonPart, void, undefined>,
  context: Omit<ReviveContext, "onUnknownType">,
): Promise<ForeignDatabase> {
  const head = new Map<string, unknown>();
  let first: JsonPart | undefined;
  for (;;) {
    const next = await parts.next();
    if (next.done) break;
    if (next.value.path[1] === "data") {
      first = next.value;
      break;
    }
    head.set(next.value.path.join("."), next.value.value);
  }
  const version = head.get("formatVersion");
  if (version !== 1)
    throw invalid(
      `format version ${JSON.stringify(version)}; only version 1 of dexie-export-import is known`,
    );
  const name = head.get("data.databaseName");
  const databaseVersion = head.get("data.databaseVersion");
  if (typeof name !== "string") throw invalid("a database without a name");
  if (typeof databaseVersion !== "number" || !(databaseVersion > 0))
    throw invalid("a database without a version");
  const tables = tablesOf(head.get("data.tables"));
  const schema = {
    name,
    // Dexie counts tenths of the database's own version.
    version: Math.round(databaseVersion * 10),
    objectStores: [...tables.values()].map((table) => table.schema),
  };
  const counts = new IssueCounts();
  return {
    format: "dexie-export-import",
    schema,
    records: rowsOf(first, parts, tables, (store) => ({
      ...context,
      onUnknownType: () => {
        counts.add("UNKNOWN_TYPES", store);
      },
    })),
    issues: () => issuesOf(tables, counts),
  };
}

function tablesOf(json: unknown): Map<string, Table> {
  if (!Array.isArray(json)) throw invalid("no list of tables");
  const tables = new Map<string, Table>();
  for (const table of json as unknown[]) {
    const { name, schema, rowCount } = (table ?? {}) as Record<string, unknown>;
    if (typeof name !== "string" || typeof schema !== "string" || typeof rowCount !== "number")
      throw invalid("a table without name, schema or number of rows");
    if (tables.has(name)) throw invalid(`the table ${JSON.stringify(name)} twice`);
    tables.set(name, { name, schema: parseDexieSchema(name, schema), rowCount, rows: 0 });
  }
  return tables;
}

async function* rowsOf(
  first: JsonPart | undefined,
  rest: AsyncIterable<JsonPart>,
  tables: ReadonlyMap<string, Table>,
  contextOf: (store: string) => ReviveContext,
): AsyncGenerator<ForeignRecord, void, undefined> {
  let place: unknown;
  let current: { table: Table; inbound: boolean; context: ReviveContext } | undefined;
  let described: Record<string, unknown> = {};
  async function* all(): AsyncGenerator<JsonPart> {
    if (first) yield first;
    yield* rest;
  }
  for await (const { path, value } of all()) {
    if (path[1] !== "data") throw invalid("tables after the rows");
    if (path[2] !== place) {
      place = path[2];
      described = {};
      current = undefined;
    }
    if (path.length === 4) {
      described[String(path[3])] = value;
      continue;
    }
    current ??= startTable(described, tables, contextOf);
    current.table.rows++;
    yield recordOf(current, value);
  }
}

function startTable(
  { tableName, inbound }: Record<string, unknown>,
  tables: ReadonlyMap<string, Table>,
  contextOf: (store: string) => ReviveContext,
): { table: Table; inbound: boolean; context: ReviveContext } {
  const table = typeof tableName === "string" ? tables.get(tableName) : undefined;
  if (!table || typeof inbound !== "boolean") throw invalid("rows of a table that is not listed");
  return { table, inbound, context: contextOf(table.name) };
}

function recordOf(
  { table, inbound, context }: { table: Table; inbound: boolean; context: ReviveContext },
  json: unknown,
): ForeignRecord {
  const row = reviveTypeson(json, context);
  const { name: store, schema } = table;
  if (!inbound) {
    if (!Array.isArray(row) || row.length !== 2) throw invalid("a row without key and value", store);
    const [key, value] = row as [unknown, unknown];
    return { store, key, value };
  }
  if (schema.keyPath === null) throw invalid("rows without keys in a table of out-of-line keys", store);
  return { store, key: valueAt(row, schema.keyPath), value: row };
}

function issuesOf(tables: ReadonlyMap<string, Table>, counts: IssueCounts): ConversionIssue[] {
  const issues: ConversionIssue[] = [];
  for (const { name: store, schema, rowCount, rows } of tables.values()) {
    if (rows !== rowCount)
      issues.push({
        code: "ROWS_MISSING",
        store,
        count: rowCount - rows,
        message: `The file announces ${rowCount} rows and holds ${rows}: it was filtered, or is not whole.`,
      });
    if (schema.autoIncrement)
      issues.push({
        code: "GENERATOR_POSITION_LOST",
        store,
        message:
          "The position of the key generator is not in the file; an import goes on after the highest key that is there.",
      });
    if (schema.indexes.length > 0)
      issues.push({
        code: "INDEX_NAMES_LOST",
        store,
        count: schema.indexes.length,
        message:
          "Names of indexes are not in the file; they are named as Dexie names them, by their key paths.",
      });
  }
  return [
    ...issues,
    ...counts.issues({
      UNKNOWN_TYPES: "Values of a type that is not known here; their data is kept as plain objects.",
    }),
    {
      code: "TYPES_LOST",
      message:
        "The format cannot hold, and has silently changed where there was any: -0, Error, BigInt64Array, BigUint64Array, Boolean objects of false, a buffer that a DataView shares, own __proto__ properties, the flags d, s and v of regular expressions, non-extractable keys.",
    },
  ];
}

function invalid(what: string, store?: string): SnapshotError {
  return new SnapshotError(
    "CONVERT_INVALID",
    `The file has ${what}. It was altered, or not written by dexie-export-import.`,
    {
      store,
    },
  );
}
