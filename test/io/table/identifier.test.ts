import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IdentifierRules, assignIdentifiers, quoteIdentifier } from "../../../io/table/identifier.js";

const rules: IdentifierRules = { maxBytes: 63, reserved: ["_key"], reservedPrefix: "sqlite_" };
const one = (name: string): string => assignIdentifiers([name], rules, []).get(name)!;

describe("names that need no change keep their letters", () => {
  test.each(["notes", "Select", "it's", 'a "b"', "größe", "日本語", "a b.c", "x".repeat(63)])(
    "%s",
    (name) => {
      expect(one(name)).toBe(name);
    },
  );
});

describe("names that an engine cannot have are changed, and stay apart", () => {
  test.each([
    ["", "___e3b0c442"],
    ["a\0b", "a_b__"],
    ["\ud800", "___"],
    ["sqlite_master", "_sqlite_master__"],
    ["SQLite_x", "_SQLite_x__"],
    ["_key", "_key__"],
    ["_KEY", "_KEY__"],
    ["n".repeat(200), "n".repeat(53) + "__"],
  ])("%j", (name, start) => {
    const identifier = one(name);
    expect(identifier).not.toBe(name);
    expect(identifier.startsWith(start)).toBe(true);
    expect(Buffer.byteLength(identifier)).toBeLessThanOrEqual(63);
  });

  test("a long name is never cut inside a character", () => {
    expect(one("é😀".repeat(50))).not.toMatch(/\p{Surrogate}/u);
  });
});

test("names that differ in case, or in their form only, get different identifiers", () => {
  const identifiers = assignIdentifiers(
    ["Size", "size", "SIZE", "ﬁle", "file", "Straße", "STRASSE"],
    rules,
    [],
  );
  const folded = [...identifiers.values()].map((name) => name.toLowerCase());
  expect(new Set(folded).size).toBe(7);
  expect(identifiers.get("SIZE")).toBe("SIZE");
});

test("identifiers in use are not given again", () => {
  expect(assignIdentifiers(["size"], rules, ["SIZE"]).get("size")).toMatch(/^size__[0-9a-f]{8}$/);
});

test("any set of names gets unique, bounded identifiers, whatever its order", () => {
  const name = fc.oneof(
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 90 }),
    fc.constantFrom("a", "A", "á", "sqlite_a", "_key", "", " "),
  );
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      const identifiers = assignIdentifiers(names, rules, []);
      const values = [...identifiers.values()];
      expect(new Set(values.map((value) => value.toLowerCase())).size).toBe(names.length);
      for (const value of values) {
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(63);
        expect(value).not.toMatch(/\0|\p{Surrogate}/u);
      }
      const reversed = assignIdentifiers([...names].reverse(), rules, []);
      for (const [key, value] of identifiers) expect(reversed.get(key)).toBe(value);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test("quoting leaves no way out of the quotes", () => {
  expect(quoteIdentifier('a"; DROP TABLE notes; --')).toBe('"a""; DROP TABLE notes; --"');
});
