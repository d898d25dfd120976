import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fromTaggedJson, toTaggedJson } from "../../io/index.js";
import {
  bytesSource,
  compareKeyBytes,
  decodeKey,
  decodeValue,
  encodeKey,
  encodeValue,
  fromHex,
  SnapshotReader,
  toHex,
} from "../../snapshot/index.js";
import { sampleSnapshot } from "../snapshot/sample-snapshot.js";
import { structuredDifference } from "../structured-difference.js";
import { keyCases } from "./key-cases.js";
import { valueCases } from "./value-cases.js";

/** `UPDATE_VECTORS=1 npx vitest run test/vectors` writes the files anew: only for a new version of the format. */
const update = process.env.UPDATE_VECTORS === "1";
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Vector {
  readonly name: string;
  readonly json: unknown;
  readonly bytes: string;
}

function stored(file: string, made: () => readonly Vector[]): readonly Vector[] {
  if (update)
    writeFileSync(
      path(file),
      `[\n${made()
        .map((vector) => `  ${JSON.stringify(vector)}`)
        .join(",\n")}\n]\n`,
    );
  return JSON.parse(readFileSync(path(file), "utf8")) as Vector[];
}

test("every value case has golden bytes, encodes to them and decodes from them", () => {
  const vectors = stored("values.json", () =>
    Object.entries(valueCases).map(([name, value]) => ({
      name,
      json: JSON.parse(toTaggedJson(value)) as unknown,
      bytes: toHex(encodeValue(value)),
    })),
  );
  expect(vectors.map(({ name }) => name)).toEqual(Object.keys(valueCases));
  for (const { name, bytes, json } of vectors) {
    const value = valueCases[name];
    expect(toHex(encodeValue(value)), name).toBe(bytes);
    const decoded = decodeValue(fromHex(bytes));
    expect(structuredDifference(decoded, value), name).toBeUndefined();
    expect(JSON.parse(toTaggedJson(decoded)), name).toEqual(json);
  }
});

test("every key case has golden bytes, in ascending order", () => {
  const vectors = stored("keys.json", () =>
    keyCases.map(([name, key]) => ({
      name,
      json: JSON.parse(toTaggedJson(decodeKey(encodeKey(key)))) as unknown,
      bytes: toHex(encodeKey(key)),
    })),
  );
  expect(vectors.map(({ name }) => name)).toEqual(keyCases.map(([name]) => name));
  vectors.forEach(({ name, bytes }, i) => {
    const [, key] = keyCases[i]!;
    expect(toHex(encodeKey(key)), name).toBe(bytes);
    expect(toHex(encodeKey(decodeKey(fromHex(bytes)))), name).toBe(bytes);
    if (i > 0) expect(compareKeyBytes(fromHex(vectors[i - 1]!.bytes), fromHex(bytes)), name).toBeLessThan(0);
  });
});

const malformed: readonly (readonly [string, string])[] = [
  ["-0", "107fffffffffffffff"],
  ["NaN", "10fff8000000000000"],
  ["a Date out of range", "20c34000000000000000"],
  ["a fractional Date", "20bfe0000000000000"],
  ["a three-byte unit that fits two", "30c0003f00"],
  ["low bits in a third byte", "30d01fc100"],
  ["a cut unit", "3080"],
  ["no terminator", "3062"],
  ["an array without its end", "5010bff0000000000000"],
  ["trailing bytes", "300000"],
  ["an unknown type", "60"],
  ["nothing", ""],
];

test.each(malformed)("a key with %s is refused", (_what, bytes) => {
  expect(() => decodeKey(fromHex(bytes))).toThrow(
    expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }) as Error,
  );
});

const files = ["sample-stored.idbsnap", "sample-deflated.idbsnap", "empty-database.idbsnap"] as const;

test("whole small files stay readable, byte for byte the same content", async () => {
  if (update) await writeFiles();
  expect(
    readdirSync(path("."))
      .filter((name) => name.endsWith(".idbsnap"))
      .sort(),
  ).toEqual([...files].sort());
  for (const file of files) {
    const reader = await SnapshotReader.open(bytesSource(readFileSync(path(file)), file));
    await reader.verify();
    const described = await describe(reader);
    if (update) writeFileSync(path(`${file}.json`), `${JSON.stringify(described, null, 2)}\n`);
    expect(described).toEqual(JSON.parse(readFileSync(path(`${file}.json`), "utf8")));
  }
});

test("the writer still gives the golden bytes of the uncompressed file", async () => {
  const { bytes } = await sampleSnapshot({ compression: "none" });
  expect(Buffer.compare(bytes, readFileSync(path("sample-stored.idbsnap")))).toBe(0);
});

async function describe(reader: SnapshotReader): Promise<unknown> {
  const records: unknown[] = [];
  for await (const record of reader.records()) {
    records.push({
      store: record.store,
      key: toHex(record.keyBytes),
      value: record.valueBytes ? toHex(record.valueBytes) : null,
      deleted: record.deleted,
      negativeZeros: record.negativeZeros ?? null,
      origin: { ...record.origin },
    });
  }
  return JSON.parse(
    JSON.stringify({
      header: reader.header,
      summary: reader.summary,
      records,
      attachments: reader.attachmentHashes(),
    }),
  );
}

async function writeFiles(): Promise<void> {
  writeFileSync(path("sample-stored.idbsnap"), (await sampleSnapshot({ compression: "none" })).bytes);
  writeFileSync(
    path("sample-deflated.idbsnap"),
    (await sampleSnapshot({ stores: 40, blockBytes: 2048 })).bytes,
  );
  writeFileSync(path("empty-database.idbsnap"), await emptyDatabase());
}

async function emptyDatabase(): Promise<Uint8Array> {
  const { SnapshotWriter } = await import("../../snapshot/index.js");
  const parts: Uint8Array[] = [];
  const header = {
    database: { name: "\ud800 empty", version: 1, objectStores: [] },
    origin: { device: "", capturedAt: 0 },
  };
  const writer = new SnapshotWriter({ write: (bytes) => void parts.push(bytes.slice()) }, header);
  await writer.finish();
  return Buffer.concat(parts);
}

test("tagged JSON of every value case that has one comes back as the value", () => {
  for (const [name, value] of Object.entries(valueCases)) {
    const back = fromTaggedJson(toTaggedJson(value));
    // The one thing that tagged JSON does not keep is whether a buffer can be resized.
    if (name.includes("resizable")) continue;
    expect(toTaggedJson(back), name).toBe(toTaggedJson(value));
    expect(
      structuredDifference(decodeValue(encodeValue(back)), decodeValue(encodeValue(value))),
      name,
    ).toBeUndefined();
  }
});
