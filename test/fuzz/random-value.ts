import { HostObject, SnapshotBlob } from "../../snapshot/index.js";
import type { Random } from "./random.js";

type ResizableConstructor = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView;

const names = [
  "id",
  "title",
  "updatedAt",
  "tags",
  "a",
  "b",
  "0",
  "10",
  "then",
  "constructor",
  "length",
  "toJSON",
  "",
  "é",
  "\u{1F600}",
  "\ud800",
] as const;
const numbers = [
  -0,
  0,
  1,
  63,
  64,
  127,
  128,
  -1,
  -128,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  0.1,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  1.7976931348623157e308,
] as const;
const errorConstructors = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
] as const;
const viewConstructors = [
  DataView,
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
] as const;
const expressions = [/a/, /[\u{1F600}]/gu, /(?<x>y)\/\n/dimsy] as const;

/**
 * A random value that IndexedDB can hold: trees, shared references and cycles of every type that Node has, most of them small. Without
 * the cost of a shrinking generator, for tens of millions of them; the same random numbers give the same value.
 */
export function randomValue(random: Random): unknown {
  return new Values(random).value(0);
}

class Values {
  private readonly random: Random;
  private readonly seen: object[] = [];
  private left: number;

  constructor(random: Random) {
    this.random = random;
    // How many parts the value may have.
    this.left = random.once(20) ? 200 : 1 + random.below(24);
  }

  value(depth: number): unknown {
    const { random } = this;
    if (this.left-- <= 0) return null;
    if (depth > 0 && this.seen.length > 0 && random.once(9)) return random.pick(this.seen);
    const kind = random.below(depth > 60 ? 10 : 24);
    if (kind < 3) return this.text();
    if (kind < 6) return this.number();
    switch (kind) {
      case 6:
        return random.pick([undefined, null, true, false]);
      case 7:
        return this.bigint();
      case 8:
        return this.leaf();
      case 9:
        return this.binary();
      case 10:
      case 11:
      case 12:
        return this.array(depth);
      case 13:
        return this.sparse(depth);
      case 14:
        return this.map(depth);
      case 15:
        return this.set(depth);
      case 16:
        return this.error(depth);
      case 17:
        return random.once(4) ? this.chain(depth) : this.object(depth);
      case 18:
        return random.once(3) ? this.host(depth) : this.object(depth);
      default:
        return this.object(depth);
    }
  }

  private keep<T extends object>(object: T): T {
    this.seen.push(object);
    return object;
  }

  private number(): number {
    const { random } = this;
    switch (random.below(4)) {
      case 0:
        return random.pick(numbers);
      case 1:
        return random.below(200);
      case 2:
        return random.bits() | 0;
      default:
        return (random.bits() - 2 ** 31) / 2 ** random.below(40);
    }
  }

  private bigint(): bigint {
    const { random } = this;
    let result = 0n;
    for (let n = random.below(random.once(10) ? 40 : 4); n > 0; n--)
      result = (result << 32n) | BigInt(random.bits());
    return random.once(2) ? -result : result;
  }

  private text(): string {
    const { random } = this;
    if (random.once(3)) return random.pick(names);
    const length = random.once(12) ? random.below(300) : random.below(24);
    // Latin-1 mostly, sometimes any unit: lone surrogates among them.
    const highest = random.pick([0x7e, 0x7e, 0xff, 0x3ff, 0xffff]);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(random.below(highest + 1));
    return text;
  }

  private leaf(): object {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
      case 1:
        return this.keep(
          new Date(random.once(8) ? random.pick([NaN, 8.64e15, -8.64e15, -0]) : random.bits() * 500),
        );
      case 2: {
        const { source, flags } = random.pick(expressions);
        return this.keep(new RegExp(source, flags));
      }
      case 3:
        return this.keep(Object(random.once(2)) as object);
      case 4:
        return this.keep(Object(this.number()) as object);
      case 5:
        return this.keep(Object(this.text()) as object);
      case 6:
        return this.keep(Object(this.bigint()) as object);
      default:
        return this.keep(this.blob());
    }
  }

  private blob(): SnapshotBlob {
    const { random } = this;
    const file = random.once(2);
    return new SnapshotBlob({
      sha256: this.bytes(32),
      size: random.bits(),
      type: random.pick(["", "image/png"]),
      ...(file ? { name: this.text(), lastModified: random.bits() } : {}),
    });
  }

  private bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.random.bits();
    return bytes;
  }

  private binary(): object {
    const { random } = this;
    const { buffer } = this.bytes(random.below(48)) as Uint8Array<ArrayBuffer>;
    if (random.once(3)) return this.keep(new Uint8Array(buffer));
    if (random.once(5)) return this.keep(this.resizable(buffer));
    if (random.once(4)) return this.keep(buffer);
    const shown = random.once(5) ? this.resizable(buffer) : buffer;
    const Constructor = random.pick(viewConstructors) as unknown as ViewConstructor & {
      BYTES_PER_ELEMENT?: number;
    };
    const unit = Constructor.BYTES_PER_ELEMENT ?? 1;
    const places = Math.floor(shown.byteLength / unit);
    const at = random.below(places + 1);
    if (random.once(2)) this.keep(shown);
    return this.keep(new Constructor(shown, at * unit, random.below(places - at + 1)));
  }

  private resizable(content: ArrayBuffer): ArrayBuffer {
    const Resizable = ArrayBuffer as unknown as ResizableConstructor;
    const buffer = new Resizable(content.byteLength, {
      maxByteLength: content.byteLength + this.random.below(64),
    });
    new Uint8Array(buffer).set(new Uint8Array(content));
    return buffer;
  }

  private object(depth: number): object {
    const { random } = this;
    const target = this.keep({});
    for (let n = random.below(7); n > 0; n--) define(target, this.name(), this.value(depth + 1));
    return target;
  }

  private name(): string {
    const { random } = this;
    if (random.once(40)) return "__proto__";
    return random.once(8) ? this.text() : random.pick(names);
  }

  private array(depth: number): unknown[] {
    const target = this.keep<unknown[]>([]);
    for (let n = this.random.below(6); n > 0; n--) target.push(this.value(depth + 1));
    return target;
  }

  private sparse(depth: number): unknown[] {
    const { random } = this;
    const target = this.keep<unknown[]>([]);
    target.length = random.once(20) ? 2 ** 32 - 1 : random.below(12);
    for (let n = random.below(4); n > 0 && target.length > 0; n--)
      target[random.below(Math.min(target.length, 12))] = this.value(depth + 1);
    if (random.once(2)) {
      const name = this.name();
      if (name !== "length" && !/^\d+$/.test(name)) define(target, name, this.value(depth + 1));
    }
    return target;
  }

  private map(depth: number): Map<unknown, unknown> {
    const target = this.keep(new Map<unknown, unknown>());
    for (let n = this.random.below(4); n > 0; n--) target.set(this.value(depth + 1), this.value(depth + 1));
    return target;
  }

  private set(depth: number): Set<unknown> {
    const target = this.keep(new Set<unknown>());
    for (let n = this.random.below(4); n > 0; n--) target.add(this.value(depth + 1));
    return target;
  }

  private error(depth: number): Error {
    const { random } = this;
    const Constructor = random.pick(errorConstructors);
    const error = random.once(4) ? new Constructor() : new Constructor(this.text());
    // A stack of its own would name this file's lines.
    define(error, "stack", random.once(3) ? undefined : this.text(), false);
    this.keep(error);
    if (random.once(2)) define(error, "cause", this.value(depth + 1), false);
    return error;
  }

  private host(depth: number): HostObject {
    // At most eight of them are nested: inside of one there are only leaves.
    const data: Record<string, unknown> = { x: this.number(), text: this.text() };
    if (depth > 0) data.leaf = this.leaf();
    return this.keep(new HostObject("DOMPoint", data));
  }

  /** Deep enough to be written in chunks. */
  private chain(depth: number): unknown {
    const { random } = this;
    let value: unknown = this.value(depth + 1);
    for (let n = 60 + random.below(80); n > 0; n--) value = random.once(2) ? [value] : { down: value };
    return value;
  }
}

function define(target: object, name: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}
