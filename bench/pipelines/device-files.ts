import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { nodePlatform } from "beam-indexeddb/io";
import { type DatabaseSchema, encodeKey, encodeValue, SnapshotWriter } from "beam-indexeddb/snapshot";
import { createdAt, fileRecord } from "../files/file-record.js";
import { makeAvro } from "./beam-python.js";

export const storeName = "todos";

export const schema: DatabaseSchema = {
  name: "bench",
  version: 1,
  objectStores: [{ name: storeName, keyPath: null, autoIncrement: false, indexes: [] }],
};

export interface Todo {
  readonly done: boolean;
  readonly updatedAt: number;
}

export interface DeviceOptions {
  readonly folder: string;
  /** Number of files. */
  readonly devices: number;
  /** Records of each; every second one of a device's is also on all others. */
  readonly records: number;
  /** Write the same records as Avro files, too. */
  readonly avro: boolean;
  readonly compression: "deflate" | "none";
}

/** Writes `device-N.idbsnap`, and `device-N.avro` with the same records. */
export async function makeDeviceFiles(options: DeviceOptions): Promise<void> {
  for (let device = 0; device < options.devices; device++) {
    const path = join(options.folder, `device-${device}`);
    await makeDeviceFile(`${path}.idbsnap`, options, device);
    if (!options.avro) continue;
    writeLines(`${path}.jsonl`, options, device);
    await makeAvro(`${path}.jsonl`, `${path}.avro`);
  }
}

async function makeDeviceFile(path: string, options: DeviceOptions, device: number): Promise<void> {
  const file = openSync(path, "w");
  const sink = {
    write(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    },
  };
  const origin = { device: `device-${device}`, capturedAt: createdAt(device) };
  const writer = new SnapshotWriter(
    sink,
    { database: schema, origin },
    {
      platform: nodePlatform,
      compression: options.compression,
    },
  );
  for (let number = 0; number < options.records; number++) {
    const { key, value } = recordOf(options, device, number);
    const done = writer.add({ store: storeName, keyBytes: encodeKey(key), valueBytes: encodeValue(value) });
    if (done) await done;
  }
  await writer.finish();
  closeSync(file);
}

function writeLines(path: string, options: DeviceOptions, device: number): void {
  const file = openSync(path, "w");
  let lines = "";
  for (let number = 0; number < options.records; number++) {
    const { key, value } = recordOf(options, device, number);
    lines += `${JSON.stringify({ key, ...value })}\n`;
    if (lines.length < 1 << 20 && number < options.records - 1) continue;
    writeSync(file, lines);
    lines = "";
  }
  closeSync(file);
}

/** Even numbers are keys that all devices have; odd ones are the device's own. */
function recordOf({ devices }: DeviceOptions, device: number, number: number) {
  const key = number % 2 === 0 ? number * devices : number * devices + device;
  const updatedAt = createdAt(key) + ((key * 31 + device * 7919) % 100_003);
  return { key, value: { ...fileRecord(key), updatedAt } };
}
