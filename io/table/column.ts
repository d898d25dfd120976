/**
 * How an object store becomes a table, in words that every engine understands. An engine (`io/sqlite`, ...) decides how a kind is
 * declared and bound; which column a value goes to is decided here, once for all of them.
 */

/**
 * What a column holds exactly:
 * - `boolean`
 * - `integer`: numbers that are safe integers
 * - `number`: every other number but NaN; takes integers too
 * - `bigint`: BigInts that fit 64 signed bits
 * - `text`: strings without lone surrogates
 * - `date`: valid Dates
 * - `binary`: the bytes that an ArrayBuffer or a view shows
 * - `json`: everything, as tagged JSON (see `toTaggedJson`)
 */
export const columnKinds = [
  "boolean",
  "integer",
  "number",
  "bigint",
  "text",
  "date",
  "binary",
  "json",
] as const;

export type ColumnKind = (typeof columnKinds)[number];

export interface Column {
  readonly name: string;
  /** The property of the value that the column holds; undefined for the column of values that are no plain objects. */
  readonly field: string | undefined;
  /** A variant column holds, as tagged JSON, those values of the field that its main column cannot. */
  readonly variant: boolean;
  readonly kind: ColumnKind;
}

/** An object store's table. Columns are in the order of the table; the metadata columns (`metadataColumns`) are not listed. */
export interface TablePlan {
  readonly database: string;
  readonly store: string;
  readonly table: string;
  readonly columns: readonly Column[];
  readonly children: readonly ChildPlan[];
}

/** The table of a property's lists: a row an item. The metadata columns (`childMetadataColumns`) are not listed. */
export interface ChildPlan {
  readonly property: string;
  readonly table: string;
  /** Of the items' properties; items that are no plain objects have the column without a field. */
  readonly columns: readonly Column[];
}

/**
 * Columns that every table has, in this order:
 * - `_key`: the key's order-preserving bytes (`decodeKey` reads them); the primary key
 * - `_key_json`: the same key as tagged JSON, for people and for joins
 * - `_device`: the device the record came from
 * - `_version`: bytes that compare as the versions of a record do; a row is only replaced by a greater one
 * - `_deleted`: whether the record was deleted; a deleted row has no values
 * - `_extracted_at`: when the snapshot was taken
 * - `_load_id`: the run that wrote the row
 * - `_rest`: a JSON object of the properties that have no column, or null
 * - `_issues`: a JSON array of what a column could not say about its value, or null
 */
export const metadataColumns = [
  "_key",
  "_key_json",
  "_device",
  "_version",
  "_deleted",
  "_extracted_at",
  "_load_id",
  "_rest",
  "_issues",
] as const;

export type MetadataColumn = (typeof metadataColumns)[number];

/**
 * Columns that every child table has, in this order; the first two are its primary key:
 * - `_parent_key`: the `_key` of the row that the list belongs to
 * - `_list_index`: the item's place, from 0
 * - `_version`: that of the row
 * - `_rest`, `_issues`: as in the table itself, for the item
 */
export const childMetadataColumns = ["_parent_key", "_list_index", "_version", "_rest", "_issues"] as const;

/** Whether a column of the first kind holds values of the second exactly. */
export function holdsKind(column: ColumnKind, value: ColumnKind): boolean {
  return column === value || column === "json" || (column === "number" && value === "integer");
}
