import { HostObject, SnapshotBlob, SnapshotError, UnsupportedView, fromHex } from "../../snapshot/index.js";
import { maxJsonDepth } from "./tagged-json.js";

type Step = string | number;

/**
 * The value that `toTaggedJson` wrote, types, cycles and shared objects included. Own `__proto__` properties are plain properties.
 * @throws SnapshotError SNAPSHOT_MALFORMED for text that `toTaggedJson` did not write.
 * @example fromTaggedJson('{"$set":[1,{"$number":"NaN"}]}'); // Set {1, NaN}
 */
export function fromTaggedJson(text: string): unknown {
  const document = parse(text);
  return new Decoder(document).decode(document, 0);
}

/**
 * The JSON columns of one row, and its `_rest`, as an object: references from one column into another are found.
 * @param columns By property.
 * @example fromTaggedJsonColumns({ tags: row.tags, history: row.history }, row._rest)
 */
export function fromTaggedJsonColumns(
  columns: Readonly<Record<string, string>>,
  rest: string | null = null,
): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const [field, text] of Object.entries(columns)) define(document, field, parse(text));
  if (rest !== null) {
    const parsed = parse(rest);
    if (!isNode(parsed)) throw malformed("the rest of a row is no object");
    const escaped = parsed.$object;
    for (const [field, node] of Object.entries(isNode(escaped) ? escaped : parsed))
      define(document, field, node);
  }
  return new Decoder(document).decodeObject(document, {}, 0);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw malformed("it is no JSON", cause);
  }
}

function malformed(what: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_MALFORMED",
    `The text is not the tagged JSON that toTaggedJson writes: ${what}.`,
    {
      cause,
    },
  );
}

/** Assignment to `__proto__` would set a prototype. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Decoder {
  private readonly document: unknown;
  /** What each JSON node stands for, registered before its inside is decoded: that is what makes cycles possible. */
  private readonly decoded = new Map<unknown, unknown>();

  constructor(document: unknown) {
    this.document = document;
  }

  decode(node: unknown, depth: number): unknown {
    if (typeof node !== "object" || node === null) return node;
    if (depth > 2 * maxJsonDepth) throw malformed("it is nested too deeply");
    if (this.decoded.has(node)) return this.decoded.get(node);
    if (Array.isArray(node)) {
      const target = this.register(node, new Array<unknown>(node.length));
      node.forEach((item, i) => (target[i] = this.decode(item, depth + 1)));
      return target;
    }
    const object = node as Record<string, unknown>;
    const [first] = Object.keys(object);
    if (first?.startsWith("$")) return this.decodeTagged(object, first, object[first], depth);
    return this.decodeObject(object, {}, depth);
  }

  decodeObject(
    node: Record<string, unknown>,
    target: Record<string, unknown>,
    depth: number,
  ): Record<string, unknown> {
    this.register(node, target);
    for (const key of Object.keys(node)) define(target, key, this.decode(node[key], depth + 1));
    return target;
  }

  private register<T>(node: object, value: T): T {
    this.decoded.set(node, value);
    return value;
  }

  private decodeTagged(node: Record<string, unknown>, tag: string, body: unknown, depth: number): unknown {
    switch (tag) {
      case "$undefined":
        return undefined;
      case "$number":
        return Number(body);
      case "$bigint":
        return BigInt(typeof body === "string" ? body : NaN);
      case "$date":
        return new Date(typeof body === "string" ? body : NaN);
      case "$boxed":
        return Object(this.decode(body, depth + 1));
      case "$ref":
        return this.resolve(body, depth);
      case "$array":
        return this.decodeSparseArray(node, body, depth);
    }
    if (Array.isArray(body)) {
      if (tag === "$regexp") return new RegExp(String(body[0]), String(body[1]));
      if (tag === "$map") return this.decodeMap(node, body, depth);
      if (tag === "$set") {
        const set = this.register(node, new Set());
        for (const item of body) set.add(this.decode(item, depth + 1));
        return set;
      }
    } else if (isNode(body)) {
      if (tag === "$object") {
        this.register(node, this.decodeObject(body, {}, depth));
        return this.decoded.get(node);
      }
      if (tag === "$binary") return this.register(node, binary(String(body.type), String(body.base64)));
      if (tag === "$view") return this.register(node, this.decodeView(body, depth));
      if (tag === "$error") return this.decodeError(node, body, depth);
      if (tag === "$blob") return decodeBlob(body);
      if (tag === "$host")
        return this.register(node, new HostObject(String(body.type), this.decode(body.data, depth + 1)));
    }
    throw malformed(`the tag ${tag} is unknown or has another form`);
  }

  private decodeMap(node: object, entries: readonly unknown[], depth: number): Map<unknown, unknown> {
    const map = this.register(node, new Map<unknown, unknown>());
    for (const entry of entries) {
      if (!Array.isArray(entry)) throw malformed("a Map's entry is no pair");
      map.set(this.decode(entry[0], depth + 1), this.decode(entry[1], depth + 1));
    }
    return map;
  }

  private decodeSparseArray(node: object, body: unknown, depth: number): unknown[] {
    if (!isNode(body) || !Array.isArray(body.entries)) throw malformed("an array without entries");
    const array = this.register(node, [] as unknown[]);
    array.length = Number(body.length);
    for (const entry of body.entries as unknown[]) {
      if (!Array.isArray(entry)) throw malformed("an array's entry is no pair");
      define(array, String(entry[0]), this.decode(entry[1], depth + 1));
    }
    return array;
  }

  private decodeView(body: Record<string, unknown>, depth: number): unknown {
    const buffer = this.decode(body.buffer, depth + 1);
    if (!(buffer instanceof ArrayBuffer)) throw malformed("a view of something that is no buffer");
    const { byteOffset, length } = body;
    return makeView(
      String(body.type),
      buffer,
      Number(byteOffset),
      length === null ? undefined : Number(length),
    );
  }

  private decodeError(node: object, body: Record<string, unknown>, depth: number): Error {
    const constructor = errorConstructors.find(({ name }) => name === body.name) ?? Error;
    const error = this.register(node, new constructor());
    delete error.stack;
    const parts = constructor.name === body.name ? ["message", "stack"] : ["name", "message", "stack"];
    for (const part of parts)
      if (typeof body[part] === "string")
        Object.defineProperty(error, part, { value: body[part], writable: true, configurable: true });
    if (Object.hasOwn(body, "cause"))
      Object.defineProperty(error, "cause", {
        value: this.decode(body.cause, depth + 1),
        writable: true,
        configurable: true,
      });
    return error;
  }

  private resolve(path: unknown, depth: number): unknown {
    if (!Array.isArray(path)) throw malformed("a reference without a path");
    let node: unknown = this.document;
    for (const step of path as Step[]) {
      if (step === "$buffer") {
        const view = this.decode(node, depth + 1);
        if (ArrayBuffer.isView(view)) return view.buffer;
        throw malformed("a reference to the buffer of something that is no view");
      }
      if (typeof node !== "object" || node === null || !Object.hasOwn(node, step))
        throw malformed(`the reference ${JSON.stringify(path)} leads nowhere`);
      node = (node as Record<Step, unknown>)[step];
    }
    return this.decode(node, depth + 1);
  }
}

const errorConstructors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

function binary(type: string, base64: string): unknown {
  const { buffer, byteOffset, byteLength } = Buffer.from(base64, "base64");
  const copy = buffer.slice(byteOffset, byteOffset + byteLength);
  return type === "ArrayBuffer" ? copy : makeView(type, copy, 0, undefined);
}

const viewConstructors: Readonly<
  Record<string, new (b: ArrayBuffer, o: number, n?: number) => ArrayBufferView>
> = {
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
};

function makeView(
  type: string,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number | undefined,
): unknown {
  if (Object.hasOwn(viewConstructors, type)) return new viewConstructors[type]!(buffer, byteOffset, length);
  if (type === "Float16Array") {
    const constructor = (globalThis as Record<string, unknown>).Float16Array as
      typeof Uint16Array | undefined;
    return constructor
      ? new constructor(buffer, byteOffset, length)
      : new UnsupportedView(
          "Float16Array",
          buffer,
          byteOffset,
          length ?? (buffer.byteLength - byteOffset) / 2,
        );
  }
  throw malformed(`the view type "${type}" is unknown`);
}

function decodeBlob(body: Record<string, unknown>): SnapshotBlob {
  return new SnapshotBlob({
    sha256: fromHex(String(body.sha256)),
    size: Number(body.size),
    type: String(body.type),
    name: typeof body.name === "string" ? body.name : undefined,
    lastModified: typeof body.lastModified === "number" ? body.lastModified : undefined,
  });
}
