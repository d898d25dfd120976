import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { create, type PipelineMetrics, registerFunctions, runDirect } from "../../beam/index.js";
import { readAllFromIndexedDB, writeToIndexedDB } from "../../io/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { assertElements, assertRecords } from "../../testing/index.js";
import { mergeDevices, type MergeDevicesOptions } from "../../transforms/index.js";
import { deviceSnapshot, notesSchema } from "../device-snapshot.js";
import { temporaryFolder } from "../temporary-folder.js";

interface Version {
  readonly key: string;
  readonly value?: unknown;
  readonly device?: string;
  readonly capturedAt?: number;
  readonly sequence?: number;
  readonly store?: string;
}

/** A version of a record; without a value it is a deletion. */
function version({
  key,
  value,
  device = "phone",
  capturedAt = 1,
  sequence = 0,
  store = "notes",
}: Version): SnapshotRecord {
  const origin = { device, snapshot: "", capturedAt, sequence };
  return SnapshotRecord.of({
    database: "notes",
    store,
    key,
    value,
    deleted: value === undefined,
    origin,
  });
}

async function expectMerge(
  records: readonly SnapshotRecord[],
  options: MergeDevicesOptions,
  expected: readonly SnapshotRecord[],
): Promise<PipelineMetrics> {
  const { metrics } = await runDirect((root) => {
    root
      .apply(create(records))
      .apply(mergeDevices(options))
      .apply(assertRecords(expected, { origin: true }));
  });
  return metrics;
}

const by = { by: "at" };

test.each([
  [
    "a later number",
    by,
    version({ key: "a", value: { at: 2 }, capturedAt: 1 }),
    version({ key: "a", value: { at: 1 }, capturedAt: 9 }),
  ],
  [
    "a later Date",
    by,
    version({ key: "a", value: { at: new Date(2) } }),
    version({ key: "a", value: { at: new Date(1) }, capturedAt: 9 }),
  ],
  [
    "a later ISO text",
    by,
    version({ key: "a", value: { at: "2026-01-02" } }),
    version({ key: "a", value: { at: "2026-01-01T23:59:59Z" }, capturedAt: 9 }),
  ],
  [
    "the same time in another form, captured later",
    by,
    version({ key: "a", value: { at: "1970-01-01T00:00:00.005Z" }, capturedAt: 3 }),
    version({ key: "a", value: { at: new Date(5) }, capturedAt: 2 }),
  ],
  [
    "any time over none",
    by,
    version({ key: "a", value: { at: 1 } }),
    version({ key: "a", value: { text: "no time" }, capturedAt: 9 }),
  ],
  [
    "any time over one that is none",
    by,
    version({ key: "a", value: { at: -5 } }),
    version({ key: "a", value: { at: new Date(NaN) }, capturedAt: 9 }),
  ],
  [
    "a time deep in the value",
    { by: "meta.at" },
    version({ key: "a", value: { meta: { at: 2 } } }),
    version({ key: "a", value: { meta: { at: 1 } }, capturedAt: 9 }),
  ],
  [
    "the later capture",
    {},
    version({ key: "a", value: 1, capturedAt: 2 }),
    version({ key: "a", value: 2, capturedAt: 1 }),
  ],
  [
    "the higher sequence of one capture time",
    {},
    version({ key: "a", value: 1, sequence: 2 }),
    version({ key: "a", value: 2, sequence: 1 }),
  ],
  [
    "the device last in order, for ties",
    {},
    version({ key: "a", value: 1, device: "b" }),
    version({ key: "a", value: 2, device: "a" }),
  ],
  [
    "a later deletion",
    {},
    version({ key: "a", capturedAt: 2 }),
    version({ key: "a", value: 2, capturedAt: 1 }),
  ],
  [
    "a later write over a deletion",
    {},
    version({ key: "a", value: 2, capturedAt: 2 }),
    version({ key: "a", capturedAt: 1 }),
  ],
  ["a deletion over a value of the same moment", {}, version({ key: "a" }), version({ key: "a", value: 2 })],
  [
    "a deletion captured after the time of a change",
    by,
    version({ key: "a", capturedAt: 50 }),
    version({ key: "a", value: { at: 49 }, capturedAt: 60 }),
  ],
])("%s wins, in either order", async (_, options, winner, loser) => {
  await expectMerge([winner, loser], options, [winner]);
  await expectMerge([loser, winner, loser], options, [winner]);
});

test("tombstones stay by default and go with drop", async () => {
  const [tombstone, other] = [version({ key: "a", capturedAt: 2 }), version({ key: "b", value: 1 })];
  const all = [tombstone, version({ key: "a", value: 1 }), other];
  await expectMerge(all, {}, [tombstone, other]);
  const { counters } = await expectMerge(all, { tombstones: "drop" }, [other]);
  expect(counters).toMatchObject({ "recordsMerged/notes": 1, "recordsSuperseded/notes": 1 });
});

test("equal keys of different object stores are different records", async () => {
  const records = [version({ key: "a", value: 1 }), version({ key: "a", value: 2, store: "drafts" })];
  await expectMerge(records, {}, records);
});

test("values are decoded only where several records meet and a path must be looked up", async () => {
  const damaged = (key: string, device: string) => {
    const { database, store, keyBytes, origin } = version({ key, value: 0, device });
    return SnapshotRecord.fromBytes({
      database,
      store,
      keyBytes,
      origin,
      valueBytes: Uint8Array.of(0xff, 0xff),
    });
  };
  const keysOf = (records: readonly SnapshotRecord[], options: MergeDevicesOptions) =>
    runDirect((root) => {
      root
        .apply(create(records))
        .apply(mergeDevices(options))
        .map(keyOf)
        .apply(assertElements<unknown>(["a"]));
    });
  await keysOf([damaged("a", "phone")], by);
  await keysOf([damaged("a", "phone"), damaged("a", "laptop")], {});
  await expect(keysOf([damaged("a", "phone"), damaged("a", "laptop")], by)).rejects.toMatchObject({
    store: "notes",
    key: '"a"',
  });
});

function keyOf(record: SnapshotRecord): unknown {
  return record.key;
}

registerFunctions("beam-indexeddb-test/merge", { keyOf });

test("records without a time are counted", async () => {
  const winner = version({ key: "a", value: { at: 1 } });
  const { counters } = await expectMerge(
    [winner, version({ key: "a", value: {} }), version({ key: "b", value: {} })],
    by,
    [winner, version({ key: "b", value: {} })],
  );
  expect(counters["mergedWithoutTime/notes"]).toBe(1);
});

test.each([[{ by: "" }], [{ by: 5 }], [{ tombstones: "remove" }]])(
  "the options %o are refused",
  (options) => {
    expect(() => mergeDevices(options as MergeDevicesOptions)).toThrow(TypeError);
  },
);

/** A device with a few notes under few keys, so that devices meet. */
const device = fc.record({
  capturedAt: fc.integer({ min: 1, max: 3 }),
  notes: fc.dictionary(
    fc.constantFrom("a", "b", "c", "d"),
    fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    { noNullPrototype: true },
  ),
});

test(
  "the order, the repetition and the grouping of the inputs change no byte of the result",
  { timeout: 240_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(device, { minLength: 2, maxLength: 4 }),
        fc.constantFrom<MergeDevicesOptions>({}, by),
        async (devices, options) => {
          const folder = temporaryFolder();
          const files: string[] = [];
          for (const [i, { capturedAt, notes }] of devices.entries()) {
            const file = join(folder, `${i}.idbsnap`);
            const live = Object.entries(notes).flatMap(([id, at]) => (at === undefined ? [] : [{ id, at }]));
            const deleted = Object.keys(notes).filter((id) => notes[id] === undefined);
            writeFileSync(
              file,
              await deviceSnapshot({ device: `d${i % 3}`, capturedAt, notes: live, deleted }),
            );
            files.push(file);
          }
          const merge = async (inputs: readonly string[], name: string): Promise<string> => {
            await runDirect((root) => {
              root
                .apply(create([...inputs, ...inputs.slice(0, 1)]))
                .apply(readAllFromIndexedDB())
                .apply(mergeDevices(options))
                .apply(
                  writeToIndexedDB(join(folder, name), {
                    shardNameTemplate: "",
                    device: "merged",
                    schema: notesSchema,
                  }),
                );
            });
            return join(folder, `${name}.idbsnap`);
          };
          const bytes = (file: string) => readFileSync(file).toString("base64");
          const whole = bytes(await merge(files, "whole"));
          expect(bytes(await merge([...files].reverse(), "reversed"))).toBe(whole);
          const part = await merge(files.slice(0, 2), "part");
          expect(bytes(await merge([part, ...files.slice(2)], "grouped"))).toBe(whole);
          expect(bytes(await merge([part, ...files], "again"))).toBe(whole);
        },
      ),
      { seed: 11, numRuns: 12 },
    );
  },
);
