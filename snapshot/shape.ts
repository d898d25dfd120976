import type { ByteReader } from "./byte-reader.js";
import { type Filler, fillers } from "./gen/fillers.js";
import { readLatin1 } from "./text.js";
import { TextWriter } from "./text-writer.js";

/**
 * A shape is the list of an object's property names in their order. A value declares each of its shapes where it first meets it; later
 * objects name it by number. Records of one store mostly have the same shapes in the same order, so both sides keep them, guess the next
 * from the last, and neither encodes nor decodes the names again.
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
  /** The value that was read last with this shape declared in it. */
  readBy: number;
  /** The shape that was declared after this one the last time: the first guess. */
  next: Shape | undefined;
  /** Stores the values of an object of this shape. */
  readonly fill: Filler;
  /**
   * An object of this shape. Engines forget how the properties of objects are laid out when the last such object is collected, and with it the code that they
   * made for it; one that stays keeps both.
   */
  readonly example: object;
}

interface Node {
  shape: Shape | undefined;
  children: Map<string, Node>;
}

/** Stores whose objects have ever new names (used as dictionaries) must not fill memory. */
const maxCachedShapes = 2048;
const maxCachedNames = 256;
const maxCachedBytes = 4096;
let root: Node = { shape: undefined, children: new Map() };
let cached = 0;
let shapes = 0;
const declarations = new TextWriter();

const large = new Map<string, Shape>();
let atWork = 0;

/** A value's encoding or decoding begins: until the last of them ends, equal names have one shape. */
export function holdShapes(): void {
  if (atWork++ === 0 && cached > maxCachedShapes) forgetShapes();
}

/** Each `holdShapes` has one. */
export function releaseShapes(): void {
  atWork--;
}

/** No shape that is forgotten may be guessed again: it would be a second one of the same names. */
function forgetShapes(): void {
  const nodes = [root];
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    if (node.shape) node.shape.next = undefined;
    for (const child of node.children.values()) nodes.push(child);
  }
  for (const shape of large.values()) shape.next = undefined;
  root = { shape: undefined, children: new Map() };
  large.clear();
  known.clear();
  cached = 0;
}

/** The shape with these names: the same object for the same names, as long as a value is at work. */
export function shapeOf(names: readonly string[]): Shape {
  if (names.length > maxCachedNames) return largeShape(names);
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

/** A tree of many names would take more memory than they. */
function largeShape(names: readonly string[]): Shape {
  const created = createShape(names);
  const key = readLatin1(created.bytes, 0, created.bytes.length);
  const shape = large.get(key);
  if (shape) return shape;
  large.set(key, created);
  cached += names.length >> 4;
  return created;
}

function createShape(names: readonly string[]): Shape {
  declarations.reset();
  declarations.varint(names.length);
  for (const name of names) declarations.text(name);
  const list = declarations.finish();
  declarations.reset();
  declarations.varint(list.length);
  declarations.bytes(list);
  return {
    names: [...names],
    bytes: declarations.finish(),
    hasProto: names.includes("__proto__"),
    usedBy: -1,
    index: 0,
    readBy: -1,
    next: undefined,
    fill: fillers[shapes++ % fillers.length]!,
    example: exampleOf(names),
  };
}

function exampleOf(names: readonly string[]): object {
  const example: Record<string, unknown> = {};
  if (!names.includes("__proto__")) for (const name of names) example[name] = null;
  return example;
}

const known = new Map<string, Shape>();

/** The shape whose declaration stands at the reader's place; `guess` is compared first. */
export function readShape(reader: TextReader, guess: Shape | undefined): Shape {
  if (guess && startsWith(reader, guess.bytes)) {
    reader.position += guess.bytes.length;
    return guess;
  }
  const from = reader.position;
  const length = reader.count();
  const end = reader.position + length;
  if (end - from > maxCachedBytes) return parseShape(reader, end);
  const key = readLatin1(reader.bytes, from, end);
  let shape = known.get(key);
  if (shape) {
    reader.position = end;
    return shape;
  }
  shape = parseShape(reader, end);
  known.set(key, shape);
  return shape;
}

/** What reads the text of names. */
interface TextReader extends ByteReader {
  text(): string;
}

function startsWith({ bytes, position, end }: ByteReader, expected: Uint8Array): boolean {
  if (expected.length > end - position) return false;
  for (let i = 0; i < expected.length; i++) if (expected[i] !== bytes[position + i]) return false;
  return true;
}

function parseShape(reader: TextReader, end: number): Shape {
  const count = reader.count();
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(reader.text());
  if (reader.position !== end) throw reader.malformed("a list of property names of another length");
  const shape = shapeOf(names);
  if (new Set(names).size !== count) throw reader.malformed("an object that announces a property name twice");
  return shape;
}
