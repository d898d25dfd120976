import type { ColumnKind, TablePlan } from "../table/column.js";
import { metadataColumns } from "../table/column.js";
import { quoteIdentifier } from "../table/identifier.js";
import type { RowsWritten, WriteMode } from "../table/table-engine.js";
import { type Cell, type TableRow, issuesJson } from "../table/table-row.js";
import {
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
  textParameter,
} from "./sqlite-driver.js";
import { deletionsTable } from "./sqlite-tables.js";

/** Writes rows of one table. A row only takes the place of an older version, so that rows may come again, late, and in any order. */
export class SqliteRowWriter {
  private readonly database: SqliteDatabase;
  private readonly plan: TablePlan;
  private readonly loadId: string;
  private readonly hardDelete: boolean;
  private readonly upsert: SqliteStatement;
  private readonly remove: SqliteStatement;
  private readonly remember: SqliteStatement;

  constructor(database: SqliteDatabase, plan: TablePlan, mode: WriteMode) {
    this.database = database;
    this.plan = plan;
    this.loadId = mode.loadId;
    this.hardDelete = mode.hardDelete;
    this.upsert = database.prepare(upsertSql(plan));
    this.remove = database.prepare(
      `DELETE FROM ${quoteIdentifier(plan.table)} WHERE _key = ? AND _version < ?`,
    );
    this.remember = database.prepare(
      `INSERT INTO ${deletionsTable} VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET _version = excluded._version WHERE ${deletionsTable}._version < excluded._version`,
    );
  }

  /** One row for each key. Call inside a transaction: the caller decides what belongs together. */
  write(rows: readonly TableRow[]): RowsWritten {
    const counts = { upserted: 0, deleted: 0, unchanged: 0 };
    for (const row of rows) {
      const changes =
        row.deleted && this.hardDelete ? this.deleteRow(row) : this.upsert.run(this.parameters(row));
      counts[changes === 0 ? "unchanged" : row.deleted ? "deleted" : "upserted"]++;
    }
    return counts;
  }

  /** The version of a row that is gone is kept, or a late redelivery would bring the row back. */
  private deleteRow(row: TableRow): number {
    this.remember.run([this.plan.table, row.key, row.version]);
    return this.remove.run([row.key, row.version]);
  }

  private parameters(row: TableRow): SqliteValue[] {
    const { columns, table } = this.plan;
    return [
      row.key,
      row.keyJson,
      row.device,
      row.version,
      row.deleted ? 1 : 0,
      row.extractedAt.toISOString(),
      this.loadId,
      row.rest,
      issuesJson(row),
      ...row.cells.map((cell, i) => bind(cell, columns[i]!.kind)),
      table,
      row.key,
      row.version,
    ];
  }
}

/** Dates are ISO 8601 text with milliseconds in UTC: SQLite's date functions read it, and within the years 0 to 9999 it sorts by time. */
function bind(cell: Cell, kind: ColumnKind): SqliteValue {
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell === "boolean") return cell ? 1 : 0;
  // A driver that binds every number as a REAL would do so in columns without a type, too; bigints are integers in both.
  if (typeof cell === "number" && kind === "integer") return BigInt(cell);
  return cell;
}

const textColumns: ReadonlySet<string> = new Set(["_key_json", "_device", "_load_id", "_rest", "_issues"]);

function upsertSql(plan: TablePlan): string {
  const table = quoteIdentifier(plan.table);
  const names = [...metadataColumns, ...plan.columns.map(({ name }) => name)];
  const kinds = new Map(plan.columns.map(({ name, kind }) => [name, kind]));
  const values = names.map((name) => {
    const kind = kinds.get(name);
    return textColumns.has(name) || kind === "text" || kind === "json" ? textParameter : "?";
  });
  const quoted = names.map(quoteIdentifier);
  const updates = quoted.slice(1).map((name) => `${name} = excluded.${name}`);
  return [
    `INSERT INTO ${table} (${quoted.join(", ")}) SELECT ${values.join(", ")}`,
    `WHERE NOT EXISTS (SELECT 1 FROM ${deletionsTable} WHERE "table" = ? AND _key = ? AND _version >= ?)`,
    `ON CONFLICT (_key) DO UPDATE SET ${updates.join(", ")} WHERE ${table}._version < excluded._version`,
  ].join(" ");
}
