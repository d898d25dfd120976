import { parDo, type PCollection, type PTransform, registerFunctions, withName } from "../beam/index.js";
import type { RecordOf, SnapshotRecord, StoreNamesOf } from "../snapshot/index.js";

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
export function selectStore<Schema, Name extends StoreNamesOf<Schema> & string>(
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
