import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { openSnapshot } from "../../io/index.js";
import type { DatabaseSchema } from "../../snapshot/index.js";
import { sync } from "../../pipelines/index.js";
import { createRunner } from "../../runners/index.js";
import { deviceSnapshot } from "../device-snapshot.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
});

const note = (id: string, updatedAt: number, text: string) => ({ id, updatedAt: new Date(updatedAt), text });

test("sync keeps the latest of every note, whatever the capture times, and reports it", async () => {
  const devices = {
    phone: { capturedAt: 300, notes: [note("a", 10, "old"), note("b", 50, "phone")] },
    laptop: { capturedAt: 200, notes: [note("a", 20, "new"), note("c", 1, "only laptop")] },
    tablet: { capturedAt: 100, notes: [note("b", 40, "tablet")] },
  };
  for (const [device, { capturedAt, notes }] of Object.entries(devices)) {
    writeFileSync(join(folder, `${device}.idbsnap`), await deviceSnapshot({ device, capturedAt, notes }));
  }
  const run = () =>
    createRunner().run(
      sync({ input: join(folder, "*.idbsnap"), output: join(folder, "out"), by: "updatedAt" }),
    );
  await run();
  const file = join(folder, "out/merged-00000-of-00001.idbsnap");
  await using merged = await openSnapshot(file);
  const texts: unknown[] = [];
  for await (const record of merged.records())
    texts.push([record.key, (record.value as { text: string }).text, record.origin.device]);
  expect(texts).toEqual([
    ["a", "new", "laptop"],
    ["b", "phone", "phone"],
    ["c", "only laptop", "laptop"],
  ]);
  expect(JSON.parse(readFileSync(join(folder, "out/summary.json"), "utf8"))).toEqual([
    {
      store: "notes",
      devices: ["laptop", "phone", "tablet"],
      read: 5,
      merged: 3,
      superseded: 2,
      deleted: 0,
      generatedKeyCollisions: 0,
    },
  ]);
  const first = readFileSync(file);
  await run();
  expect(Buffer.compare(readFileSync(file), first)).toBe(0);
});

const outboxSchema: DatabaseSchema = {
  name: "notes",
  version: 1,
  objectStores: [{ name: "notes", keyPath: null, autoIncrement: true, indexes: [] }],
};

test("keys that devices generated on their own are counted where their contents differ", async () => {
  for (const [device, notes] of [
    ["phone", ["milk", "same"]],
    ["laptop", ["bread", "same", "only here"]],
  ] as const) {
    const records = notes.map((text, i) => ({ id: String(i), text }));
    writeFileSync(
      join(folder, `${device}.idbsnap`),
      await deviceSnapshot({ device, capturedAt: 1, notes: records, schema: outboxSchema }),
    );
  }
  await createRunner().run(sync({ input: join(folder, "*.idbsnap"), output: join(folder, "out") }));
  expect(JSON.parse(readFileSync(join(folder, "out/summary.json"), "utf8"))).toEqual([
    {
      store: "notes",
      devices: ["laptop", "phone"],
      read: 5,
      merged: 3,
      superseded: 2,
      deleted: 0,
      generatedKeyCollisions: 1,
    },
  ]);
});
