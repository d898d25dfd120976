import { describe, expect, test } from "vitest";
import { decodeValue, encodeValue } from "../../snapshot/index.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("a string has one form", () => {
  test.each<[name: string, value: string, bytes: string]>([
    ["Latin-1, a byte a unit", "a\u00ff\u0080\0", "10 44 61 ff 80 00"],
    ["Latin-1 of 64 units", "\u00e9".repeat(64), `10 09 40 ${"e9".repeat(64)}`],
    ["UTF-8 for a unit over 0xFF", "a\u0100", "10 1f 0d 61 c4 80"],
    ["UTF-8 with an astral character", "\u{1f44d}", "10 1f 11 f0 9f 91 8d"],
    ["UTF-8 that keeps a mark of byte order", "\ufeffx", "10 1f 11 ef bb bf 78"],
    ["UTF-16 for a lone surrogate", "a\ud800", "10 1f 12 61 00 00 d8"],
  ])("%s", (_name, value, bytes) => {
    expect(hex(encodeValue(value))).toBe(bytes.replaceAll(" ", ""));
    expect(decodeValue(fromHex(bytes))).toBe(value);
  });

  test.each<[name: string, bytes: string]>([
    ["Latin-1 text as UTF-8", "10 1f 05 61"],
    ["Latin-1 text as UTF-16", "10 1f 0a 61 00"],
    ["well-formed text as UTF-16", "10 1f 0a 00 01"],
    ["UTF-16 of an odd length", "10 1f 0e 61 00 00"],
    ["a form that does not exist", "10 1f 07 61"],
    ["Latin-1 behind the tag of wide strings", "10 1f 04 61"],
    ["a short string in the long form", "10 09 01 61"],
    ["a longer UTF-8 sequence than needed", "10 1f 0d e0 82 80"],
    ["a surrogate in UTF-8", "10 1f 0d ed a0 80"],
    ["a code point beyond the last", "10 1f 11 f4 90 80 80"],
    ["a sequence that is cut", "10 1f 09 c4 10"],
    ["a string that is longer than the bytes", "10 43 61 62"],
  ])("%s is refused", (_name, bytes) => {
    expect(() => decodeValue(fromHex(bytes))).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_MALFORMED" }),
    );
  });

  test.each([15, 16, 17, 63, 64, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 70_000])(
    "every kind of text of %i units comes back",
    (length) => {
      for (const unit of ["a", "\u00ff", "\u0100", "\u0800", "\u{1f44d}", "\ud800"]) {
        const text = unit.repeat(length).slice(0, length);
        for (const value of [text, `${text}z`, { [text]: text }, new Map([[text, [text, text]]]), /x/u])
          expect(decodeValue(encodeValue(value))).toEqual(value);
      }
    },
  );
});

describe("shapes and references", () => {
  test("an object's names stand at the first object that has them", () => {
    expect(hex(encodeValue([{ a: 1 }, { a: 2 }]))).toBe("100b020a030104618120" + "82");
  });

  test.each<[name: string, bytes: string]>([
    ["a shape declared twice", "10 0b 02 0a 03 01 04 61 81 0a 03 01 04 61 82"],
    ["a shape that was not declared", "10 0b 01 20"],
    ["a near shape in the far form", "10 0b 02 0a 03 01 04 61 81 3f 00 82"],
    ["a declaration of another length", "10 0a 04 01 04 61 81 81"],
    ["a name twice", "10 0a 05 02 04 61 04 61 81 81"],
    ["more names than bytes", "10 0a 02 05 04 61"],
    ["a reference that was not announced", "10 0b 01 0f 00"],
    ["announced references that do not come", "11 0b 00"],
    ["a flag that does not exist", "12 00"],
  ])("%s is refused", (_name, bytes) => {
    expect(() => decodeValue(fromHex(bytes))).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_MALFORMED" }),
    );
  });

  test("more than 31 shapes in one value", () => {
    const value = Array.from({ length: 100 }, (_, i) => ({ [`name${i % 50}`]: i, always: true }));
    expect(decodeValue(encodeValue(value))).toEqual(value);
  });

  test("objects of many properties, of integer names and of `__proto__`", () => {
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`p${i}`, i]));
    const odd = JSON.parse('{"2":1,"10":2,"a":3,"__proto__":{"x":1}}') as object;
    for (const value of [many, odd, [odd, odd], { odd, many }]) {
      const copy = decodeValue(encodeValue(value));
      expect(copy).toEqual(value);
      expect(hex(encodeValue(copy))).toBe(hex(encodeValue(value)));
    }
    expect(Object.getPrototypeOf(decodeValue(encodeValue(odd)))).toBe(Object.prototype);
  });
});

test("many sparse arrays of great length take no room for what is not there", () => {
  const bytes = fromHex(`10 0b 64 ${"0c 80 80 80 10 00".repeat(100)}`);
  const before = process.memoryUsage().heapUsed;
  const arrays = decodeValue(bytes) as unknown[][];
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 << 20);
  expect(arrays.map(({ length }) => length)).toEqual(Array(100).fill(1 << 25));
  arrays[0]![5] = "x";
  expect(Object.keys(arrays[0]!)).toEqual(["5"]);
  expect(hex(encodeValue(decodeValue(bytes)))).toBe(hex(bytes));
});

describe("values do not touch each other", () => {
  test("bytes that were given out stay as they are", () => {
    const values = Array.from({ length: 3000 }, (_, i) => ({
      i,
      text: "x".repeat(i % 900),
      more: [i, { i }],
    }));
    const encoded = values.map((value) => encodeValue(value));
    const copies = encoded.map((bytes) => hex(bytes));
    expect(encoded.map((bytes) => decodeValue(bytes))).toEqual(values);
    expect(encoded.map((bytes) => hex(bytes))).toEqual(copies);
  });

  test("a value that fails in the middle leaves nothing behind", () => {
    const good = encodeValue({ a: 1, b: "two" });
    for (const filler of ["", "x".repeat(100), "x".repeat(20_000), "x".repeat(5_000_000)]) {
      expect(() => encodeValue({ a: filler, b: () => 0 })).toThrow(
        expect.objectContaining({ code: "SNAPSHOT_VALUE_UNSUPPORTED" }),
      );
      expect(hex(encodeValue({ a: 1, b: "two" }))).toBe(hex(good));
      expect(() => decodeValue(encodeValue([{ a: filler }, { a: 2 }]).subarray(0, -1))).toThrow();
      expect(decodeValue(good)).toEqual({ a: 1, b: "two" });
    }
  });

  test("a hook may encode and decode while a value is at work", () => {
    class Point {
      x = 1;
    }
    const hostObject = (): undefined => {
      expect(decodeValue(encodeValue({ x: 5, deep: [{ x: 6 }] }))).toEqual({ x: 5, deep: [{ x: 6 }] });
      return undefined;
    };
    const value = { first: { x: 0 }, point: new Point(), last: [{ x: 2 }, { first: 1 }] };
    const bytes = encodeValue(value, { hostObject });
    expect(decodeValue(bytes)).toEqual({ first: { x: 0 }, point: { x: 1 }, last: [{ x: 2 }, { first: 1 }] });
  });

  test("an enumerable property of all objects is not data", () => {
    const before = hex(encodeValue({ own: 1 }));
    Object.defineProperty(Object.prototype, "strange", {
      value: 1,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      expect(hex(encodeValue({ own: 1 }))).toBe(before);
      expect(hex(encodeValue({ own: 1, strange: 2 }))).not.toBe(before);
      expect(hex(encodeValue({ own: 1 }))).toBe(before);
    } finally {
      delete (Object.prototype as { strange?: number }).strange;
    }
  });

  test("an object that loses a property to its own getter is refused, not misread", () => {
    const value = (): object => ({
      a: 1,
      get b() {
        delete (this as { c?: number }).c;
        return 2;
      },
      c: 3,
    });
    encodeValue({ a: 1, b: 2, c: 3 });
    encodeValue({ a: 1, b: 2, c: 3 });
    for (let i = 0; i < 3; i++) {
      let bytes: Uint8Array;
      try {
        bytes = encodeValue(value());
      } catch (error) {
        expect(error).toMatchObject({ code: "SNAPSHOT_VALUE_UNSUPPORTED" });
        continue;
      }
      expect(decodeValue(bytes)).toEqual({ a: 1, b: 2, c: undefined });
    }
  });
});

describe("more shapes than are kept", () => {
  const others = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ [`name${from + i}`]: i }));

  test("a value with thousands of shapes declares each once, and comes back", () => {
    const value = [{ a: 1 }, ...others(0, 5000), { a: 1 }];
    const bytes = encodeValue(value);
    expect(decodeValue(bytes)).toEqual(value);
    expect(hex(encodeValue(decodeValue(bytes)))).toBe(hex(bytes));
  });

  test("equal values have equal bytes, whatever was encoded between them", () => {
    const value = [{ p: 1 }, { q: 1 }, { p: 1 }, { q: [{ p: 2 }] }];
    const before = hex(encodeValue(value));
    for (let i = 0; i < 12; i++) {
      for (const other of others(10_000 + i * 700, 700)) encodeValue([{ p: 0 }, other, { q: 0 }]);
      expect(hex(encodeValue(value))).toBe(before);
      expect(decodeValue(fromHex(before))).toEqual(value);
    }
  });

  test("objects of hundreds of names share a declaration", () => {
    const large = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, i]));
    const bytes = encodeValue([large, { ...large }, { x: 1 }, { ...large }]);
    expect(bytes.length).toBeLessThan(encodeValue(large).length + 3 * 800);
    expect(decodeValue(bytes)).toEqual([large, large, { x: 1 }, large]);
    expect(hex(encodeValue(decodeValue(bytes)))).toBe(hex(bytes));
  });
});
