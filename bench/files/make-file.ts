import { closeSync, openSync, writeSync } from "node:fs";
import { nodePlatform } from "beam-indexeddb/io";
import { encodeKey, encodeValue, type DatabaseSchema, SnapshotWriter } from "beam-indexeddb/snapshot";
import { fileRecord } from "./file-record.js";

export const storeName = "todos";

export const schema: DatabaseSchema = {
  name: "bench",
  version: 1,
  objectStores: [{ name: storeName, keyPath: null, autoIncrement: false, indexes: [] }],
};

export interface FileOptions {
  readonly path: string;
  readonly records: number;
  readonly compression: "deflate" | "none";
}

/** Writes `fileRecord`s under the keys 0, 1, 2...; the same file every time. Returns its bytes. */
export async function makeFile({ path, records, compression }: FileOptions): Promise<number> {
  const file = openSync(path, "w");
  try {
    const sink = {
      write(bytes: Uint8Array) {
        for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      },
    };
    const header = { database: schema, origin: { device: "bench", capturedAt: 1_700_000_000_000 } };
    const writer = new SnapshotWriter(sink, header, { platform: nodePlatform, compression });
    for (let key = 0; key < records; key++) {
      const valueBytes = encodeValue(fileRecord(key));
      const done = writer.add({ store: storeName, keyBytes: encodeKey(key), valueBytes });
      if (done) await done;
    }
    return (await writer.finish()).bytes;
  } finally {
    closeSync(file);
  }
}
