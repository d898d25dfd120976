import type { ColumnRules } from "../record-files/record-format.js";
import { type Column, type ColumnKind, metadataColumns, type TablePlan } from "../table/column.js";
import type { FieldSchema, TableResource } from "./table-resource.js";

/** Start of the names of tables that are no store's. */
const ownPrefix = "beam_indexeddb_";

/** Names and versions of what was deleted for good. */
export const deletionsTable = `${ownPrefix}deletions`;
export const stagingPrefix = `${ownPrefix}stage_`;

/** By this label of a table, which lists show, a run knows which tables to look at. */
export const tableLabel = "beam-indexeddb";

/** In front of the bookkeeping, in the descriptions of tables and columns. */
const mark = "beam-indexeddb: ";
const mostTableDescription = 16_384;
const mostColumnDescription = 1_024;

/**
 * Sources: BigQuery, "Specify a schema" (column names, reserved prefixes), "Data types" (TIMESTAMP). Names have ASCII letters, digits and underscores alone: they need no flexible
 * column names, and no character map when files are loaded.
 */
export const bigqueryColumns: ColumnRules = {
  identifiers: {
    // BigQuery takes 300; with these a statement that names all columns of the widest table fits its limit, and a name stays what it is when the data moves on.
    maxBytes: 63,
    asciiWords: true,
    reserved: [],
    reservedPrefix: [
      ownPrefix,
      "_TABLE_",
      "_FILE_",
      "_PARTITION",
      "_ROW_TIMESTAMP",
      "__ROOT__",
      "_COLIDENTIFIER",
      "_CHANGE_",
    ],
  },
  maxColumns: 2000 - metadataColumns.length,
  limits: {
    // From the year 1 to the end of 9999.
    earliestDate: -62_135_596_800_000,
    latestDate: 253_402_300_799_999,
    nul: false,
  },
};

/** As the API names them. JSON is kept as text: BigQuery's own type refuses numbers that it would round, and what is JSON but no Unicode. */
const typeOfKind: Readonly<Record<ColumnKind, string>> = {
  boolean: "BOOLEAN",
  integer: "INTEGER",
  number: "FLOAT",
  bigint: "INTEGER",
  text: "STRING",
  date: "TIMESTAMP",
  binary: "BYTES",
  json: "STRING",
};

const metadataFields: readonly FieldSchema[] = [
  { name: "_key", type: "BYTES", mode: "REQUIRED" },
  { name: "_key_json", type: "STRING", mode: "REQUIRED" },
  { name: "_device", type: "STRING", mode: "REQUIRED" },
  { name: "_version", type: "BYTES", mode: "REQUIRED" },
  { name: "_deleted", type: "BOOLEAN", mode: "REQUIRED" },
  { name: "_extracted_at", type: "TIMESTAMP", mode: "REQUIRED" },
  { name: "_load_id", type: "STRING", mode: "REQUIRED" },
  { name: "_rest", type: "STRING", mode: "NULLABLE" },
  { name: "_issues", type: "STRING", mode: "NULLABLE" },
];

export const deletionsFields: readonly FieldSchema[] = [
  { name: "table_name", type: "STRING", mode: "REQUIRED" },
  { name: "_key", type: "BYTES", mode: "REQUIRED" },
  { name: "_version", type: "BYTES", mode: "REQUIRED" },
];

/** What a new column is; its description is the bookkeeping. */
export function fieldOf(column: Column): FieldSchema {
  return {
    name: column.name,
    type: typeOfKind[column.kind],
    mode: "NULLABLE",
    description: columnDescription(column),
  };
}

export function fieldsOf({ columns }: TablePlan): FieldSchema[] {
  return [...metadataFields, ...columns.map(fieldOf)];
}

export function tableDescription({ database, store }: Pick<TablePlan, "database" | "store">): string {
  return mark + JSON.stringify({ database, store });
}

function columnDescription({ field, variant, kind }: Omit<Column, "name">): string {
  return (
    mark +
    JSON.stringify({ ...(field === undefined ? {} : { field }), ...(variant ? { variant } : {}), kind })
  );
}

/** Whether the bookkeeping has room for a property; one that it has none for gets no column. */
export function hasRoomFor(field: string): boolean {
  return columnDescription({ field, variant: true, kind: "boolean" }).length <= mostColumnDescription;
}

/** Whether the bookkeeping has room for the names of a store and its database. */
export function hasRoomForStore(database: string, store: string): boolean {
  return tableDescription({ database, store }).length <= mostTableDescription;
}

/** The plan that the bookkeeping of a table tells of; undefined for a table of another's making. */
export function planOf({ tableReference, description, schema }: TableResource): TablePlan | undefined {
  const table = noteIn(description);
  if (typeof table?.database !== "string" || typeof table.store !== "string") return undefined;
  const columns: Column[] = [];
  for (const { name, type, description: note } of schema?.fields ?? []) {
    const column = noteIn(note);
    if (typeof column?.kind !== "string" || !Object.hasOwn(typeOfKind, column.kind)) continue;
    // A column that was widened keeps its description.
    const isWidened = column.kind === "integer" && type.startsWith("FLOAT");
    columns.push({
      name,
      field: typeof column.field === "string" ? column.field : undefined,
      variant: column.variant === true,
      kind: isWidened ? "number" : (column.kind as ColumnKind),
    });
  }
  return {
    database: table.database,
    store: table.store,
    table: tableReference.tableId,
    columns,
    children: [],
  };
}

function noteIn(description: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (description?.startsWith(mark) !== true) return undefined;
  try {
    const note: unknown = JSON.parse(description.slice(mark.length));
    return typeof note === "object" && note !== null ? (note as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
