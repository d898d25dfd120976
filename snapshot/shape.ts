import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { SnapshotError } from "./error.js";
import { isWellFormed, readUtf16, readUtf8, writeUtf16, writeUtf8 } from "./text.js";

/**
 * A shape is the list of an object's property names in their order. A value declares each of its shapes once, in front; its objects name
 * them by number. Records of one store mostly have the same shapes, so both sides keep the last ones and neither encodes nor decodes the
 * names again.
 */
export interface Shape {
  readonly names: readonly string[];
  /** The declaration as it stands in a value. */
  readonly bytes: Uint8Array;
  /** "__proto__" must be defined, not assigned. */
  readonly hasProto: boolean;
  /** The value that declared this shape last, and as which number. */
  usedBy: number;
  index: number;
  /** The shape that followed this one the last time: the first guess. */
  next: Shape | undefined;
}

interface Node {
  shape: Shape | undefined;
  children: Map<string, Node>;
}

/** Stores whose objects have ever new names (used as dictionaries) must not fill memory. */
const maxCachedShapes = 2048;
const maxCachedNames = 256;
let root: Node = { shape: undefined, children: new Map() };
let cached = 0;

export function shapeOf(names: readonly string[], guess: Shape | undefined): Shape {
  if (guess && sameNames(guess.names, names)) return guess;
  if (names.length > maxCachedNames) return createShape(names);
  if (cached > maxCachedShapes) {
    root = { shape: undefined, children: new Map() };
    cached = 0;
  }
  let node = root;
  for (const name of names) {
    let child = node.children.get(name);
    if (!child) node.children.set(name, (child = { shape: undefined, children: new Map() }));
    node = child;
  }
  if (!node.shape) {
    node.shape = createShape(names);
    cached++;
  }
  return node.shape;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function createShape(names: readonly string[]): Shape {
  const writer = new ByteWriter(names.length * 16 + 8);
  writer.varint(names.length);
  for (const name of names) {
    const utf16 = !isWellFormed(name);
    const room = new Uint8Array(name.length * 3);
    const length = utf16 ? writeUtf16(name, room, 0) : writeUtf8(name, room);
    writer.varint(length * 2 + (utf16 ? 1 : 0));
    writer.bytes(room.subarray(0, length));
  }
  return {
    names: [...names],
    bytes: writer.finish(),
    hasProto: names.includes("__proto__"),
    usedBy: -1,
    index: 0,
    next: undefined,
  };
}

/** What decoding needs of a shape. */
export interface DecodedShape {
  readonly names: readonly string[];
  readonly hasProto: boolean;
}

interface CachedSection {
  readonly bytes: Uint8Array;
  readonly shapes: readonly DecodedShape[];
}

const recent: CachedSection[] = [];
const maxRecent = 16;
const maxCachedSection = 4096;

/** The shapes of a value's shape section, from the cache when the very same bytes came lately. */
export function decodeShapes(bytes: Uint8Array, start: number, end: number): readonly DecodedShape[] {
  for (let i = 0; i < recent.length; i++) {
    const entry = recent[i]!;
    if (!sameBytes(entry.bytes, bytes, start, end)) continue;
    if (i > 0) {
      recent.splice(i, 1);
      recent.unshift(entry);
    }
    return entry.shapes;
  }
  const shapes = parseShapes(bytes, start, end);
  if (end - start <= maxCachedSection) {
    recent.unshift({ bytes: bytes.slice(start, end), shapes });
    if (recent.length > maxRecent) recent.pop();
  }
  return shapes;
}

function sameBytes(expected: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (expected.length !== end - start) return false;
  for (let i = 0; i < expected.length; i++) if (expected[i] !== bytes[start + i]) return false;
  return true;
}

function parseShapes(bytes: Uint8Array, start: number, end: number): DecodedShape[] {
  const reader = new ByteReader(bytes, start, end);
  const shapes: DecodedShape[] = [];
  while (reader.left > 0) {
    const count = reader.count();
    const names: string[] = [];
    for (let i = 0; i < count; i++) {
      const header = reader.varint();
      const length = Math.floor(header / 2);
      const from = reader.position;
      reader.take(length);
      const name =
        header % 2 === 1 ? readUtf16Name(bytes, from, length) : readUtf8(bytes, from, from + length);
      if (name === undefined) throw reader.malformed("a property name that is no valid text");
      names.push(name);
    }
    if (new Set(names).size !== count) {
      throw new SnapshotError("SNAPSHOT_MALFORMED", "An object announces the same property name twice.", {
        offset: start,
      });
    }
    shapes.push({ names, hasProto: names.includes("__proto__") });
  }
  return shapes;
}

function readUtf16Name(bytes: Uint8Array, from: number, length: number): string | undefined {
  if (length % 2 !== 0) return undefined;
  const name = readUtf16(bytes, from, from + length);
  return isWellFormed(name) ? undefined : name;
}
