import { bookkeeping } from "../table/bookkeeping.js";
import {
  type ChildPlan,
  type Column,
  type ColumnKind,
  type TablePlan,
  childMetadataColumns,
  metadataColumns,
} from "../table/column.js";
import { quoteIdentifier } from "../table/identifier.js";
import type { RowsWritten, WriteMode } from "../table/table-engine.js";
import { type Cell, type RowValues, type TableRow, issuesJson } from "../table/table-row.js";
import {
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
  textParameter,
} from "./sqlite-driver.js";

/** Writes rows of one table. A row only takes the place of an older version, so that rows may come again, late, and in any order. */
export class SqliteRowWriter {
  private readonly database: SqliteDatabase;
  private readonly plan: TablePlan;
  private readonly loadId: string;
  private readonly hardDelete: boolean;
  private readonly upsert: SqliteStatement;
  private readonly remove: SqliteStatement;
  private readonly remember: SqliteStatement;
  private readonly children: readonly ChildWriter[];

  constructor(database: SqliteDatabase, plan: TablePlan, mode: WriteMode) {
    this.database = database;
    this.plan = plan;
    this.loadId = mode.loadId;
    this.hardDelete = mode.hardDelete;
    this.upsert = database.prepare(upsertSql(plan));
    this.remove = database.prepare(
      `DELETE FROM ${quoteIdentifier(plan.table)} WHERE _key = ? AND _version < ?`,
    );
    this.children = plan.children.map((child) => new ChildWriter(database, child));
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
      if (changes > 0)
        this.children.forEach((child, i) => {
          child.replace(row, row.children[i]!);
        });
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

/** The rows of a list, which are replaced as a whole when the row of its record is. */
class ChildWriter {
  private readonly columns: readonly Column[];
  private readonly clear: SqliteStatement;
  private readonly insert: SqliteStatement;

  constructor(database: SqliteDatabase, { table, columns }: ChildPlan) {
    this.columns = columns;
    this.clear = database.prepare(`DELETE FROM ${quoteIdentifier(table)} WHERE _parent_key = ?`);
    const { names, values } = namesAndValues(childMetadataColumns, columns);
    this.insert = database.prepare(`INSERT INTO ${quoteIdentifier(table)} (${names}) VALUES (${values})`);
  }

  replace({ key, version }: TableRow, items: readonly RowValues[]): void {
    this.clear.run([key]);
    for (const [index, item] of items.entries())
      this.insert.run([
        key,
        index,
        version,
        item.rest,
        issuesJson(item),
        ...item.cells.map((cell, i) => bind(cell, this.columns[i]!.kind)),
      ]);
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

const deletionsTable = bookkeeping.deletions;

const textColumns: ReadonlySet<string> = new Set(["_key_json", "_device", "_load_id", "_rest", "_issues"]);

function namesAndValues(
  metadata: readonly string[],
  columns: readonly Column[],
): { readonly names: string; readonly values: string } {
  const values = [
    ...metadata.map((name) => (textColumns.has(name) ? textParameter : "?")),
    ...columns.map(({ kind }) => (kind === "text" || kind === "json" ? textParameter : "?")),
  ];
  const names = [...metadata, ...columns.map(({ name }) => name)].map(quoteIdentifier);
  return { names: names.join(", "), values: values.join(", ") };
}

function upsertSql({ table: name, columns }: TablePlan): string {
  const table = quoteIdentifier(name);
  const { names, values } = namesAndValues(metadataColumns, columns);
  const updates = [...metadataColumns.slice(1), ...columns.map((column) => column.name)]
    .map(quoteIdentifier)
    .map((column) => `${column} = excluded.${column}`);
  return [
    `INSERT INTO ${table} (${names}) SELECT ${values}`,
    `WHERE NOT EXISTS (SELECT 1 FROM ${deletionsTable} WHERE "table" = ? AND _key = ? AND _version >= ?)`,
    `ON CONFLICT (_key) DO UPDATE SET ${updates.join(", ")} WHERE ${table}._version < excluded._version`,
  ].join(" ");
}
