/** One value per type and edge that IndexedDB can store; types that this browser lacks are left out. */
export async function valueMatrix(): Promise<Record<string, unknown>> {
  const scope = globalThis as unknown as Record<string, (new (...parts: unknown[]) => object) | undefined>;
  const buffer = new Uint8Array(64).map((_, at) => at * 3).buffer;
  const shared = { shared: true };
  const cycle: Record<string, unknown> = { name: "cycle" };
  cycle.self = cycle;
  const selfMap = new Map<unknown, unknown>();
  selfMap.set(selfMap, new Set([selfMap]));
  const holes = [1, , 3, , ,] as unknown[];
  const named = Object.assign([1, 2], { foo: "bar", "": 0 });
  const sparse: unknown[] = [];
  sparse[1_000_000] = "far";
  const proto = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "length": 2}') as object;
  let deep: unknown = "deep";
  for (let level = 0; level < 500; level++) deep = level % 2 ? [deep] : { deep };
  const error = new RangeError("range", { cause: { why: ["because"] } });
  const values: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    booleans: [true, false],
    numbers: [
      0,
      -0,
      1,
      -1,
      127,
      128,
      2 ** 31,
      -(2 ** 31),
      2 ** 53,
      -(2 ** 53),
      0.1,
      5e-324,
      Number.MAX_VALUE,
      NaN,
      Infinity,
      -Infinity,
    ],
    bigints: [0n, -1n, 2n ** 64n, -(2n ** 200n)],
    strings: ["", "a", "\u0000", "\ufeffbom", "é", "\u{1f600}", "\ud800", "\udc00x", "x".repeat(70_000)],
    "lone surrogate in a name": { "\ud800": 1, "\u0000": 2 },
    boxed: [
      new Boolean(false),
      new Boolean(true),
      new Number(-0),
      new Number(NaN),
      new String("s\ud800"),
      Object(2n ** 70n),
    ],
    dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(-8.64e15), new Date(NaN)],
    regexps: [/a/, /[/\]]+\n/giu, new RegExp("", "msy")],
    "array buffers": [new ArrayBuffer(0), new Uint8Array([1, 2, 3]).buffer],
    "views share a buffer": [
      new Uint8Array(buffer, 3, 5),
      new Int32Array(buffer, 4, 2),
      new DataView(buffer, 1),
      buffer,
    ],
    "every view": [
      new Int8Array([-1]),
      new Uint8Array([255]),
      new Uint8ClampedArray([255]),
      new Int16Array([-2]),
      new Uint16Array([65535]),
      new Int32Array([-3]),
      new Uint32Array([4294967295]),
      new Float32Array([0.5, NaN]),
      new Float64Array([-0, 1e300]),
      new BigInt64Array([-5n]),
      new BigUint64Array([2n ** 64n - 1n]),
      new DataView(new ArrayBuffer(3)),
      new Uint8Array(0),
    ],
    "a small view of a large buffer": new Uint8Array(new ArrayBuffer(1000), 10, 5),
    "maps and sets": [
      new Map<unknown, unknown>([
        [NaN, undefined],
        [{ k: 1 }, new Date(1)],
      ]),
      new Set([undefined, "", -1, {}]),
      new Map(),
      new Set(),
      selfMap,
    ],
    arrays: [[], [undefined], holes, named, sparse],
    "object order": { b: 1, a: 2, 2: "two", 1: "one", "": "empty" },
    "own __proto__": proto,
    "shared references": [shared, shared, { again: shared }, new Date(1)],
    cycle: cycle,
    "deep nesting": deep,
    errors: [
      new Error("e"),
      error,
      new TypeError(""),
      new EvalError("x"),
      new ReferenceError("x"),
      new SyntaxError("x"),
      new URIError("x"),
      new Error(),
    ],
    blob: new Blob(["hello ", new Uint8Array(300)], { type: "text/plain" }),
    files: [
      new File(["content"], "name \ud83d\ude00.txt", { type: "text/markdown", lastModified: 12345 }),
      new File([], "", {}),
    ],
    "large blob": {
      blob: new Blob([new Uint8Array(3_000_000).map((_, at) => at % 251)]),
      twice: new Blob(["hello ", new Uint8Array(300)], { type: "text/plain" }),
    },
    DOMException: [new DOMException("message", "DataError"), new DOMException("", "Custom")],
    ImageData: new ImageData(
      new Uint8ClampedArray(16).map((_, at) => at),
      2,
      2,
    ),
    DOMRect: [new DOMRect(1, 2, 3, 4), new DOMRectReadOnly(-0, NaN, 3, 4)],
    DOMPoint: [new DOMPoint(1, 2, 3, 4), new DOMPointReadOnly(5)],
    DOMMatrix: [
      new DOMMatrix([1, 2, 3, 4, 5, 6]),
      new DOMMatrixReadOnly(Array.from({ length: 16 }, (_, at) => at)),
    ],
    DOMQuad: new DOMQuad(new DOMPoint(1), new DOMPoint(2), new DOMPoint(3), new DOMPoint(4)),
    CryptoKey: await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, [
      "encrypt",
      "decrypt",
    ]),
    "CryptoKey pair with a blob": {
      pair: await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]),
      hmac: await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]),
      blob: new Blob(["beside keys"]),
    },
  };
  if ("resizable" in ArrayBuffer.prototype) {
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer;
    values["resizable buffers"] = [
      new Resizable(2, { maxByteLength: 8 }),
      new Uint8Array(new Resizable(4, { maxByteLength: 16 }), 1),
    ];
  }
  const Float16 = scope.Float16Array;
  if (Float16) values.Float16Array = new Float16([0.5, -0]);
  const Quota = scope.QuotaExceededError;
  if (Quota) values.QuotaExceededError = new Quota("quota", { quota: 1, requested: 2 });
  if (typeof DataTransfer !== "undefined") {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["one"], "1.txt", { lastModified: 1 }));
    transfer.items.add(new File(["two"], "2.txt", { lastModified: 2 }));
    values.FileList = { files: transfer.files, empty: new DataTransfer().files };
  }
  return values;
}

/** Keys of every kind, in ascending order. */
export function keyMatrix(): IDBValidKey[] {
  return [
    -Infinity,
    -1e300,
    -1,
    -5e-324,
    0,
    5e-324,
    0.5,
    1,
    2 ** 53,
    Infinity,
    new Date(-8.64e15),
    new Date(0),
    new Date(8.64e15),
    "",
    "\u0000",
    "a",
    "ab",
    "b",
    "\u007f",
    "\u0080",
    "\u407e",
    "\u407f",
    "\ud800",
    "\u{10000}",
    "\udc00",
    "\uffff",
    new ArrayBuffer(0),
    new Uint8Array([0]).buffer,
    new Uint8Array([0, 0]).buffer,
    new Uint8Array([1]).buffer,
    new Uint8Array([255]).buffer,
    [],
    [-1],
    [1],
    [1, "x"],
    [new Date(0)],
    ["a"],
    ["a", []],
    [new Uint8Array([1]).buffer],
    [[]],
    [[[1]]],
  ];
}
