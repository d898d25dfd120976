import {
  type ChildPlan,
  type Column,
  type ColumnKind,
  type TablePlan,
  childMetadataColumns,
  holdsKind,
  metadataColumns,
} from "./column.js";
import { type IdentifierRules, assignIdentifiers } from "./identifier.js";
import {
  type ColumnCounts,
  type DatasetStatistics,
  type KindCounts,
  type StoreStatistics,
  countedFields,
  countedLists,
  kindsByCount,
  maxChildTables,
  storeId,
} from "./store-statistics.js";
import type { TableWishes } from "./table-engine.js";

/** Columns that the caller prescribes for a store: property -> kind. What they do not hold goes to `_rest`. */
export type GivenColumns = Readonly<Record<string, ColumnKind>>;

export interface PlanOptions extends TableWishes {
  readonly identifiers: IdentifierRules;
  /** The most columns that the engine takes in a table, metadata columns not counted. Further properties go to `_rest`. */
  readonly maxColumns: number;
}

/**
 * Tables for all stores that were seen, given those that exist. A column that exists stays as it is (an `integer` column may widen to
 * `number`), new properties get new columns, and properties that are gone keep theirs. The plan depends on the counts, not on the order in which records came.
 */
export function planTables(
  statistics: DatasetStatistics,
  existing: readonly TablePlan[],
  options: PlanOptions,
): TablePlan[] {
  const known = new Map(existing.map((plan) => [storeId(plan.database, plan.store), plan]));
  const stores = [...statistics.values()].sort((a, b) =>
    storeId(a.database, a.store) < storeId(b.database, b.store) ? -1 : 1,
  );
  const taken = new Set(existing.flatMap(tablesOf));
  const names = nameTables(stores, existing, taken, options);
  return stores.map((store) => {
    const id = storeId(store.database, store.store);
    const plan: TablePlan = known.get(id) ?? {
      database: store.database,
      store: store.store,
      table: names.get(id)!,
      columns: [],
      children: [],
    };
    const given =
      options.columns && Object.hasOwn(options.columns, store.store)
        ? options.columns[store.store]!
        : undefined;
    return {
      ...plan,
      columns: planColumns(store, plan.columns, metadataColumns, options, given),
      children: planChildren(store, plan, taken, options),
    };
  });
}

function tablesOf({ table, children }: TablePlan): string[] {
  return [table, ...children.map((child) => child.table)];
}

/** A child table that exists stays in use, also for a property whose lists have become rare. */
function planChildren(
  store: StoreStatistics,
  plan: TablePlan,
  taken: Set<string>,
  options: PlanOptions,
): ChildPlan[] {
  const known = new Set(plan.children.map(({ property }) => property));
  const fresh = countedLists(store)
    .filter((property) => !known.has(property))
    .slice(0, Math.max(0, maxChildTables - known.size));
  const wish = (property: string): string => `${plan.table}__${property}`;
  const names = assignIdentifiers(fresh.map(wish), options.identifiers, taken);
  for (const name of names.values()) taken.add(name);
  const children: readonly ChildPlan[] = [
    ...plan.children,
    ...fresh.map((property) => ({ property, table: names.get(wish(property))!, columns: [] })),
  ];
  return children.map((child) => {
    const counts = store.children.get(child.property);
    return counts
      ? { ...child, columns: planColumns(counts, child.columns, childMetadataColumns, options) }
      : child;
  });
}

function nameTables(
  stores: readonly StoreStatistics[],
  existing: readonly TablePlan[],
  taken: Set<string>,
  options: PlanOptions,
): Map<string, string> {
  const exists = new Set(existing.map((plan) => storeId(plan.database, plan.store)));
  const names = new Map<string, string>();
  for (const { database, store } of stores) {
    const id = storeId(database, store);
    if (exists.has(id)) continue;
    const wish = options.tables && Object.hasOwn(options.tables, store) ? options.tables[store]! : store;
    // A second database with a store of this name: the table says whose it is.
    const shared = [...taken].some((table) => table.toLowerCase() === wish.toLowerCase());
    const name = shared ? `${database}__${wish}` : wish;
    const table = assignIdentifiers([name], options.identifiers, taken).get(name)!;
    taken.add(table);
    names.set(id, table);
  }
  return names;
}

interface WantedColumn {
  readonly field: string | undefined;
  readonly kind: ColumnKind;
  readonly variant: boolean;
}

function planColumns(
  counts: ColumnCounts,
  existing: readonly Column[],
  metadata: readonly string[],
  options: PlanOptions,
  given?: GivenColumns,
): Column[] {
  const widened = existing.map((column) => widen(column, countsOf(counts, column.field), given));
  const wanted: WantedColumn[] = given
    ? Object.entries(given).map(([field, kind]) => ({ field, kind, variant: false }))
    : [undefined, ...countedFields(counts)].flatMap((field) =>
        wantedColumns(field, countsOf(counts, field), mainColumn(widened, field)?.kind),
      );
  const missing = wanted
    .filter(
      ({ field, variant }) => !widened.some((column) => column.field === field && column.variant === variant),
    )
    .slice(0, Math.max(0, options.maxColumns - widened.length));
  const identifiers = nameColumns(missing, widened, metadata, options.identifiers);
  return [...widened, ...missing.map((column, i) => ({ ...column, name: identifiers[i]! }))];
}

function mainColumn(columns: readonly Column[], field: string | undefined): Column | undefined {
  return columns.find((column) => column.field === field && !column.variant);
}

function countsOf({ whole, fields }: ColumnCounts, field: string | undefined): KindCounts {
  return field === undefined ? whole : (fields.get(field) ?? []);
}

function widen(column: Column, counts: KindCounts, given: GivenColumns | undefined): Column {
  const asked =
    given && column.field !== undefined && Object.hasOwn(given, column.field)
      ? given[column.field]
      : undefined;
  const fractions = asked === "number" || (given === undefined && kindsByCount(counts).includes("number"));
  return column.kind === "integer" && !column.variant && fractions ? { ...column, kind: "number" } : column;
}

/** The main column is of the kind that most values have; a variant column takes those that it cannot hold. */
function wantedColumns(
  field: string | undefined,
  counts: KindCounts,
  existing: ColumnKind | undefined,
): WantedColumn[] {
  const kinds = kindsByCount(counts);
  if (kinds.length === 0) return [];
  const numeric = kinds.filter((kind) => kind === "integer" || kind === "number");
  const most = kinds[0]!;
  const main = existing ?? (most === "integer" && numeric.length === 2 ? "number" : most);
  const columns: WantedColumn[] = [{ field, kind: main, variant: false }];
  if (!kinds.every((kind) => holdsKind(main, kind))) columns.push({ field, kind: "json", variant: true });
  return columns;
}

function nameColumns(
  missing: readonly WantedColumn[],
  existing: readonly Column[],
  metadata: readonly string[],
  rules: IdentifierRules,
): string[] {
  const reserved = [...rules.reserved, ...metadata];
  const taken = existing.map(({ name }) => name);
  const names = new Map<WantedColumn, string>();
  // Properties first: a property that is called like another's variant column keeps its name.
  for (const variant of [false, true]) {
    const wish = ({ field }: WantedColumn): string => (field ?? "_value") + (variant ? "__v_json" : "");
    const group = missing.filter((column) => column.variant === variant);
    // The column of whole values may meet a property of the same name, so it is named after them.
    for (const whole of [false, true]) {
      const columns = group.filter(({ field }) => (field === undefined) === whole);
      const identifiers = assignIdentifiers(columns.map(wish), { ...rules, reserved }, [
        ...taken,
        ...names.values(),
      ]);
      for (const column of columns) names.set(column, identifiers.get(wish(column))!);
    }
  }
  return missing.map((column) => names.get(column)!);
}
