import type { SnapshotRecord } from "../../snapshot/index.js";
import { type ColumnKind, columnKinds } from "./column.js";
import { type ValueLimits, isList, isPlainObject, kindOfValue } from "./value-kind.js";

/**
 * What kinds of values each property of a store's records has, counted. Counts can be taken over any parts of the records, in any order,
 * and merged: the outcome is that of all records. Memory is bounded by `maxFields`, whatever the records look like.
 */
export interface StoreStatistics extends ColumnCounts {
  readonly database: string;
  readonly store: string;
  records: number;
  /** Counts of the items of lists, by property; empty unless lists become tables. */
  readonly children: Map<string, ColumnCounts>;
}

/** What the columns of a table depend on. */
export interface ColumnCounts {
  /** How many values of each kind, in the order of `columnKinds`. Null and undefined count for nothing: every column holds them. */
  readonly fields: Map<string, KindCounts>;
  /** The same for values that are no plain objects. */
  readonly whole: KindCounts;
}

export type KindCounts = number[];

/** The statistics of several stores, by database and store. */
export type DatasetStatistics = Map<string, StoreStatistics>;

/**
 * Properties beyond these many per store, in the order of their names, are not counted and get no column: their values go to `_rest`. A store
 * whose records are dictionaries has no columns to speak of, and no engine has room for them. The first names of all records are among
 * the first names of every part, so the counts of those that stay are exact however the records were divided.
 */
export const maxFields = 1000;

/** The same for properties whose lists become tables: those beyond stay JSON. */
export const maxChildTables = 50;

export interface CountOptions {
  readonly limits?: ValueLimits | undefined;
  /** Whether the items of lists are counted as rows of tables of their own. Default false: a list is a value. */
  readonly lists?: boolean | undefined;
}

export function storeId(database: string, store: string): string {
  return JSON.stringify([database, store]);
}

export function observeRecord(
  statistics: DatasetStatistics,
  record: SnapshotRecord,
  { limits = {}, lists = false }: CountOptions = {},
): void {
  const counts = statisticsOf(statistics, record.database, record.store);
  counts.records++;
  if (record.deleted) return;
  const { value } = record;
  if (!isPlainObject(value)) {
    count(counts.whole, kindOfValue(value, limits) ?? "json");
    return;
  }
  for (const field of Object.keys(value)) {
    const item = value[field];
    if (lists && isList(item)) observeItems(counts.children, field, item, limits);
    else observeField(counts, field, item, limits);
  }
}

function observeField(counts: ColumnCounts, field: string, value: unknown, limits: ValueLimits): void {
  const kind = kindOfValue(value, limits);
  if (kind === undefined) return;
  count(kindCounts(counts.fields, field), kind);
  dropLast(counts.fields, maxFields);
}

function observeItems(
  children: StoreStatistics["children"],
  field: string,
  items: readonly unknown[],
  limits: ValueLimits,
): void {
  const counts = childCounts(children, field);
  for (const item of items) {
    if (isPlainObject(item)) {
      for (const name of Object.keys(item)) observeField(counts, name, item[name], limits);
    } else {
      count(counts.whole, kindOfValue(item, limits) ?? "json");
    }
  }
  dropLast(children, maxChildTables);
}

/** Counts a store whose columns are given: its values need not be looked at. */
export function observeStore(statistics: DatasetStatistics, database: string, store: string): void {
  statisticsOf(statistics, database, store);
}

/** Adds the second to the first. */
export function mergeStatistics(into: DatasetStatistics, from: DatasetStatistics): void {
  for (const part of from.values()) {
    const counts = statisticsOf(into, part.database, part.store);
    counts.records += part.records;
    mergeColumns(counts, part);
    for (const [field, items] of part.children) mergeColumns(childCounts(counts.children, field), items);
    dropLast(counts.children, maxChildTables);
  }
}

function mergeColumns(into: ColumnCounts, from: ColumnCounts): void {
  addCounts(into.whole, from.whole);
  for (const [field, kinds] of from.fields) addCounts(kindCounts(into.fields, field), kinds);
  dropLast(into.fields, maxFields);
}

/** The kinds that were seen, the most frequent first; of equally frequent ones the one that comes first in `columnKinds`. */
export function kindsByCount(counts: KindCounts): ColumnKind[] {
  return columnKinds
    .map((kind, i) => ({ kind, count: counts[i]! }))
    .filter((seen) => seen.count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ kind }) => kind);
}

/** Properties that get columns, in the order of their names. */
export function countedFields({ fields }: ColumnCounts): string[] {
  return [...fields.keys()].sort().slice(0, maxFields);
}

/** Properties that get child tables, in the order of their names. */
export function countedLists({ children }: StoreStatistics): string[] {
  return [...children.keys()].sort().slice(0, maxChildTables);
}

/** Statistics of a store of which nothing is known. */
export function noStatistics(database: string, store: string): StoreStatistics {
  return { database, store, records: 0, children: new Map(), ...noColumns() };
}

function noColumns(): ColumnCounts {
  return { fields: new Map(), whole: noCounts() };
}

function statisticsOf(all: DatasetStatistics, database: string, store: string): StoreStatistics {
  const id = storeId(database, store);
  let found = all.get(id);
  if (!found) {
    found = noStatistics(database, store);
    all.set(id, found);
  }
  return found;
}

function childCounts(children: StoreStatistics["children"], field: string): ColumnCounts {
  let counts = children.get(field);
  if (!counts) children.set(field, (counts = noColumns()));
  return counts;
}

function kindCounts(fields: Map<string, KindCounts>, field: string): KindCounts {
  let counts = fields.get(field);
  if (!counts) fields.set(field, (counts = noCounts()));
  return counts;
}

function noCounts(): KindCounts {
  return columnKinds.map(() => 0);
}

function count(counts: KindCounts, kind: ColumnKind): void {
  counts[columnKinds.indexOf(kind)]!++;
}

function addCounts(into: KindCounts, from: KindCounts): void {
  from.forEach((number, i) => (into[i]! += number));
}

/** Now and then: sorting costs more than the few that are too many. */
function dropLast(fields: Map<string, unknown>, most: number): void {
  if (fields.size <= 2 * most) return;
  for (const field of [...fields.keys()].sort().slice(most)) fields.delete(field);
}
