import { parDo, type PCollection, type PTransform, registerFunctions, withName } from "../beam/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/**
 * The same records as records of a database of this name: for devices whose databases are called differently, yet are one.
 * @example records.apply(renameDatabase("notes")).apply(mergeDevices({ by: "updatedAt" }));
 */
export function renameDatabase<R = SnapshotRecord>(
  database: string,
): PTransform<PCollection<R>, PCollection<R>> {
  if (typeof database !== "string") throw new TypeError("renameDatabase: give the name of the database.");
  return withName(`renameDatabase(${database})`, (records: PCollection<R>) => {
    const renamed = (records as PCollection<unknown> as PCollection<SnapshotRecord>).apply(
      parDo(new RenameRecord(database)),
    );
    return renamed as PCollection<unknown> as PCollection<R>;
  });
}

export class RenameRecord {
  readonly database: string;

  constructor(database: string) {
    this.database = database;
  }

  *process(record: SnapshotRecord): Generator<SnapshotRecord> {
    yield record.database === this.database ? record : record.with({ database: this.database });
  }
}

registerFunctions("beam-indexeddb/transforms", { RenameRecord });
