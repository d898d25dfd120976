import type { FrameReader } from "../snapshot/frame-reader.js";
import type { ObjectStoreSchema } from "../snapshot/index.js";
import type { ImportOptions } from "./import-options.js";
import { keyRangeOf } from "./record-selection.js";
import { type ImportRecord, createReviver } from "./revive-record.js";
import type { StoreBatch } from "./write-records.js";

/** Raw bytes of values that one transaction stores, about. */
const batchBytes = 2 << 20;
const batchRecords = 5000;

export interface ImportBatch {
  readonly batches: readonly StoreBatch[];
  readonly bytes: number;
  readonly records: number;
  /** No other follows. */
  readonly isLast: boolean;
}

/** What was left out on the way, per object store. */
export interface LeftOutCounts {
  filtered: number;
  unportable: number;
}

/** The chosen records of a file in pieces that fit a transaction each; a small file is one piece, over all its stores. */
export async function* importBatches(
  reader: FrameReader,
  stores: readonly ObjectStoreSchema[],
  options: ImportOptions,
  isEmpty: (store: string) => boolean,
  onLeftOut: (store: string, why: keyof LeftOutCounts) => void,
  signal: AbortSignal,
): AsyncGenerator<ImportBatch, void> {
  const revive = createReviver(reader, options);
  let batches: StoreBatch[] = [];
  let bytes = 0;
  let records = 0;
  const take = (isLast: boolean): ImportBatch => {
    const batch = { batches: batches.filter((part) => part.records.length > 0), bytes, records, isLast };
    batches = [];
    bytes = records = 0;
    return batch;
  };
  for (const store of stores) {
    const into = (): ImportRecord[] => {
      const list: ImportRecord[] = [];
      batches.push({ store: store.name, records: list, wasEmpty: isEmpty(store.name) });
      return list;
    };
    let list = into();
    const keyRange = keyRangeOf(options, store.name);
    const blocks = reader.recordBatches({ stores: [store.name], ...(keyRange && { keyRange }) });
    for await (const block of blocks) {
      for (const record of block) {
        signal.throwIfAborted();
        if (bytes >= batchBytes || records >= batchRecords) {
          yield take(false);
          list = into();
        }
        const result = revive(record, store);
        const revived = result instanceof Promise ? await result : result;
        records++;
        bytes += record.keyBytes.length + (record.valueBytes?.length ?? 0);
        if (typeof revived === "string") onLeftOut(store.name, revived);
        else list.push(revived);
      }
    }
  }
  yield take(true);
}
