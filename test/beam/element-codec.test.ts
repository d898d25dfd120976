import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeElement, encodeElement, encodeGroupKey, registerFunctions } from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { structuredEqual } from "../../testing/index.js";

class Money {
  readonly amount: bigint;
  readonly currency: string;

  constructor(amount: bigint, currency: string) {
    this.amount = amount;
    this.currency = currency;
  }

  toString(): string {
    return `${this.amount} ${this.currency}`;
  }
}

class Stranger {
  readonly x = 1;
}

registerFunctions("beam-indexeddb/test/element-codec", { Money });

const record = SnapshotRecord.of({
  database: "app",
  store: "notes",
  key: [1, -0, "a"],
  value: { at: new Date(5), tags: new Set(["x"]) },
  origin: { device: "phone", snapshot: "", capturedAt: 7, sequence: 2 },
  source: "backups/a.idbsnap",
});
const ownProto = JSON.parse('{"__proto__": 1, "a": 2}') as object;

test("encoded bytes own their buffer, so that they bring nothing along inside another element", () => {
  for (const bytes of [encodeElement({ a: 1 }), encodeGroupKey("x"), encodeElement(record)])
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  expect(encodeElement({ key: null, value: encodeElement({ a: 1 }) }).length).toBeLessThan(50);
});

describe("an element comes back the same", () => {
  test.each<[string, unknown]>([
    ["NaN", NaN],
    ["-0", -0],
    ["2^40", 2 ** 40],
    ["a BigInt", -(2n ** 100n)],
    ["an invalid Date", new Date(NaN)],
    ["undefined", undefined],
    ["an object with undefined", { a: undefined }],
    ["typed arrays", [new Uint8Array([1, 2]), new Float64Array([NaN, -0]), new DataView(new ArrayBuffer(3))]],
    ["Maps and Sets", new Map<unknown, unknown>([[{ a: 1 }, new Set([1, "1"])]])],
    ["lone surrogates", "\ud800 and \udfff"],
    ["an own __proto__", ownProto],
    ["holes", [1, , 3]],
    ["a name with NUL", { "a\0b": 1 }],
    ["an error", new RangeError("too far", { cause: 1 })],
    ["a record", record],
    ["a record in a pair", { key: "k", value: record }],
    ["records in arrays and Maps", [record, new Map([["r", record]])]],
    ["an instance of a registered class", new Money(2n ** 70n, "EUR")],
    ["registered instances holding each other", { list: [new Money(1n, "a"), { deep: new Money(2n, "b") }] }],
  ])("%s", (_title, value) => {
    expect(structuredEqual(decodeElement(encodeElement(value)), value)).toBe(true);
  });

  test("any value of plain parts", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withSparseArray: true,
          withTypedArray: true,
        }),
        (value) => structuredEqual(decodeElement(encodeElement(value)), value),
      ),
      { seed: 4, numRuns: 500 },
    );
  });

  test("cycles and shared references", () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: shared };
    value.self = value;
    const copy = decodeElement(encodeElement(value)) as typeof value;
    expect(copy.a).toBe(copy.b);
    expect(copy.self).toBe(copy);
  });

  test("the order of properties", () => {
    expect(Object.keys(decodeElement(encodeElement({ b: 1, a: 2 })) as object)).toEqual(["b", "a"]);
  });

  test("the class and its methods, without running its constructor", () => {
    const copy = decodeElement(encodeElement(new Money(5n, "EUR"))) as Money;
    expect(copy).toBeInstanceOf(Money);
    expect(String(copy)).toBe("5 EUR");
  });
});

test("records travel as their own bytes, undecoded", () => {
  // Bytes that no decoder would take: they come back as they are.
  const opaque = SnapshotRecord.fromBytes({
    database: "app",
    store: "notes",
    keyBytes: new Uint8Array([0xff]),
    valueBytes: new Uint8Array([0xff, 0xfe]),
    deleted: false,
    origin: record.origin,
  });
  for (const element of [opaque, { key: 1, value: opaque }, [[opaque]]]) {
    const copy = decodeElement(encodeElement(element));
    const found = (
      copy instanceof SnapshotRecord
        ? copy
        : Object.values(copy as object).flat()[0 + (Array.isArray(copy) ? 0 : 1)]
    ) as SnapshotRecord;
    expect([...found.keyBytes]).toEqual([0xff]);
    expect([...found.valueBytes!]).toEqual([0xff, 0xfe]);
  }
  const copy = decodeElement(encodeElement(record)) as SnapshotRecord;
  expect(copy.source).toBe("backups/a.idbsnap");
  expect(copy.origin).toEqual(record.origin);
});

describe("an element is refused with what to do about it", () => {
  test.each<[string, unknown, RegExp]>([
    ["an unregistered class", [new Stranger()], /instance of Stranger.*plain object.*registerFunctions/s],
    ["a class without a name", new (class {})(), /a class without a name/],
    ["a function", { f: () => 1 }, /function/],
    ["a symbol", Symbol("s"), /symbol/],
    ["a promise", Promise.resolve(1), /Promise|instance/],
  ])("%s", (_title, value, message) => {
    expect(() => encodeElement(value)).toThrow(expect.objectContaining({ code: "BEAM_ELEMENT_UNSUPPORTED" }));
    expect(() => encodeElement(value)).toThrow(message);
  });
});

test("group keys are equal for equal contents and differ for others", () => {
  const hex = (key: unknown) => Buffer.from(encodeGroupKey(key)).toString("hex");
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(fc.double(), fc.string(), fc.bigInt())), (entries) => {
      const reversed = Object.fromEntries(Object.entries(entries).reverse());
      expect(hex(reversed)).toBe(hex(entries));
      expect(hex({ ...entries, "\0more": 1 })).not.toBe(hex(entries));
    }),
    { seed: 4, numRuns: 300 },
  );
});
