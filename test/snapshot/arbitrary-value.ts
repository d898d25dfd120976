import fc from "fast-check";

/** Any UTF-16 string: lone surrogates, NUL, BOM, astral, long ones. */
export const arbitraryString = fc.oneof(
  fc.string(),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme", maxLength: 100 }),
  fc.constantFrom(
    "",
    "\0",
    "\uFEFFbom",
    "\uD800",
    "\uDC00\uD800",
    "\u{1F600}",
    "\uFFFD",
    "a".repeat(63),
    "a".repeat(64),
    "é".repeat(70),
  ),
);

const arbitraryName = fc.oneof(
  arbitraryString,
  fc.constantFrom("id", "title", "__proto__", "constructor", "length", "toJSON", "0", "10", "then"),
);

const primitive = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    -0,
    0,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    2 ** 31,
    2 ** 31 - 1,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 53,
    127,
    128,
    -1,
  ),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.constantFrom(0n, -1n, 255n, 256n, -(2n ** 64n), 2n ** 1000n),
  arbitraryString,
);

const viewConstructors = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;
type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView;
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer;

const buffer = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.slice().buffer);
const resizable = fc
  .tuple(fc.nat(32), fc.nat(32))
  .map(([length, more]) => new ResizableBuffer(length, { maxByteLength: length + more }));

const view = fc
  .tuple(
    fc.oneof(buffer, resizable),
    fc.constantFrom(...viewConstructors),
    fc.nat(4),
    fc.nat(4),
    fc.boolean(),
  )
  .map(([bytes, Constructor, offset, length, tracking]) => {
    const unit = (Constructor as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    const at = Math.min(offset, Math.floor(bytes.byteLength / unit)) * unit;
    const Make = Constructor as unknown as ViewConstructor;
    // V8 of Node 20 refuses a following view unless whole elements fit.
    if (
      tracking &&
      bytes.byteLength % unit === 0 &&
      (bytes as ArrayBuffer & { resizable: boolean }).resizable
    )
      return new Make(bytes, at);
    return new Make(bytes, at, Math.min(length, Math.floor((bytes.byteLength - at) / unit)));
  });

const errors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

const leaf = fc.oneof(
  fc.oneof(
    fc.date(),
    fc.constantFrom(8.64e15, -8.64e15, NaN).map((time) => new Date(time)),
  ),
  fc.constantFrom(/a/g, /[\u{1F600}]/u, /(?<x>y)\//dgimsy).map((r) => new RegExp(r.source, r.flags)),
  buffer,
  resizable,
  view,
  fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array(bytes)),
  fc
    .oneof(fc.boolean(), fc.double(), fc.constant(-0), fc.bigInt(), arbitraryString)
    .map((p) => Object(p) as object),
);

const arbitraryInstruction = fc.record({
  kind: fc.constantFrom("object", "array", "sparse", "map", "set", "error", "leaf", "primitive"),
  names: fc.array(arbitraryName, { maxLength: 5 }),
  primitive,
  leaf,
  picks: fc.array(fc.nat(), { maxLength: 6 }),
  size: fc.nat(20),
});

/** A graph of up to thirty nodes whose members are any other nodes: trees, shared references and cycles alike. */
export function arbitraryGraph(): fc.Arbitrary<unknown> {
  return fc.array(arbitraryInstruction, { minLength: 1, maxLength: 30 }).map((instructions) => {
    const nodes = instructions.map((i): unknown => {
      switch (i.kind) {
        case "object":
          return {};
        case "array":
        case "sparse":
          return [];
        case "map":
          return new Map();
        case "set":
          return new Set();
        case "error":
          return new errors[i.size % errors.length]!(i.names[0] ?? "");
        case "leaf":
          return i.leaf;
        default:
          return i.primitive;
      }
    });
    instructions.forEach((instruction, n) => fill(nodes, nodes[n], instruction));
    return nodes[0];
  });
}

interface Instruction {
  readonly kind: string;
  readonly names: readonly string[];
  readonly picks: readonly number[];
  readonly size: number;
}

function fill(nodes: readonly unknown[], node: unknown, { kind, names, picks, size }: Instruction): void {
  const members = picks.map((pick) => nodes[pick % nodes.length]);
  const set = (target: object, name: string, value: unknown) =>
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  if (kind === "object") {
    members.forEach((member, i) => set(node as object, names[i] ?? `p${i}`, member));
  } else if (kind === "array") {
    (node as unknown[]).push(...members);
  } else if (kind === "sparse") {
    (node as unknown[]).length = size;
    members.forEach((member, i) => {
      if (i * 3 < size) (node as unknown[])[i * 3] = member;
    });
    if (size % 3 === 0)
      set(node as object, names.find((n) => n !== "length" && !/^\d+$/.test(n)) ?? "named", size);
  } else if (kind === "map") {
    members.forEach((member, i) =>
      (node as Map<unknown, unknown>).set(member, members[members.length - 1 - i]),
    );
  } else if (kind === "set") {
    members.forEach((member) => (node as Set<unknown>).add(member));
  } else if (kind === "error" && members.length > 0) {
    Object.defineProperty(node, "cause", { value: members[0], writable: true, configurable: true });
  }
}
