import type { SnapshotRecord } from "../../snapshot/index.js";
import { type ColumnKind, columnKinds } from "./column.js";
import { type ValueLimits, isPlainObject, kindOfValue } from "./value-kind.js";

/**
 * What kinds of values each property of a store's records has, counted. Counts can be taken over any parts of the records, in any order,
 * and merged: the outcome is that of all records. Memory is bounded by `maxFields`, whatever the records look like.
 */
export interface StoreStatistics {
  readonly database: string;
  readonly store: string;
  records: number;
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

export function storeId(database: string, store: string): string {
  return JSON.stringify([database, store]);
}

export function observeRecord(
  statistics: DatasetStatistics,
  record: SnapshotRecord,
  limits: ValueLimits = {},
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
    const kind = kindOfValue(value[field], limits);
    if (kind !== undefined) count(fieldCounts(counts.fields, field), kind);
  }
  if (counts.fields.size > 2 * maxFields) dropLastFields(counts.fields);
}

/** Adds the second to the first. */
export function mergeStatistics(into: DatasetStatistics, from: DatasetStatistics): void {
  for (const part of from.values()) {
    const counts = statisticsOf(into, part.database, part.store);
    counts.records += part.records;
    addCounts(counts.whole, part.whole);
    for (const [field, kinds] of part.fields) addCounts(fieldCounts(counts.fields, field), kinds);
    if (counts.fields.size > 2 * maxFields) dropLastFields(counts.fields);
  }
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
export function countedFields(statistics: StoreStatistics): string[] {
  return [...statistics.fields.keys()].sort().slice(0, maxFields);
}

function statisticsOf(all: DatasetStatistics, database: string, store: string): StoreStatistics {
  const id = storeId(database, store);
  let found = all.get(id);
  if (!found) {
    found = { database, store, records: 0, fields: new Map(), whole: noCounts() };
    all.set(id, found);
  }
  return found;
}

function fieldCounts(fields: Map<string, KindCounts>, field: string): KindCounts {
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

function dropLastFields(fields: Map<string, KindCounts>): void {
  for (const field of [...fields.keys()].sort().slice(maxFields)) fields.delete(field);
}
