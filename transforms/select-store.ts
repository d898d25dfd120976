import { parDo, type PCollection, type PTransform, registerFunctions, withName } from "../beam/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/** What idb's `DBSchema` says of the stores: any type with a `key` and a `value` for each name. */
export type SchemaOfStores = Readonly<Record<string, { readonly key: unknown; readonly value: unknown }>>;

/** The record type of one store of such a schema. */
export type RecordOf<Schema, Name extends keyof Schema> = Schema[Name] extends {
  readonly key: infer K;
  readonly value: infer V;
}
  ? SnapshotRecord<V, K>
  : never;

export class InStore {
  readonly store: string;

  constructor(store: string) {
    this.store = store;
  }

  *process(record: SnapshotRecord): Generator<SnapshotRecord> {
    if (record.store === this.store) yield record;
  }
}

/**
 * The records of one object store, typed by idb's `DBSchema`. Nothing is decoded. To read only that store from the files, give
 * `readFromIndexedDB` the option `stores` as well.
 * @example const notes = records.apply(selectStore<NotesDB, "notes">("notes"));
 */
export function selectStore<Schema, Name extends keyof Schema & string>(
  store: Name,
): PTransform<PCollection<SnapshotRecord>, PCollection<RecordOf<Schema, Name>>> {
  if (typeof store !== "string")
    throw new TypeError('selectStore: give the name of an object store, such as "notes".');
  return withName(
    `selectStore(${store})`,
    (records: PCollection<SnapshotRecord>) =>
      records.apply(parDo(new InStore(store))) as unknown as PCollection<RecordOf<Schema, Name>>,
  );
}

registerFunctions("beam-indexeddb/transforms", { InStore });
