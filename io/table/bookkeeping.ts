import type { Column, ColumnKind, TablePlan } from "./column.js";

/**
 * What an engine keeps beside the tables: which store a table belongs to, which property's lists a child table, which property a column; and the
 * versions of what was deleted for good. Names of stores and properties are JSON texts in there, since they may be anything.
 */
export const bookkeeping = {
  tables: "_beam_indexeddb_tables",
  children: "_beam_indexeddb_children",
  columns: "_beam_indexeddb_columns",
  deletions: "_beam_indexeddb_deletions",
} as const;

export interface KnownTable {
  readonly database: string;
  readonly store: string;
  readonly table: string;
}

export interface KnownChild {
  readonly parent: string;
  readonly property: string;
  readonly table: string;
}

export interface KnownColumn {
  readonly table: string;
  readonly column: string;
  readonly field: string | null;
  readonly variant: boolean;
  readonly kind: string;
}

/** The plans that the bookkeeping tells of. Columns have to come in their order. */
export function knownPlans(
  tables: readonly KnownTable[],
  children: readonly KnownChild[],
  columns: readonly KnownColumn[],
): TablePlan[] {
  const columnsOf = (table: string): Column[] =>
    columns
      .filter((column) => column.table === table)
      .map(({ column, field, variant, kind }) => ({
        name: column,
        field: field === null ? undefined : parseName(field),
        variant,
        kind: kind as ColumnKind,
      }));
  return tables.map(({ database, store, table }) => ({
    database: parseName(database),
    store: parseName(store),
    table,
    columns: columnsOf(table),
    children: children
      .filter(({ parent }) => parent === table)
      .map((child) => ({
        property: parseName(child.property),
        table: child.table,
        columns: columnsOf(child.table),
      })),
  }));
}

function parseName(text: string): string {
  return JSON.parse(text) as string;
}

/** A column's row in the bookkeeping. */
export function columnEntry({ name, field, variant, kind }: Column, table: string): KnownColumn {
  return { table, column: name, field: field === undefined ? null : JSON.stringify(field), variant, kind };
}

/** A table to make, or to add columns to: a store's, or one of its lists'. */
export interface PlannedTable {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Of a child table. */
  readonly parent?: { readonly table: string; readonly property: string };
}

/** The tables of a plan, a parent before its children. */
export function plannedTables({ table, columns, children }: TablePlan): PlannedTable[] {
  return [
    { table, columns },
    ...children.map((child) => ({
      table: child.table,
      columns: child.columns,
      parent: { table, property: child.property },
    })),
  ];
}
