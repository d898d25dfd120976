import { expect, test } from "vitest";
import { create } from "../../beam/index.js";
import { CreateElements } from "../../beam/create.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { structuredEqual } from "../../testing/index.js";
import { collect } from "./collect.js";

const record = SnapshotRecord.of({ store: "notes", key: 1, value: new Date(1) });
const values = [
  NaN,
  -0,
  2n ** 64n,
  undefined,
  null,
  "\ud800",
  new Date(NaN),
  new Map([[{ a: 1 }, new Set(["x"])]]),
  new Uint8Array([1, 2]),
  new Float32Array([1.5]),
  [1, , 3],
  record,
  { key: record },
  /a/giu,
  new Error("e"),
];

test.each([true, false])("gives every value exactly (shuffled: %s)", async (shuffle) => {
  const found = await collect((root) => root.apply(create<unknown>(values, shuffle)));
  expect(found).toHaveLength(values.length);
  for (const value of values) expect(found.some((element) => structuredEqual(element, value))).toBe(true);
  if (!shuffle) expect(structuredEqual(found, values)).toBe(true);
});

test("takes the values as they are now", async () => {
  const value = { a: 1 };
  const found = await collect((root) => {
    const created = root.apply(create([value]));
    value.a = 2;
    return created;
  });
  expect(found).toEqual([{ a: 1 }]);
});

test("of nothing gives nothing", async () => {
  expect(await collect((root) => root.apply(create([])))).toEqual([]);
});

test("refuses what has no bytes, at once", () => {
  expect(() => create([() => 1])).toThrow(expect.objectContaining({ code: "BEAM_ELEMENT_UNSUPPORTED" }));
});

test("100000 values go into a pipeline, and all come out in order", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: `name ${i}` }));
  expect([...new CreateElements(many).process()]).toEqual(many);
});
