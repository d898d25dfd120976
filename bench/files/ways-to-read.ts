import { inflateRawSync } from "node:zlib";
import { nodePlatform } from "beam-indexeddb/io";
import { type BlockInfo, decodeKey, decodeValue, SnapshotReader } from "beam-indexeddb/snapshot";
import { countingSource, type CountingSource } from "./counting-source.js";

/** A way to read all of a file. It returns what it counted on the way. */
export interface WayToRead {
  readonly name: string;
  readonly counts: "records" | "bytes";
  run(path: string): Promise<number>;
}

/** Names that the targets refer to. */
export const batches = "recordBatches, keys and values decoded";
export const inflateAndDecode = "inflate + decode alone, by hand";

export const waysToRead: readonly WayToRead[] = [
  { name: "inflate alone", counts: "bytes", run: (path) => withFile(path, inflateAll) },
  { name: inflateAndDecode, counts: "records", run: (path) => withFile(path, decodeAll) },
  { name: batches, counts: "records", run: (path) => withFile(path, readBatches) },
  { name: "records, keys and values decoded", counts: "records", run: (path) => withFile(path, readRecords) },
  { name: "recordBatches, nothing decoded", counts: "records", run: (path) => withFile(path, readUndecoded) },
];

/** Opens the file; its footer is a small part of every way. */
async function withFile(
  path: string,
  work: (reader: SnapshotReader, source: CountingSource) => number | Promise<number>,
): Promise<number> {
  const source = countingSource(path);
  const reader = await SnapshotReader.open(source, { platform: nodePlatform });
  try {
    return await work(reader, source);
  } finally {
    await reader.close();
  }
}

function inflateAll(reader: SnapshotReader, source: CountingSource): number {
  let bytes = 0;
  for (const block of reader.blocks) bytes += payloadOf(block, source).length;
  return bytes;
}

/** What a reader does at least: no checksum, no check of anything else, no object for a record. */
function decodeAll(reader: SnapshotReader, source: CountingSource): number {
  let records = 0;
  for (const block of reader.blocks) {
    const payload = payloadOf(block, source);
    // No origins; then a record each: 0 for "of this file, not deleted", key, value.
    for (let at = 1; at < payload.length; records++) {
      const key = stretch(payload, at + 1);
      const value = stretch(payload, key.end);
      at = value.end;
      seen(decodeKey(payload.subarray(key.start, key.end)));
      seen(decodeValue(payload.subarray(value.start, value.end)));
    }
  }
  return records;
}

async function readBatches(reader: SnapshotReader): Promise<number> {
  let records = 0;
  for await (const batch of reader.recordBatches()) {
    for (const record of batch) {
      seen(record.key);
      seen(record.value);
    }
    records += batch.length;
  }
  return records;
}

async function readRecords(reader: SnapshotReader): Promise<number> {
  let records = 0;
  for await (const record of reader.records()) {
    seen(record.key);
    seen(record.value);
    records++;
  }
  return records;
}

async function readUndecoded(reader: SnapshotReader): Promise<number> {
  let records = 0;
  for await (const batch of reader.recordBatches()) records += batch.length;
  return records;
}

/** After the marker (16 bytes) and the kind comes the length of the frame's header; a checksum follows it. */
function payloadOf({ offset, storedBytes, rawBytes }: BlockInfo, source: CountingSource): Uint8Array {
  const maxHeadBytes = 256;
  const frame = source.slice(offset, offset + maxHeadBytes + storedBytes);
  const head = 16 + 5 + new DataView(frame.buffer).getUint32(17, true) + 4;
  const stored = frame.subarray(head, head + storedBytes);
  return storedBytes === rawBytes ? stored : inflateRawSync(stored);
}

function stretch(bytes: Uint8Array, position: number): { readonly start: number; readonly end: number } {
  let start = position;
  let length = 0;
  let byte = 0x80;
  for (let shift = 0; byte >= 0x80; shift += 7) {
    byte = bytes[start++]!;
    length |= (byte & 0x7f) << shift;
  }
  return { start, end: start + length };
}

const sink: { value?: unknown } = {};

function seen(value: unknown): void {
  sink.value = value;
}
