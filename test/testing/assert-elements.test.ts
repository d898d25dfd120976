import { describe, expect, test } from "vitest";
import { create, runDirect, withName } from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { assertElements, assertRecords } from "../../testing/index.js";

const check = (actual: readonly unknown[], expected: readonly unknown[]) =>
  runDirect((root) => {
    root.apply(create(actual)).apply(assertElements(expected));
  });

const cycle = () => {
  const value: Record<string, unknown> = { name: "loop" };
  value.self = value;
  return value;
};

describe("assertElements", () => {
  test.each<[string, unknown[], unknown[]]>([
    ["order", [1, 2, 3], [3, 1, 2]],
    ["how often", ["a", "a", "b"], ["a", "b", "a"]],
    ["property order", [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    ["empty", [], []],
    [
      "all types",
      [NaN, 1n, new Date(1), undefined, new Map([[1, new Set([2])]])],
      [undefined, NaN, new Map([[1, new Set([2])]]), 1n, new Date(1)],
    ],
    ["cycles", [cycle()], [cycle()]],
    ["errors whatever their stack", [new RangeError("x")], [new RangeError("x")]],
  ])("passes on equal elements (%s)", async (_title, actual, expected) => {
    await check(actual, expected);
  });

  test.each<[string, unknown[], unknown[]]>([
    ['[1] against ["1"]', [1], ["1"]],
    ["null against undefined", [{ a: null }], [{ a: undefined }]],
    ["absent against undefined", [{}], [{ a: undefined }]],
    ["Maps of other contents", [new Map([["a", 1]])], [new Map([["a", 2]])]],
    ["-0 against 0", [-0], [0]],
    ["-0 deep inside", [{ a: [-0] }], [{ a: [0] }]],
    ["one too few", ["a"], ["a", "a"]],
    ["one too many", ["a", "a"], ["a"]],
    ["nothing there", [], [1]],
    ["nothing expected", [1], []],
    ["a typed array of another kind", [new Uint8Array([1])], [new Int8Array([1])]],
    ["a Date against its number", [new Date(1)], [1]],
    ["holes against undefined", [[undefined]], [new Array(1)]],
  ])("fails on %s", async (_title, actual, expected) => {
    await expect(check(actual, expected)).rejects.toThrow(/assertElements: \d+ missing, \d+ unexpected/);
  });

  test("says what is missing and what is unexpected, with counts", async () => {
    await expect(check([{ a: 1 }, { a: 1 }, "same"], [{ b: 2 }, "same"])).rejects.toThrow(
      "assertElements: 1 missing, 2 unexpected of 2 expected and 3 actual elements.\nMissing:\n  1 x { b: 2 }\nUnexpected:\n  2 x { a: 1 }",
    );
  });

  test("can stand twice in one pipeline and does not change what it was given", async () => {
    const expected = [2, 1];
    await runDirect((root) => {
      const numbers = root.apply(create([1, 2]));
      numbers.apply(assertElements(expected));
      numbers.apply(assertElements(expected));
      root.apply(withName("others", create(["x"]))).apply(assertElements(["x"]));
    });
    expect(expected).toEqual([2, 1]);
  });
});

describe("assertRecords", () => {
  const origin = { device: "phone", snapshot: "", capturedAt: 5, sequence: 0 };
  const note = (value: unknown, more: object = {}) =>
    SnapshotRecord.of({ database: "app", store: "notes", key: 1, value, ...more }) as SnapshotRecord;
  const run = (actual: SnapshotRecord[], expected: SnapshotRecord[], options = {}) =>
    runDirect((root) => {
      root.apply(create(actual)).apply(assertRecords(expected, options));
    });

  test("compares database, store, key, value and deleted", async () => {
    await run([note({ a: 1, b: 2 }, { origin })], [note({ b: 2, a: 1 })]);
    await expect(run([note(1)], [note(1, { store: "tags" })])).rejects.toThrow("1 missing");
    await expect(run([note(1)], [note(1, { database: "other" })])).rejects.toThrow("1 missing");
    await expect(run([note(0)], [note(-0)])).rejects.toThrow("1 missing");
    await expect(run([note(1, { key: [-0] })], [note(1, { key: [0] })])).rejects.toThrow("1 missing");
    await expect(run([note(1).toTombstone()], [note(1)])).rejects.toThrow("deleted: true");
  });

  test("compares origins when asked", async () => {
    await run([note(1, { origin })], [note(1, { origin })], { origin: true });
    await expect(run([note(1, { origin })], [note(1)], { origin: true })).rejects.toThrow("device: 'phone'");
  });
});
