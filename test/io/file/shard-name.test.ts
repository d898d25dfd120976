import fc from "fast-check";
import { expect, test } from "vitest";
import { checkShardNaming, safeFileName, shardName, shardNamePattern } from "../../../io/file/shard-name.js";

const naming = { prefix: "out/merged", template: "-SSSSS-of-NNNNN", suffix: ".idbsnap" };

test.each([
  [naming, 3, 12, "out/merged-00003-of-00012.idbsnap"],
  [{ ...naming, template: "" }, 0, 1, "out/merged.idbsnap"],
  [{ ...naming, template: "_SS.NN" }, 123, 456, "out/merged_123.456.idbsnap"],
])("%o with shard %i of %i is %s", (given, shard, count, name) => {
  expect(shardName(given, shard, count)).toBe(name);
});

test("the pattern of stale shards matches this naming's files and no others", () => {
  const pattern = shardNamePattern(naming, "merged");
  const matching = ["merged-00000-of-00001.idbsnap", "merged-123456-of-123457.idbsnap"];
  const others = [
    "merged-phone-00000-of-00001.idbsnap",
    "merged.idbsnap",
    "merged-00000-of-00001.idbsnap.part",
    "xmerged-00000-of-00001.idbsnap",
    "merged-0000-of-00001.idbsnap",
  ];
  expect([...matching, ...others].filter((name) => pattern.test(name))).toEqual(matching);
});

test("a template without S is refused when there can be several shards", () => {
  expect(() => {
    checkShardNaming({ ...naming, template: "" }, 2);
  }).toThrow(TypeError);
});

test.each([
  ["phone", "phone"],
  ["", "%"],
  ["../../etc/passwd", "%002e.%002f..%002fetc%002fpasswd"],
  [".hidden", "%002ehidden"],
  ["-rf", "%002drf"],
  ["ends.", "ends%002e"],
  ["NUL", "%004e%0055%004c"],
  ["a/b\\c:d", "a%002fb%005cc%003ad"],
  ["ü", "%00fc"],
])("the file name for %j is %j", (name, safe) => {
  expect(safeFileName(name)).toBe(safe);
});

test("names from data become different names that stay in their folder", () => {
  const anyName = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constantFrom(".", "..", "a".repeat(400), "a".repeat(401)),
  );
  fc.assert(
    fc.property(anyName, anyName, (a, b) => {
      const [x, y] = [safeFileName(a), safeFileName(b)];
      expect(x).toMatch(/^[A-Za-z0-9._ %~-]{1,160}$/);
      expect(x.startsWith(".")).toBe(false);
      expect(x === y).toBe(a === b);
    }),
    { numRuns: 2000, seed: 5 },
  );
});
