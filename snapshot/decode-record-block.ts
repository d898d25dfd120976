import { ByteReader } from "./byte-reader.js";
import { decodeOrigin, type Origin } from "./origin.js";
import { SnapshotRecord } from "./record.js";

/** What all records of a block have in common. */
export interface BlockContext {
  readonly database: string;
  readonly store: string;
  /** The snapshot's own origin, for records that name none. */
  readonly origin: Origin;
  readonly source?: string | undefined;
}

/** The records of a block's raw payload; their keys and values are views of it. `count` is what the frame's header announces. */
export function decodeRecordBlock(
  payload: Uint8Array,
  count: number,
  context: BlockContext,
): SnapshotRecord[] {
  const reader = new ByteReader(payload);
  const origins = [context.origin];
  for (let n = reader.count(); n > 0; n--) origins.push(decodeOrigin(reader.take(reader.count())));
  const { database, store, source } = context;
  const records: SnapshotRecord[] = [];
  while (reader.left > 0) {
    // At once, and not at the end: a few bytes inflate to millions of the smallest records.
    if (records.length === count) throw reader.malformed(`more records than the ${count} announced`);
    const meta = reader.varint();
    const deleted = meta % 2 === 1;
    const origin = origins[Math.floor(meta / 4)];
    if (!origin) throw reader.malformed("a record of an origin that is not declared");
    const negativeZeros =
      (meta & 2) === 0 ? undefined : Array.from({ length: reader.count() }, () => reader.varint());
    const keyBytes = reader.take(reader.count());
    const valueBytes = deleted ? undefined : reader.take(reader.count());
    records.push(
      SnapshotRecord.fromBytes({
        database,
        store,
        source,
        origin,
        keyBytes,
        valueBytes,
        deleted,
        negativeZeros,
      }),
    );
  }
  if (records.length !== count)
    throw reader.malformed(`${records.length} records where ${count} are announced`);
  return records;
}
