import { once } from "node:events";
import type { Duplex } from "node:stream";
import { registerFunctions } from "../../beam/index.js";
import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import type { RecordFileHead, RecordFileWriter, RecordFormat } from "../record-files/record-format.js";
import { toTaggedJson } from "../table/tagged-json.js";

/** How the blocks of a file are compressed. */
export type AvroCodec = "deflate" | "null";

export const avroCodecs: readonly AvroCodec[] = ["deflate", "null"];

/** Schema of every file: whole records, the same for all stores. */
export const avroSchema = {
  type: "record",
  name: "SnapshotRecord",
  namespace: "beam_indexeddb",
  doc: "A record of an IndexedDB object store.",
  fields: [
    { name: "database", type: "string" },
    { name: "store", type: "string" },
    { name: "key", type: "bytes", doc: "Compares as indexedDB.cmp does; FORMAT.md, Keys." },
    { name: "key_json", type: "string", doc: "The key as tagged JSON." },
    { name: "value", type: ["null", "bytes"], doc: "FORMAT.md, Values. Null when deleted." },
    { name: "value_json", type: ["null", "string"], doc: "The value as tagged JSON, when asked for." },
    { name: "deleted", type: "boolean" },
    { name: "device", type: "string" },
    { name: "snapshot", type: "string" },
    { name: "captured_at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "sequence", type: "long" },
  ],
} as const;

/** Raw bytes of a block: what a reader that splits a file takes at once. */
const blockBytes = 256 << 10;

/** Avro object container files. Source: Apache Avro 1.11 specification, "Object Container Files". */
export class AvroFormat implements RecordFormat {
  readonly name = "avro";
  readonly columns = undefined;
  readonly codec: AvroCodec;
  readonly valueJson: boolean;

  constructor(codec: AvroCodec, valueJson: boolean) {
    this.codec = codec;
    this.valueJson = valueJson;
  }

  async open(file: FileWriter, head: RecordFileHead): Promise<RecordFileWriter> {
    const { default: avro } = await import("avsc");
    const encoder = new avro.streams.BlockEncoder(avro.Type.forSchema(avroSchema as never), {
      codec: this.codec,
      blockSize: blockBytes,
      // Any 16 bytes that are not in the data: of the content, so that the same records give the same file.
      syncMarker: Buffer.from(head.set, "hex"),
      writeHeader: "always",
    } as never);
    return avroFileWriter(encoder, file, (record) => avroRecord(record, this.valueJson));
  }
}

function avroFileWriter(
  encoder: Duplex,
  file: FileWriter,
  toAvro: (record: SnapshotRecord) => object,
): RecordFileWriter {
  let encoded: Uint8Array[] = [];
  encoder.on("data", (bytes: Uint8Array) => encoded.push(bytes));
  const flush = async (): Promise<void> => {
    const chunks = encoded;
    encoded = [];
    for (const chunk of chunks) await file.write(chunk);
  };
  return {
    add(record) {
      const hasRoom = encoder.write(toAvro(record));
      if (hasRoom) return encoded.length > 0 ? flush() : undefined;
      return once(encoder, "drain").then(flush);
    },
    async finish() {
      const end = once(encoder, "end");
      encoder.end();
      await end;
      await flush();
    },
  };
}

function avroRecord(record: SnapshotRecord, valueJson: boolean): object {
  const { database, store, deleted, origin, keyBytes, valueBytes } = record;
  const { device, snapshot, capturedAt, sequence } = origin;
  for (const [what, text] of Object.entries({ database, store, device, snapshot }))
    if (/\p{Surrogate}/u.test(text))
      throw refused(record, `the name of its ${what}, ${JSON.stringify(text)}, has half of a surrogate pair`);
  for (const [what, number] of Object.entries({ capturedAt, sequence }))
    if (!Number.isSafeInteger(number)) throw refused(record, `its ${what}, ${number}, is no whole number`);
  return {
    database,
    store,
    key: bufferOf(keyBytes),
    key_json: toTaggedJson(record.key),
    value: valueBytes === undefined ? null : bufferOf(valueBytes),
    value_json: deleted || !valueJson ? null : toTaggedJson(record.value),
    deleted,
    device,
    snapshot,
    captured_at: capturedAt,
    sequence,
  };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function refused(record: SnapshotRecord, why: string): SnapshotError {
  return new SnapshotError(
    "STORE_CONSTRAINT",
    `Avro can't hold the record ${record.describe()}: ${why}. Change it in a step before the sink, or send such records to failedRecords.`,
    { store: record.store, key: record.describeKey(), file: record.source },
  );
}

registerFunctions("beam-indexeddb/io", { AvroFormat });
