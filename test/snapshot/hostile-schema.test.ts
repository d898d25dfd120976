import { expect, test } from "vitest";
import { nodePlatform } from "../../io/node-platform.js";
import {
  bytesSource,
  type DatabaseSchema,
  decodeSchema,
  encodeSchema,
  recoverSnapshot,
  SnapshotReader,
  SnapshotWriter,
} from "../../snapshot/index.js";
import { databaseMessage, type DatabaseMessage } from "../../snapshot/message-codec.js";
import { putTogether, takeApart } from "../fuzz/snapshot-parts.js";
import { sampleSnapshot } from "./sample-snapshot.js";

const platform = nodePlatform;
const text = (value: string) => Uint8Array.of(0, ...Buffer.from(value));
const store = (name: string, indexes: readonly string[] = []) => ({
  name,
  keyPath: null,
  autoIncrement: false,
  indexes: indexes.map((index) => ({ name: index, keyPath: "a", unique: false, multiEntry: false })),
});
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);

const absurd: readonly (readonly [string, DatabaseMessage])[] = [
  [
    "a hundred thousand object stores",
    { object_stores: numbered(100_000).map((name) => ({ name: text(name) })) },
  ],
  [
    "a hundred thousand indexes",
    {
      object_stores: [
        {
          name: text("s"),
          indexes: numbered(100_000).map((name) => ({ name: text(name), key_path: { parts: [text("a")] } })),
        },
      ],
    },
  ],
  ["one object store twice", { object_stores: [{ name: text("s") }, { name: text("s") }] }],
  [
    "one index twice",
    {
      object_stores: [
        {
          name: text("s"),
          indexes: [1, 2].map(() => ({ name: text("i"), key_path: { parts: [text("a")] } })),
        },
      ],
    },
  ],
  ["an object store without a name", { object_stores: [{}] }],
  ["an index without a keyPath", { object_stores: [{ name: text("s"), indexes: [{ name: text("i") }] }] }],
  ["an empty keyPath array", { object_stores: [{ name: text("s"), key_path: { array: true } }] }],
  ["a version of one and a half", { version: 1.5 }],
  ["a version below 0", { version: -1 }],
  ["a version that is none", { version: NaN }],
  ["a version over 2^53", { version: 2 ** 60 }],
  ["a key generator at minus one", { object_stores: [{ name: text("s"), current_number: -1 }] }],
  ["a key generator at infinity", { object_stores: [{ name: text("s"), current_number: Infinity }] }],
  ["a name that is no text", { name: Uint8Array.of(0, 0xff) }],
  ["a name of an unknown form", { name: Uint8Array.of(7, 1) }],
];

test.each(absurd)("a schema with %s is refused, by itself and in a file", async (_what, message) => {
  const database: DatabaseMessage = { name: text("db"), version: 1, ...message };
  expect(() => decodeSchema(databaseMessage.encode(database))).toThrow(
    expect.objectContaining({ code: "SNAPSHOT_MALFORMED" }) as Error,
  );
  const parts = takeApart((await sampleSnapshot()).bytes);
  const forged = putTogether(parts, {
    footer: (footer) => {
      footer.header = { ...footer.header, database };
    },
  });
  await expect(SnapshotReader.open(bytesSource(forged), { platform })).rejects.toMatchObject({
    code: "SNAPSHOT_MALFORMED",
  });
  // The header's own frame still tells the schema.
  const recovered = await recoverSnapshot(bytesSource(forged), { platform });
  expect([recovered.headerIntact, recovered.complete, recovered.recordsIntact]).toEqual([true, false, 7]);
});

test("ten thousand object stores with names of any kind are read as they were written", async () => {
  const schema: DatabaseSchema = {
    name: "x".repeat(5 << 20),
    version: 2 ** 53 - 1,
    objectStores: [
      store("\ud800".repeat(1 << 20)),
      store("__proto__", ["__proto__", "constructor", "", "../../x", "\0"]),
      ...numbered(9998).map((name) => store(name)),
    ],
  };
  const parts: Uint8Array[] = [];
  const writer = new SnapshotWriter(
    { write: (bytes) => void parts.push(bytes.slice()) },
    { database: schema, origin: { device: "", capturedAt: 0 } },
    { platform },
  );
  await writer.finish();
  const reader = await SnapshotReader.open(bytesSource(Buffer.concat(parts)), { platform });
  await reader.verify();
  expect(Buffer.compare(encodeSchema(reader.schema), encodeSchema(schema))).toBe(0);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

const unwritable: readonly (readonly [string, DatabaseSchema, object])[] = [
  [
    "too many object stores",
    { name: "", version: 1, objectStores: numbered(10_001).map((name) => store(name)) },
    { code: "SNAPSHOT_LIMIT_EXCEEDED" },
  ],
  [
    "too many indexes",
    { name: "", version: 1, objectStores: [store("s", numbered(10_001))] },
    { code: "SNAPSHOT_LIMIT_EXCEEDED" },
  ],
  [
    "one object store twice",
    { name: "", version: 1, objectStores: [store("s"), store("s")] },
    { name: "TypeError" },
  ],
  [
    "one index twice",
    { name: "", version: 1, objectStores: [store("s", ["i", "i"])] },
    { name: "TypeError" },
  ],
  ["a version that is no whole number", { name: "", version: 1.5, objectStores: [] }, { name: "TypeError" }],
];

test.each(unwritable)(
  "a schema with %s is not written, since nobody could read it",
  (_what, schema, error) => {
    const write = () =>
      new SnapshotWriter(
        { write: () => undefined },
        { database: schema, origin: { device: "", capturedAt: 0 } },
      );
    expect(write).toThrow(expect.objectContaining(error) as Error);
    expect(() => encodeSchema(schema)).toThrow(expect.objectContaining(error) as Error);
  },
);
