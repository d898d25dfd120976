import { HostObject, sha256, SnapshotBlob, UnsupportedView } from "../../snapshot/index.js";

const cyclic: { self?: unknown; list: unknown[] } = { list: [] };
cyclic.self = cyclic;
cyclic.list.push(cyclic, cyclic.list);

const shared = { n: 1 };
const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16).buffer;
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer;
const resizable = new ResizableBuffer(4, { maxByteLength: 16 });
const proto = Object.defineProperty({ a: 1 }, "__proto__", {
  value: "own",
  enumerable: true,
  writable: true,
  configurable: true,
});
const sparse: unknown[] = [];
sparse.length = 5;
sparse[1] = "one";
const named = Object.assign([1, 2], { "": 0, foo: "bar" });
const withoutStack = (error: Error): Error => Object.defineProperty(error, "stack", { value: undefined });
const deep = (levels: number): unknown => {
  let value: unknown = "bottom";
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { down: value };
  return value;
};
/** Node has it from version 24 on. */
const Float16 = (
  globalThis as { Float16Array?: new (buffer: ArrayBuffer, byteOffset: number, length: number) => object }
).Float16Array;
const content = new TextEncoder().encode("hello");

/** One value of each kind that the format knows: name -> value. The golden bytes are in values.json. */
export const valueCases: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  false: false,
  true: true,
  "integer 0": 0,
  "integer 127": 127,
  "integer 128": 128,
  "integer 2^31 - 1": 2 ** 31 - 1,
  "integer 2^31 (a float64)": 2 ** 31,
  "integer -1": -1,
  "integer -2^31": -(2 ** 31),
  "integer -2^31 - 1 (a float64)": -(2 ** 31) - 1,
  "minus zero": -0,
  "one half": 0.5,
  NaN: NaN,
  Infinity: Infinity,
  "-Infinity": -Infinity,
  "smallest number": 5e-324,
  "bigint 0": 0n,
  "bigint 255": 255n,
  "bigint 256": 256n,
  "bigint -1": -1n,
  "bigint 2^70": 2n ** 70n,
  "string empty": "",
  "string ASCII": "abc",
  "string of 63": "x".repeat(63),
  "string of 64": "x".repeat(64),
  "string with NUL and BOM": "\uFEFFa\0b",
  "string astral": "\u{1F600}é",
  "string with a lone surrogate": "a\uD800",
  "object empty": {},
  "object with order and integer-like names": { b: 1, a: 2, 10: 3, 2: 4 },
  "object with own __proto__": proto,
  "object with a lone surrogate in a name": { "\uDC00": 1 },
  "objects of one shape and of another": [{ x: 1, y: 2 }, { x: 3, y: 4 }, { y: 5 }],
  "array empty": [],
  "array dense, undefined is no hole": [1, undefined, null],
  "array sparse": sparse,
  "array with named properties": named,
  Map: new Map<unknown, unknown>([
    ["a", 1],
    [NaN, undefined],
    [{ k: 1 }, new Map()],
  ]),
  Set: new Set<unknown>(["a", 1, shared]),
  Date: new Date(Date.UTC(2024, 1, 29)),
  "Date before the epoch": new Date(-1),
  "Date invalid": new Date(NaN),
  RegExp: /a\/b[\u00e9]/giu,
  ArrayBuffer: Uint8Array.of(1, 2, 3).buffer,
  "ArrayBuffer empty": new ArrayBuffer(0),
  "ArrayBuffer resizable": resizable,
  "Uint8Array of a whole buffer": Uint8Array.of(0, 255),
  "Uint8Array of a part": new Uint8Array(buffer, 4, 3),
  "two views of one buffer": [new Float64Array(buffer), new DataView(buffer, 1, 2)],
  "view that follows a resizable buffer": new Uint8Array(new ResizableBuffer(4, { maxByteLength: 8 }), 1),
  Int8Array: Int8Array.of(-1),
  Uint8ClampedArray: Uint8ClampedArray.of(255),
  Int16Array: Int16Array.of(-2),
  Uint16Array: Uint16Array.of(65535),
  Int32Array: Int32Array.of(-3),
  Uint32Array: Uint32Array.of(4294967295),
  Float32Array: Float32Array.of(1.5),
  Float64Array: Float64Array.of(-0),
  BigInt64Array: BigInt64Array.of(-1n),
  BigUint64Array: BigUint64Array.of(2n ** 63n),
  Float16Array: Float16
    ? new Float16(Uint8Array.of(0, 60).buffer, 0, 1)
    : new UnsupportedView("Float16Array", Uint8Array.of(0, 60).buffer, 0, 1),
  "Boolean object": Object(false),
  "Number object": Object(-0),
  "String object": Object("boxed"),
  "BigInt object": Object(-5n),
  "Error without stack": withoutStack(new Error("failed")),
  "RangeError with stack and cause": Object.defineProperty(
    new RangeError("far", { cause: "away" }),
    "stack",
    { value: "RangeError: far\n    at x" },
  ),
  "shared reference": [shared, shared],
  cycle: cyclic,
  "nested over the chunk depth (contents come later)": deep(70),
  Blob: new SnapshotBlob({ sha256: sha256(content), size: content.length, type: "text/plain" }),
  File: {
    picture: new SnapshotBlob({
      sha256: sha256(content),
      size: content.length,
      type: "",
      name: "ä.txt",
      lastModified: 1700000000000,
    }),
  },
  "host object": new HostObject("DOMPoint", { x: 1, y: -0, z: 0, w: 1 }),
};
