import { ByteWriter } from "./byte-writer.js";
import { SnapshotError } from "./error.js";
import { HostObject, UnsupportedView } from "./host-object.js";
import { type Shape, shapeOf } from "./shape.js";
import { SnapshotBlob } from "./snapshot-blob.js";
import { isWellFormed, writeUtf16, writeUtf8 } from "./text.js";
import { type Intrinsic, intrinsicOf } from "./intrinsic.js";
import { chunkDepth, errorNames, errorParts, flags, maxHostDepth, maxReservedBytes, tags, valueVersion, viewKinds, viewUnits } from "./value-tags.js";

export interface EncodeValueOptions {
  /**
   * For values that serve as group keys: property order and the difference of 0 and -0 vanish, shared references are written out, a cycle
   * is refused. Never for storage, where property order is data. Default false.
   */
  readonly canonical?: boolean | undefined;
  /**
   * Called for objects that are no ECMAScript type: DOM objects and class instances. What it returns is written in the object's place; on
   * undefined the object's own enumerable properties are (as structured clone does with class instances).
   */
  readonly hostObject?: ((value: object) => HostObject | SnapshotBlob | UnsupportedView | undefined) | undefined;
}

/**
 * The value as one self-contained byte string: everything that IndexedDB can store (HTML, StructuredSerializeForStorage), with cycles,
 * shared references, holes, -0, lone surrogates and an own `__proto__`. The same value gives the same bytes. A Node `Buffer` is written
 * as a Uint8Array of just its bytes (not of the pool that it lies in); every other view keeps its offset and its whole buffer.
 *
 * @throws SnapshotError SNAPSHOT_VALUE_UNSUPPORTED for functions, symbols and what else no database holds.
 * @example decodeValue(encodeValue({ tags: new Set(["a"]), at: new Date(0) }));
 */
export function encodeValue(value: unknown, options: EncodeValueOptions = {}): Uint8Array {
  const encoder = idle.pop() ?? new ValueEncoder();
  try {
    return encoder.encode(value, options);
  } finally {
    encoder.release();
    if (idle.length < 4) idle.push(encoder);
  }
}

/** A hook may itself encode, so there can be more than one at work. */
const idle: ValueEncoder[] = [];
let serial = 0;
/** Up to here a linear search among the objects seen is faster than a Map. */
const linearLimit = 12;

class ValueEncoder {
  private readonly body = new ByteWriter(1024);
  private readonly head = new ByteWriter(512);
  private readonly shapeBytes = new ByteWriter(512);
  private strings = "";
  private seen: object[] = [];
  private seenAt: Map<object, number> | undefined;
  private blobs: SnapshotBlob[] = [];
  private later: object[] = [];
  private shapeCount = 0;
  private lastShape: Shape | undefined;
  private run = 0;
  private hostDepth = 0;
  private canonical = false;
  private hook: EncodeValueOptions["hostObject"];
  /** Objects being written, in canonical mode: meeting one again is a cycle. */
  private open: object[] = [];

  encode(value: unknown, options: EncodeValueOptions): Uint8Array {
    this.run = ++serial;
    this.canonical = options.canonical === true;
    this.hook = options.hostObject;
    this.write(value, 0);
    this.drain(0);
    return this.assemble();
  }

  release(): void {
    this.body.reset();
    this.head.reset();
    this.shapeBytes.reset();
    this.strings = "";
    this.seen = [];
    this.seenAt = undefined;
    this.blobs = [];
    this.later = [];
    this.open = [];
    this.shapeCount = 0;
    this.hostDepth = 0;
    this.hook = undefined;
  }

  private assemble(): Uint8Array {
    const { head, body, shapeBytes, strings } = this;
    let flag = valueVersion << 4;
    if (this.blobs.length > 0) flag |= flags.attachments;
    if (shapeBytes.position > 0) flag |= flags.shapes;
    head.byte(0);
    if (this.blobs.length > 0) {
      head.varint(this.blobs.length);
      for (const blob of this.blobs) {
        head.bytes(blob.sha256);
        head.varint(blob.size);
      }
    }
    if (shapeBytes.position > 0) {
      head.varint(shapeBytes.position);
      head.bytes(shapeBytes.peek());
    }
    if (strings.length > 0) {
      flag |= flags.strings;
      if (isWellFormed(strings)) {
        this.appendUtf8(strings);
      } else {
        flag |= flags.utf16;
        head.varint(strings.length * 2);
        head.ensure(strings.length * 2);
        head.position = writeUtf16(strings, head.buffer, head.position);
      }
    }
    head.buffer[0] = flag;
    const result = new Uint8Array(head.position + body.position);
    result.set(head.peek(), 0);
    result.set(body.peek(), head.position);
    return result;
  }

  private appendUtf8(strings: string): void {
    const { head } = this;
    // The length in bytes is known only afterwards: leave room for a short length, move the text when it turns out longer.
    const lengthAt = head.position;
    head.ensure(strings.length * 3 + 10);
    const start = lengthAt + 1;
    const written = writeUtf8(strings, head.buffer.subarray(start));
    if (written < 0x80) {
      head.buffer[lengthAt] = written;
      head.position = start + written;
      return;
    }
    const lengthSize = Math.ceil(Math.log2(written + 1) / 7);
    head.buffer.copyWithin(lengthAt + lengthSize, start, start + written);
    head.varint(written);
    head.position += written;
  }

  private write(value: unknown, depth: number): void {
    const { body } = this;
    switch (typeof value) {
      case "string":
        this.string(value, tags.shortString);
        return;
      case "number":
        this.number(value);
        return;
      case "boolean":
        body.byte(value ? tags.true : tags.false);
        return;
      case "undefined":
        body.byte(tags.undefined);
        return;
      case "bigint":
        this.bigint(value);
        return;
      case "object":
        if (value === null) body.byte(tags.null);
        else this.object(value, depth);
        return;
      default:
        throw unsupported(`a ${typeof value}`);
    }
  }

  private number(value: number): void {
    const { body } = this;
    if (Object.is(value, -0) && this.canonical) value = 0;
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= 0) {
        if (value < 128) {
          body.byte(tags.shortInt | value);
        } else {
          body.byte(tags.int);
          body.varint(value);
        }
      } else {
        body.byte(tags.negativeInt);
        body.varint(-1 - value);
      }
      return;
    }
    body.byte(tags.float64);
    this.float64(value);
  }

  private float64(value: number): void {
    // One bit pattern for NaN, whatever the engine holds.
    this.body.float64(value !== value ? NaN : value);
  }

  private bigint(value: bigint): void {
    const { body } = this;
    body.byte(value < 0n ? tags.negativeBigint : tags.bigint);
    let hex = (value < 0n ? -value : value).toString(16);
    if (hex === "0") hex = "";
    if (hex.length % 2 === 1) hex = `0${hex}`;
    const length = hex.length / 2;
    body.varint(length);
    body.ensure(length);
    for (let i = length - 1; i >= 0; i--) body.buffer[body.position++] = parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  }

  private string(value: string, short: number): void {
    if (value.length < 64) {
      this.body.byte(short | value.length);
    } else {
      this.body.byte(tags.string);
      this.body.varint(value.length);
    }
    this.strings += value;
  }

  /** A string whose tag is implied: its length alone. */
  private text(value: string): void {
    this.body.varint(value.length);
    this.strings += value;
  }

  private object(value: object, depth: number): void {
    if (!this.register(value)) return;
    const kind = intrinsicOf(value);
    switch (kind) {
      case "Object":
        this.plain(value as Record<string, unknown>, depth);
        break;
      case "Array":
        this.array(value as readonly unknown[], depth);
        break;
      case "Map":
        this.body.byte(tags.map);
        this.body.varint((value as Map<unknown, unknown>).size);
        this.contents(value, depth, this.mapContents);
        break;
      case "Set":
        this.body.byte(tags.set);
        this.body.varint((value as Set<unknown>).size);
        this.contents(value, depth, this.setContents);
        break;
      default:
        this.leaf(kind, value, depth);
    }
    if (this.canonical) this.open.pop();
  }

  private leaf(kind: Intrinsic, value: object, depth: number): void {
    const { body } = this;
    switch (kind) {
      case "Date":
        body.byte(tags.date);
        return this.float64(Date.prototype.getTime.call(value as Date));
      case "RegExp":
        body.byte(tags.regexp);
        this.text((value as RegExp).source);
        return this.text((value as RegExp).flags);
      case "ArrayBuffer":
        return this.arrayBuffer(value as ArrayBuffer);
      case "View":
        return this.view(value as ArrayBufferView);
      case "Boolean":
        return body.byte(Boolean.prototype.valueOf.call(value) ? tags.boxedTrue : tags.boxedFalse);
      case "Number":
        body.byte(tags.boxedNumber);
        return this.float64(Number.prototype.valueOf.call(value));
      case "String":
        body.byte(tags.boxedString);
        return this.text(String.prototype.valueOf.call(value));
      case "BigInt":
        body.byte(tags.boxedBigint);
        return this.bigint(BigInt.prototype.valueOf.call(value));
      case "Error":
        return this.error(value as Error, depth);
      case "Refused":
        throw unsupported(`a ${Object.prototype.toString.call(value).slice(8, -1)}`);
      default:
        return this.host(value, depth);
    }
  }

  /** False when the object was met before, and a reference to it is written. */
  private register(value: object): boolean {
    if (this.canonical) {
      if (this.open.includes(value)) throw unsupported("a cycle, which a group key must not have");
      if (this.open.length > 512) throw unsupported("a group key nested over 512 levels");
      this.open.push(value);
      return true;
    }
    const { seen } = this;
    if (seen.length <= linearLimit) {
      for (let i = 0; i < seen.length; i++) if (seen[i] === value) return this.reference(i);
      seen.push(value);
      return true;
    }
    if (!this.seenAt) {
      this.seenAt = new Map();
      for (let i = 0; i < seen.length; i++) this.seenAt.set(seen[i]!, i);
    }
    const id = this.seenAt.get(value);
    if (id !== undefined) return this.reference(id);
    this.seenAt.set(value, seen.length);
    seen.push(value);
    return true;
  }

  private reference(id: number): false {
    this.body.byte(tags.reference);
    this.body.varint(id);
    return false;
  }

  /** Contents now, or later when the nesting has reached `chunkDepth` (FORMAT.md "Deep values"). Group keys are shallow: always now. */
  private contents(value: object, depth: number, write: (this: this, value: object, depth: number) => void): void {
    if (depth < chunkDepth || this.canonical) write.call(this, value, depth + 1);
    else this.later.push(value);
  }

  private drain(from: number): void {
    for (let i = from; i < this.later.length; i++) {
      const value = this.later[i]!;
      switch (intrinsicOf(value)) {
        case "Array":
          if (isDense(value as unknown[])) this.denseContents(value, 1);
          else this.sparseContents(value, 1);
          break;
        case "Map":
          this.mapContents(value, 1);
          break;
        case "Set":
          this.setContents(value, 1);
          break;
        case "Error":
          this.write((value as Error).cause, 1);
          break;
        default:
          this.plainContents(value, 1);
      }
    }
    this.later.length = from;
  }

  private namesOf(value: object): string[] {
    const names = Object.keys(value);
    return this.canonical ? names.sort() : names;
  }

  private plain(value: Record<string, unknown>, depth: number): void {
    const { body } = this;
    const names = this.namesOf(value);
    const guess = this.lastShape?.next;
    const shape = shapeOf(names, guess);
    if (shape !== guess && this.lastShape) this.lastShape.next = shape;
    this.lastShape = shape;
    if (shape.usedBy !== this.run) {
      shape.usedBy = this.run;
      shape.index = this.shapeCount++;
      this.shapeBytes.bytes(shape.bytes);
    }
    if (shape.index < 32) {
      body.byte(tags.shortObject | shape.index);
    } else {
      body.byte(tags.object);
      body.varint(shape.index);
    }
    if (depth >= chunkDepth && !this.canonical) {
      this.later.push(value);
      return;
    }
    for (const name of shape.names) this.write(value[name], depth + 1);
  }

  private plainContents(value: object, depth: number): void {
    for (const name of this.namesOf(value)) this.write((value as Record<string, unknown>)[name], depth);
  }

  private array(value: readonly unknown[], depth: number): void {
    const { body } = this;
    if (isDense(value)) {
      body.byte(tags.denseArray);
      body.varint(value.length);
      this.contents(value, depth, this.denseContents);
      return;
    }
    body.byte(tags.sparseArray);
    body.varint(value.length);
    const names = Object.keys(value);
    body.varint(names.length);
    this.contents(value, depth, this.sparseContents);
  }

  private denseContents(value: object, depth: number): void {
    const items = value as readonly unknown[];
    for (let i = 0; i < items.length; i++) this.write(items[i], depth);
  }

  private sparseContents(value: object, depth: number): void {
    for (const name of Object.keys(value)) {
      this.text(name);
      this.write((value as Record<string, unknown>)[name], depth);
    }
  }

  private mapContents(value: object, depth: number): void {
    for (const [key, item] of Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>) {
      this.write(key, depth);
      this.write(item, depth);
    }
  }

  private setContents(value: object, depth: number): void {
    for (const item of Set.prototype.values.call(value) as Iterable<unknown>) this.write(item, depth);
  }

  private arrayBuffer(value: ArrayBuffer): void {
    const { body } = this;
    const { resizable, maxByteLength, detached } = value as ArrayBuffer & { resizable?: boolean; maxByteLength?: number; detached?: boolean };
    if (detached === true) throw unsupported("a detached ArrayBuffer");
    body.byte(resizable === true ? tags.resizableArrayBuffer : tags.arrayBuffer);
    body.varint(value.byteLength);
    if (resizable === true) {
      if (maxByteLength! > maxReservedBytes) throw unsupported("a resizable ArrayBuffer of over 1 GiB");
      body.varint(maxByteLength!);
    }
    body.bytes(new Uint8Array(value));
  }

  private view(value: ArrayBufferView): void {
    const { body } = this;
    const kindName = viewKindOf(value);
    // A Buffer (or another subclass) may lie in a pool with the bytes of strangers: only its own bytes are its value.
    const pooled = kindName === "Uint8Array" && Object.getPrototypeOf(value) !== Uint8Array.prototype && isBuffer(value);
    const buffer = value.buffer as ArrayBuffer & { resizable?: boolean };
    const whole = value.byteOffset === 0 && value.byteLength === buffer.byteLength;
    if (kindName === "Uint8Array" && (pooled || (whole && buffer.resizable !== true && !this.isSeen(buffer)))) {
      body.byte(tags.bytes);
      body.varint(value.byteLength);
      body.bytes(value as Uint8Array);
      // The short form stands for two objects; a pooled buffer is never shared, so a fresh object holds its number.
      if (!this.canonical) this.register(pooled ? {} : buffer);
      return;
    }
    if (!(buffer instanceof ArrayBuffer) && Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]") {
      throw unsupported("a view on a SharedArrayBuffer");
    }
    const kind = viewKinds.indexOf(kindName);
    const length = isLengthTracking(value) ? 0 : 1 + (kind === 0 ? value.byteLength : (value as Uint8Array).length);
    this.viewParts(kind, value.byteOffset, length, buffer);
  }

  private viewParts(kind: number, byteOffset: number, length: number, buffer: ArrayBuffer): void {
    const { body } = this;
    body.byte(tags.view);
    body.byte(kind);
    body.varint(byteOffset);
    body.varint(length);
    this.object(buffer, 0);
  }

  private isSeen(value: object): boolean {
    return this.seenAt ? this.seenAt.has(value) : this.seen.includes(value);
  }

  private error(value: Error, depth: number): void {
    const { body } = this;
    const name: unknown = value.name;
    const kind = errorNames.indexOf(name as (typeof errorNames)[number]);
    const message = ownText(value, "message");
    // V8 keeps the stack as an own property, Firefox as an accessor of the prototype; both give text.
    const stack: unknown = value.stack;
    const hasCause = Object.hasOwn(value, "cause");
    body.byte(tags.error);
    body.byte(kind < 0 ? 0 : kind);
    body.byte(
      (message === undefined ? 0 : errorParts.message) |
        (typeof stack === "string" ? errorParts.stack : 0) |
        (hasCause ? errorParts.cause : 0),
    );
    if (message !== undefined) this.text(message);
    if (typeof stack === "string") this.text(stack);
    if (hasCause) this.contents(value, depth, this.causeContents);
  }

  private causeContents(value: object, depth: number): void {
    this.write((value as Error).cause, depth);
  }

  private host(value: object, depth: number): void {
    const form =
      value instanceof SnapshotBlob || value instanceof HostObject || value instanceof UnsupportedView ? value : this.hook?.(value);
    if (form instanceof SnapshotBlob) return this.blob(form);
    if (form instanceof UnsupportedView) {
      return this.viewParts(viewKinds.indexOf(form.kind), form.byteOffset, form.length === undefined ? 0 : 1 + form.length, form.buffer);
    }
    if (form === undefined) return this.plain(value as Record<string, unknown>, depth);
    if (++this.hostDepth > maxHostDepth) throw unsupported(`a ${form.type} nested in host objects over ${maxHostDepth} levels`);
    this.body.byte(tags.host);
    this.text(form.type);
    // The reader makes the host object from finished data, so this data's own deep parts follow at once.
    const from = this.later.length;
    this.write(form.data, 0);
    this.drain(from);
    this.hostDepth--;
  }

  private blob(blob: SnapshotBlob): void {
    const { body } = this;
    body.byte(blob.isFile ? tags.file : tags.blob);
    body.varint(this.blobs.length);
    this.text(blob.type);
    if (blob.isFile) {
      this.text(blob.name!);
      this.float64(blob.lastModified ?? 0);
    }
    this.blobs.push(blob);
  }
}

/** Keys are exactly 0..n-1: no hole and no named property. */
function isDense(value: readonly unknown[]): boolean {
  for (let i = 0; i < value.length; i++) if (value[i] === undefined && !Object.hasOwn(value, i)) return false;
  return Object.keys(value).length === value.length;
}

function viewKindOf(value: ArrayBufferView): (typeof viewKinds)[number] {
  if (Object.prototype.toString.call(value) === "[object DataView]") return "DataView";
  const tag: unknown = typedArrayTag.call(value);
  return typeof tag === "string" ? (tag as (typeof viewKinds)[number]) : "DataView";
}

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

function isBuffer(value: ArrayBufferView): boolean {
  const { Buffer } = globalThis as { Buffer?: { isBuffer(value: unknown): boolean } };
  return Buffer?.isBuffer(value) ?? false;
}

/**
 * Does the view follow its resizable buffer? Nothing tells directly. A copy is asked: when its buffer shrinks by a byte, a view of fixed
 * length that reached to the end is out of bounds (and its methods throw), one that follows is not.
 */
function isLengthTracking(value: ArrayBufferView): boolean {
  const buffer = value.buffer as ArrayBuffer & { resizable?: boolean };
  if (buffer.resizable !== true) return false;
  const end = value.byteOffset + value.byteLength;
  if (buffer.byteLength - end >= viewUnits[viewKinds.indexOf(viewKindOf(value))]!) return false;
  const clone = structuredCloneOf(value);
  if (clone === undefined) return true;
  const copy = clone.buffer as ArrayBuffer & { resize(length: number): void; maxByteLength: number };
  if (value.byteLength === 0) {
    // Nothing to shrink: an empty view that follows grows with its buffer (at the maximum the two can't be told apart, nor ever differ).
    copy.resize(Math.min(copy.maxByteLength, copy.byteLength + 8));
    return clone.byteLength > 0;
  }
  copy.resize(end - 1);
  try {
    if (viewKindOf(value) === "DataView") return clone.byteLength >= 0;
    (clone as Uint8Array).reverse();
    return true;
  } catch {
    return false;
  }
}

function structuredCloneOf(value: ArrayBufferView): ArrayBufferView | undefined {
  const { structuredClone } = globalThis as { structuredClone?: <T>(value: T) => T };
  return structuredClone?.(value);
}

function ownText(value: object, name: string): string | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(value, name);
  if (!descriptor || !("value" in descriptor)) return undefined;
  return typeof descriptor.value === "string" ? descriptor.value : String(descriptor.value);
}

function unsupported(what: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_VALUE_UNSUPPORTED",
    `The value contains ${what}, which IndexedDB can't store and a snapshot can't hold. Leave it out or turn it into plain data first.`,
  );
}
