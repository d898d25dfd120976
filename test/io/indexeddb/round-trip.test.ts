import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { runDirect } from "../../../beam/index.js";
import { openSnapshot, readFromIndexedDB, writeToIndexedDB } from "../../../io/index.js";
import { sampleSnapshot } from "../../snapshot/sample-snapshot.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
});

async function recordsOf(path: string): Promise<unknown[]> {
  await using snapshot = await openSnapshot(path);
  await snapshot.verify();
  const all: unknown[] = [];
  for await (const { store, key, value, deleted } of snapshot.records())
    all.push([store, key, value, deleted]);
  return all;
}

test("what is read is written again: records, schema, attachments, tombstones", async () => {
  const { bytes } = await sampleSnapshot({ stores: 500, blockBytes: 4096 });
  const input = join(folder, "in.idbsnap");
  writeFileSync(input, bytes);
  const { metrics } = await runDirect((root) => {
    root.apply(readFromIndexedDB(input)).apply(writeToIndexedDB(join(folder, "out/copy")));
  });
  const output = join(folder, "out/copy-00000-of-00001.idbsnap");
  expect(readdirSync(join(folder, "out"))).toEqual(["copy-00000-of-00001.idbsnap"]);
  const strip = (all: unknown[]) =>
    JSON.stringify(all, (name, value: unknown) => (name === "source" ? undefined : value));
  expect(strip(await recordsOf(output))).toBe(strip(await recordsOf(input)));
  await using snapshot = await openSnapshot(output);
  expect(snapshot.schema.objectStores.map(({ name }) => name)).toEqual(["notes", "outbox", "empty"]);
  expect(metrics.counters).toMatchObject({
    "recordsRead/notes": 500,
    "recordsWritten/notes": 500,
    "recordsWritten/outbox": 2,
  });
});

test("shards hold every record once, whatever their number and the memory for sorting, and are the same bytes again", async () => {
  const { bytes } = await sampleSnapshot({ stores: 700, blockBytes: 1024 });
  writeFileSync(join(folder, "in.idbsnap"), bytes);
  const write = async (name: string, memoryBytes: number) => {
    await runDirect((root) => {
      root
        .apply(readFromIndexedDB(join(folder, "in.idbsnap")))
        .apply(writeToIndexedDB(join(folder, name, "part"), { numShards: 3, memoryBytes }));
    });
    const names = readdirSync(join(folder, name)).sort();
    return { names, bytes: names.map((file) => readFileSync(join(folder, name, file))) };
  };
  const once = await write("a", 64 << 20);
  const spilled = await write("b", 2048);
  expect(once.names).toEqual([0, 1, 2].map((n) => `part-0000${n}-of-00003.idbsnap`));
  expect(spilled.names).toEqual(once.names);
  once.bytes.forEach((content, i) => {
    expect(Buffer.compare(content, spilled.bytes[i]!)).toBe(0);
  });
  const all = (await Promise.all(once.names.map((file) => recordsOf(join(folder, "a", file))))).flat();
  expect(all.length).toBe(702);
});
