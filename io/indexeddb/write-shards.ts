import {
  type AsyncDoFn,
  type Counter,
  type CounterFamily,
  registerFunctions,
  type SideInputParam,
  type Tagged,
} from "../../beam/index.js";
import {
  compareKeyBytes,
  type DatabaseSchema,
  decodeSchema,
  objectStoreOf,
  SnapshotError,
  type SnapshotHeader,
  type SnapshotRecord,
  type SnapshotSummary,
  SnapshotWriter,
  unionSchemas,
  valueAttachments,
} from "../../snapshot/index.js";
import { type ErrorTreatment, type FailedRecord, failedRecord } from "../failed-record.js";
import { fileSystemOf } from "../file/file-system.js";
import { joinPath } from "../file/join-path.js";
import { nodePlatform } from "../node-platform.js";
import { mergeRuns } from "./merge-runs.js";
import { compareIdentity } from "./record-order.js";
import type { ShardTask } from "./plan-shards.js";
import { withSnapshotAt } from "./snapshot-pool.js";

/** A shard that is complete but not yet published. */
export interface FinishedShard {
  readonly destination: string;
  readonly shard: number;
  readonly count: number;
  readonly tempPath: string;
  readonly database: string;
  readonly summary: SnapshotSummary;
}

export interface WriteOutputs {
  readonly shards: FinishedShard;
  readonly failedRecords: FailedRecord;
}

export interface WriteContext {
  /** Schemas as `encodeSchema` writes them. */
  readonly schemas: SideInputParam<Uint8Array, Iterable<Uint8Array>, readonly Uint8Array[]>;
  readonly records: CounterFamily;
  readonly bytes: Counter;
  readonly failures: Counter;
}

export interface ShardSettings {
  readonly tempFolder: string;
  readonly onError: ErrorTreatment;
  readonly compression: "deflate" | "none";
  readonly blockBytes: number | undefined;
  readonly createdBy: string;
  readonly device: string | undefined;
  /** The name that the database is given, whatever the records' is. */
  readonly database: string | undefined;
}

/** Merges the runs of a shard into a snapshot file under a temporary name. */
export class WriteShards implements AsyncDoFn<ShardTask, Tagged<WriteOutputs>, WriteContext> {
  readonly beamName = "writeShards";
  readonly settings: ShardSettings;

  constructor(settings: ShardSettings) {
    this.settings = settings;
  }

  async process(task: ShardTask, context: WriteContext): Promise<Tagged<WriteOutputs>[]> {
    const schema = schemaFor(task, this.settings.database, context.schemas.lookup());
    const failed: FailedRecord[] = [];
    const { tempFolder, onError } = this.settings;
    const tempPath = joinPath(
      tempFolder,
      `shard-${nodePlatform.crc32(Buffer.from(task.destination, "utf16le"))}-${task.set}-${task.shard}`,
    );
    const file = await fileSystemOf(tempPath).create(tempPath);
    try {
      const writer = new SnapshotWriter(file, this.headerFor(task, schema), {
        platform: nodePlatform,
        compression: this.settings.compression,
        blockBytes: this.settings.blockBytes,
      });
      const refuse = (record: SnapshotRecord, error: SnapshotError): void => {
        if (onError === "fail") throw error;
        context.failures.increment(1);
        failed.push(failedRecord(record, error));
      };
      // Counted by the store, not by the record: an update of a counter costs as much as writing a small record.
      let store = "";
      let written = 0;
      for await (const records of distinct(mergeRuns(task.segments, tempFolder), refuse)) {
        for (const record of records) {
          if (
            !this.isComplete(writer, schema, record) &&
            !(await this.addContent(writer, schema, record, refuse))
          )
            continue;
          const done = writer.add(record);
          if (done) await done;
          if (record.store !== store) {
            if (written > 0) context.records.increment(store, written);
            store = record.store;
            written = 0;
          }
          written++;
        }
      }
      if (written > 0) context.records.increment(store, written);
      const summary = await writer.finish();
      await file.close();
      context.bytes.increment(summary.bytes);
      const { destination, shard, count } = task;
      const shards = { destination, shard, count, tempPath, database: schema.name, summary };
      return [{ shards }, ...failed.map((one) => ({ failedRecords: one }))];
    } catch (error) {
      await file.abort();
      throw error;
    }
  }

  private headerFor(task: ShardTask, schema: DatabaseSchema): SnapshotHeader {
    return {
      database: schema,
      origin: { device: this.settings.device ?? task.device, capturedAt: task.capturedAt },
      shard: { set: task.set, index: task.shard, count: task.count },
      createdBy: this.settings.createdBy,
    };
  }

  /** The usual case at once: a store that is known, and no content that is not there yet. */
  private isComplete(
    writer: SnapshotWriter,
    schema: DatabaseSchema,
    { store, valueBytes }: SnapshotRecord,
  ): boolean {
    if (!objectStoreOf(schema, store)) return false;
    return (
      valueBytes === undefined ||
      valueAttachments(valueBytes).every(({ sha256 }) => writer.hasAttachment(sha256))
    );
  }

  /** Brings the content of the record's Blobs along, from the file that the record came from. False when the record can't be written. */
  private async addContent(
    writer: SnapshotWriter,
    schema: DatabaseSchema,
    record: SnapshotRecord,
    refuse: (record: SnapshotRecord, error: SnapshotError) => void,
  ): Promise<boolean> {
    if (!objectStoreOf(schema, record.store)) {
      refuse(record, unknownStore(schema, record));
      return false;
    }
    const missing = record.valueBytes
      ? valueAttachments(record.valueBytes).filter(({ sha256 }) => !writer.hasAttachment(sha256))
      : [];
    if (missing.length === 0) return true;
    try {
      const { source } = record;
      if (source === undefined) throw noContent(record, "the record names no file that holds it");
      await withSnapshotAt(source, async (reader) => {
        for (const { sha256, size } of missing) {
          const attachment = reader.attachment(sha256);
          if (!attachment) throw noContent(record, `${JSON.stringify(source)} does not hold it`);
          await writer.addAttachment(sha256, size, attachment.stream());
        }
      });
      return true;
    } catch (error) {
      if (!(error instanceof SnapshotError) || error.code === "SNAPSHOT_ATTACHMENT_MISMATCH") throw error;
      refuse(record, error);
      return false;
    }
  }
}

/** One record a key: of several, the first by value bytes stays (whatever the runs were), the others are refused. */
async function* distinct(
  batches: AsyncIterable<SnapshotRecord[]>,
  refuse: (record: SnapshotRecord, error: SnapshotError) => void,
): AsyncGenerator<SnapshotRecord[], void, undefined> {
  let group: SnapshotRecord[] = [];
  for await (const batch of batches) {
    const chosen: SnapshotRecord[] = [];
    for (const record of batch) {
      if (group.length > 0 && compareIdentity(group[0]!, record) !== 0) {
        chosen.push(choose(group, refuse));
        group = [];
      }
      group.push(record);
    }
    yield chosen;
  }
  if (group.length > 0) yield [choose(group, refuse)];
}

function choose(
  group: SnapshotRecord[],
  refuse: (record: SnapshotRecord, error: SnapshotError) => void,
): SnapshotRecord {
  if (group.length > 1) group.sort(compareContent);
  for (const record of group.slice(1)) {
    const message = `There are ${group.length} records for ${record.describe()}; a snapshot holds one. Put mergeDevices or deduplicate before the write.`;
    refuse(
      record,
      new SnapshotError("SNAPSHOT_DUPLICATE_KEY", message, {
        store: record.store,
        key: record.describeKey(),
        file: record.source,
      }),
    );
  }
  return group[0]!;
}

function compareContent(a: SnapshotRecord, b: SnapshotRecord): number {
  const none = new Uint8Array(0);
  const text = ({ deleted, origin }: SnapshotRecord) =>
    JSON.stringify([deleted, origin.device, origin.capturedAt, origin.sequence, origin.snapshot]);
  return compareKeyBytes(a.valueBytes ?? none, b.valueBytes ?? none) || (text(a) < text(b) ? -1 : 1);
}

function schemaFor(
  { database, destination }: ShardTask,
  given: string | undefined,
  encoded: readonly Uint8Array[],
): DatabaseSchema {
  const all = encoded.map(decodeSchema);
  // Databases that are put together under a given name have all their stores there.
  if (given !== undefined && all.length > 0) return unionSchemas(all, given);
  const named = database === undefined ? all : all.filter(({ name }) => name === database);
  // A database that gets a new name takes the schema of what it is made of.
  const chosen = named.length > 0 ? named : all;
  const names = new Set(chosen.map(({ name }) => name));
  if (chosen.length > 0 && names.size === 1) return unionSchemas(chosen, database);
  const what =
    database === undefined
      ? `snapshot ${JSON.stringify(destination)}`
      : `database ${JSON.stringify(database)}`;
  throw new SnapshotError(
    "SNAPSHOT_SCHEMA_MISSING",
    `The schema of ${what} is not known${names.size > 1 ? ` (there are those of ${[...names].sort().join(", ")})` : ""}: the records do not come from readFromIndexedDB alone. Give it: writeToIndexedDB(prefix, { schema }).`,
  );
}

function unknownStore(schema: DatabaseSchema, record: SnapshotRecord): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_STORE_UNKNOWN",
    `The schema of ${JSON.stringify(schema.name)} has no object store ${JSON.stringify(record.store)}, which a record names. Its stores are: ${schema.objectStores.map(({ name }) => name).join(", ") || "none"}.`,
    { store: record.store, key: record.describeKey(), file: record.source },
  );
}

function noContent(record: SnapshotRecord, why: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_ATTACHMENT_MISSING",
    `The content of a Blob can't be found: ${why}. It belongs to ${record.describe()}.`,
    {
      store: record.store,
      key: record.describeKey(),
      file: record.source,
    },
  );
}

registerFunctions("beam-indexeddb/io", { WriteShards });
