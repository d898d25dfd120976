import { createHash } from "node:crypto";
import { SnapshotBlob, SnapshotError } from "../../snapshot/index.js";
import { define, emptyArray } from "../../snapshot/own-properties.js";

/** What a value needs besides itself. */
export interface ReviveContext {
  /** Takes the content of a Blob or File. */
  readonly addContent: (sha256: Uint8Array, bytes: Uint8Array) => void;
  /** Told of a type name that is not known: its data stays as it is. */
  readonly onUnknownType: (name: string) => void;
}

/** Deeper values have no JSON that the writer of such files could have made. */
const maxDepth = 2000;

/**
 * A value as dexie-export-import writes it: plain JSON with a property `$types` that names the type of the part at each path (typeson's encapsulation).
 * Paths are names joined by dots; `~1` is a dot and `~0` a tilde inside of a name. A part of type `#` is the path of an object that came before.
 * @throws SnapshotError CONVERT_INVALID for data that the named type cannot have
 */
export function reviveTypeson(json: unknown, context: ReviveContext): unknown {
  if (!isObject(json) || Array.isArray(json) || !Object.hasOwn(json, "$types")) return json;
  const { $types: types, $: wrapped } = json as { $types?: unknown; $?: unknown };
  if (types === true) return wrapped;
  if (!isObject(types)) throw invalid("$types names no types");
  const inner = (types as { $?: unknown }).$;
  return isObject(inner) && !Array.isArray(inner)
    ? new Reviver(inner as TypeNames, context, false).build(wrapped, "", 0)
    : new Reviver(types as TypeNames, context, true).build(json, "", 0);
}

type TypeNames = Readonly<Record<string, unknown>>;
type Plain = Readonly<Record<string, unknown>>;

class Reviver {
  private readonly types: TypeNames;
  private readonly context: ReviveContext;
  private readonly hidesTypes: boolean;
  private readonly byPath = new Map<string, unknown>();
  private readonly buffers: ArrayBuffer[] = [];

  constructor(types: TypeNames, context: ReviveContext, hidesTypes: boolean) {
    this.types = types;
    this.context = context;
    this.hidesTypes = hidesTypes;
  }

  build(json: unknown, path: string, depth: number): unknown {
    if (depth > maxDepth) throw invalid(`a value nested over ${maxDepth} levels`);
    const names = this.typesAt(path);
    if (names[0] === "#") return this.reference(json);
    const [container, ...more] = containerTypes.has(names[0] ?? "") ? names : ["", ...names];
    const built = this.container(container!, json, path, depth);
    const value = more.reduce((part, name) => this.leaf(name, part), built);
    if (isObject(value)) this.byPath.set(path, value);
    return value;
  }

  private typesAt(path: string): string[] {
    const types = Object.hasOwn(this.types, path) ? this.types[path] : undefined;
    if (types === undefined) return [];
    const list: unknown[] = Array.isArray(types) ? types : [types];
    if (!list.every((name) => typeof name === "string")) throw invalid("a type that is no name");
    return list;
  }

  private reference(json: unknown): unknown {
    const path = typeof json === "string" && json.startsWith("#") ? json.slice(1) : undefined;
    if (path === undefined || !this.byPath.has(path))
      throw invalid("a reference to an object that did not come before");
    return this.byPath.get(path);
  }

  /** Containers are registered before their contents, which may refer to them. */
  private container(type: string, json: unknown, path: string, depth: number): unknown {
    const child = (name: string | number) => (path === "" ? "" : `${path}.`) + escapeName(String(name));
    const build = (part: unknown, at: string) => this.build(part, at, depth + 1);
    if (type === "map") {
      const map = this.register(path, new Map<unknown, unknown>());
      arrayOf(json, "a Map").forEach((entry, i) => {
        const [key, value] = arrayOf(entry, "an entry of a Map");
        map.set(build(key, `${child(i)}.0`), build(value, `${child(i)}.1`));
      });
      return map;
    }
    if (type === "set") {
      const set = this.register(path, new Set<unknown>());
      arrayOf(json, "a Set").forEach((item, i) => set.add(build(item, child(i))));
      return set;
    }
    if (!isObject(json)) return json;
    if (Array.isArray(json) || type === "arrayNonindexKeys") {
      const length = (json as { length?: unknown }).length;
      if (typeof length !== "number" || !(length >= 0 && length <= 0xffffffff && Number.isInteger(length)))
        throw invalid("an array of no valid length");
      const array = this.register(path, emptyArray(length, Object.keys(json).length));
      for (const [name, item] of Object.entries(json)) {
        if (name === "length" || this.typesAt(child(name))[0] === "sparseUndefined") continue;
        define(array, name, build(item, child(name)));
      }
      return array;
    }
    const object = this.register(path, {});
    for (const [name, part] of Object.entries(json))
      if (!(path === "" && this.hidesTypes && name === "$types"))
        define(object, name, build(part, child(name)));
    return object;
  }

  private register<T extends object>(path: string, object: T): T {
    this.byPath.set(path, object);
    return object;
  }

  private leaf(type: string, part: unknown): unknown {
    switch (type) {
      case "undef":
      case "sparseUndefined":
        return undefined;
      case "nan":
        return NaN;
      case "infinity":
        return Infinity;
      case "negativeInfinity":
        return -Infinity;
      case "bigint":
        return bigintOf(part);
      case "bigintObject":
        return Object(bigintOf(part));
      case "date":
        return new Date(part === "NaN" ? NaN : numberOf(part, "a Date"));
      case "StringObject":
        return Object(textOf(part, "a String object"));
      case "NumberObject":
        return Object(numberOf(part, "a Number object"));
      case "BooleanObject":
        return Object(part === true);
      case "regexp":
        return regexpOf(part);
      case "userObject":
        return part;
      case "arraybuffer":
        return this.arrayBuffer(part);
      case "dataview":
        return this.dataView(part);
      case "blob2":
        return this.blob(part);
      case "blob":
      case "file":
        return this.file(part);
      default:
        return this.viewOrUnknown(type, part);
    }
  }

  private arrayBuffer(part: unknown): ArrayBuffer {
    if (isObject(part)) return this.bufferAt((part as Plain).index);
    return bytesOf(part).buffer;
  }

  private bufferAt(index: unknown): ArrayBuffer {
    const buffer = typeof index === "number" ? this.buffers[index] : undefined;
    if (!buffer) throw invalid("a buffer that did not come before");
    return buffer;
  }

  private dataView(part: unknown): DataView {
    const plain = plainOf(part, "a DataView");
    const { byteOffset, byteLength } = plain;
    const buffer = this.numberedBuffer(plain);
    return viewOf(
      () => new DataView(buffer, numberOf(byteOffset, "an offset"), numberOf(byteLength, "a length")),
    );
  }

  /** A buffer that stands here, or the number of one that did. */
  private numberedBuffer({ encoded, index }: Plain): ArrayBuffer {
    if (encoded === undefined) return this.bufferAt(index);
    const { buffer } = bytesOf(encoded);
    this.buffers.push(buffer);
    return buffer;
  }

  private viewOrUnknown(type: string, part: unknown): unknown {
    // The names without a 2 are those of earlier versions.
    const View = views.get(type.replace(/2$/, ""));
    if (!View) {
      this.context.onUnknownType(type);
      return part;
    }
    const plain = plainOf(part, "a view");
    const { byteOffset, length } = plain;
    const buffer = type.endsWith("2") ? plain.buffer : this.numberedBuffer(plain);
    if (!(buffer instanceof ArrayBuffer)) throw invalid("a view without a buffer");
    return viewOf(() => new View(buffer, numberOf(byteOffset, "an offset"), numberOf(length, "a length")));
  }

  private blob(part: unknown): SnapshotBlob {
    const { type, data } = plainOf(part, "a Blob");
    return this.content(bytesOf(data), { type: textOf(type, "a type") });
  }

  /** The bytes of a File (and of a Blob in early versions) are the low halves of a text's units. */
  private file(part: unknown): SnapshotBlob {
    const { type: mime, name, lastModified, stringContents } = plainOf(part, "a File");
    const bytes = new Uint8Array(Buffer.from(textOf(stringContents, "a File's content"), "latin1"));
    const type = textOf(mime, "a type");
    if (name === undefined) return this.content(bytes, { type });
    return this.content(bytes, {
      type,
      name: textOf(name, "a name"),
      lastModified: numberOf(lastModified, "a time"),
    });
  }

  private content(
    bytes: Uint8Array,
    parts: { readonly type: string; readonly name?: string; readonly lastModified?: number },
  ): SnapshotBlob {
    const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest());
    this.context.addContent(sha256, bytes);
    return new SnapshotBlob({ ...parts, sha256, size: bytes.length });
  }
}

const containerTypes = new Set(["map", "set", "arrayNonindexKeys", "userObject"]);

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;
const views = new Map<string, ViewConstructor>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ].map((View) => [View.name.toLowerCase(), View]),
);

function escapeName(name: string): string {
  return name.replaceAll("~", "~0").replaceAll(".", "~1");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function invalid(what: string): SnapshotError {
  return new SnapshotError(
    "CONVERT_INVALID",
    `The file holds ${what}. It was altered, or not written by dexie-export-import.`,
  );
}

function plainOf(part: unknown, what: string): Plain {
  if (!isObject(part)) throw invalid(`${what} without its data`);
  return part as Plain;
}

function arrayOf(part: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(part)) throw invalid(`${what} without its data`);
  return part;
}

function textOf(part: unknown, what: string): string {
  if (typeof part !== "string") throw invalid(`${what} that is no text`);
  return part;
}

function numberOf(part: unknown, what: string): number {
  if (typeof part !== "number") throw invalid(`${what} that is no number`);
  return part;
}

function bigintOf(part: unknown): bigint {
  const text = textOf(part, "a bigint");
  if (!/^-?\d+$/.test(text)) throw invalid("a bigint that is no number");
  return BigInt(text);
}

function regexpOf(part: unknown): RegExp {
  const { source, flags } = plainOf(part, "a regular expression");
  try {
    return new RegExp(textOf(source, "a pattern"), textOf(flags, "flags"));
  } catch (cause) {
    if (cause instanceof SnapshotError) throw cause;
    throw invalid("a regular expression that is none");
  }
}

/** Base64, in a buffer of its own. */
function bytesOf(part: unknown): Uint8Array<ArrayBuffer> {
  const text = textOf(part, "binary data");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalid("binary data that is no base64");
  return new Uint8Array(Buffer.from(text, "base64"));
}

function viewOf<T>(create: () => T): T {
  try {
    return create();
  } catch (cause) {
    if (cause instanceof SnapshotError) throw cause;
    throw invalid("a view beyond its buffer");
  }
}
