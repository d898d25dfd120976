import { HostObject, UnsupportedView } from "./host-object.js";
import { type Intrinsic, intrinsicOf, slotValue } from "./intrinsic.js";
import { ObjectWriter } from "./object-writer.js";
import { isDense, ownText } from "./own-properties.js";
import { type Shape, shapeOf } from "./shape.js";
import { SnapshotBlob } from "./snapshot-blob.js";
import { unsupportedValue } from "./unsupported-value.js";
import {
  chunkDepth,
  errorNames,
  errorParts,
  maxHostDepth,
  maxReservedBytes,
  tags,
  viewKinds,
} from "./value-tags.js";
import { isBuffer, isLengthTracking, viewKindOf } from "./view-kind.js";

/** How a value is encoded; all options have defaults that suit storage. */
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
  readonly hostObject?:
    ((value: object) => HostObject | SnapshotBlob | UnsupportedView | undefined) | undefined;
}

/**
 * The value as one self-contained byte string: everything that IndexedDB can store (HTML, StructuredSerializeForStorage), with cycles,
 * shared references, holes, -0, lone surrogates and an own `__proto__`. The same value gives the same bytes. A Node `Buffer` is written
 * as a Uint8Array of just its bytes (not of the pool that it lies in); every other view keeps its offset and its whole buffer.
 *
 * The result may lie in an ArrayBuffer with the bytes of other values (as a Node `Buffer` does): copy it with `slice()` before its `buffer`
 * is transferred.
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

type Contents = "Object" | "Dense" | "Sparse" | "Map" | "Set" | "Cause";

class ValueEncoder extends ObjectWriter {
  private later: { readonly kind: Contents; readonly value: object }[] = [];
  private lastShape: Shape | undefined;
  private hostDepth = 0;
  private hook: EncodeValueOptions["hostObject"];
  /** Can `for in` stand for Object.keys? Not in canonical mode (sorted), nor when Object.prototype was extended. */
  private enumerates = true;

  encode(value: unknown, options: EncodeValueOptions): Uint8Array {
    this.canonical = options.canonical === true;
    this.hook = options.hostObject;
    this.enumerates = !this.canonical && !objectsAreExtended();
    this.begin();
    this.write(value, 0);
    if (this.later.length > 0) this.drain(0);
    this.putHead();
    return this.take();
  }

  release(): void {
    this.rewind();
    if (this.later.length > 0) this.later = [];
    this.hostDepth = 0;
    this.hook = undefined;
  }

  private write(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        this.string(value);
        return;
      case "number":
        this.number(value);
        return;
      case "boolean":
        this.byte(value ? tags.true : tags.false);
        return;
      case "undefined":
        this.byte(tags.undefined);
        return;
      case "bigint":
        this.bigint(value);
        return;
      case "object":
        if (value === null) this.byte(tags.null);
        else this.object(value, depth);
        return;
      default:
        throw unsupportedValue(`a ${typeof value}`);
    }
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
        this.byte(tags.map);
        this.varint((value as Map<unknown, unknown>).size);
        this.contents("Map", value, depth);
        break;
      case "Set":
        this.byte(tags.set);
        this.varint((value as Set<unknown>).size);
        this.contents("Set", value, depth);
        break;
      default:
        this.leaf(kind, value, depth);
    }
    if (this.canonical) this.leave();
  }

  private leaf(kind: Intrinsic, value: object, depth: number): void {
    switch (kind) {
      case "Date":
        this.byte(tags.date);
        return this.double(slotValue.Date.call(value) as number);
      case "RegExp":
        this.byte(tags.regexp);
        this.text((value as RegExp).source);
        return this.text((value as RegExp).flags);
      case "ArrayBuffer":
        return this.arrayBuffer(value as ArrayBuffer);
      case "View":
        return this.viewed(value as ArrayBufferView);
      case "Boolean":
        return this.byte(slotValue.Boolean.call(value) ? tags.boxedTrue : tags.boxedFalse);
      case "Number":
        this.byte(tags.boxedNumber);
        return this.double(slotValue.Number.call(value) as number);
      case "String":
        this.byte(tags.boxedString);
        return this.text(slotValue.String.call(value) as string);
      case "BigInt":
        this.byte(tags.boxedBigint);
        return this.bigint(slotValue.BigInt.call(value) as bigint);
      case "Error":
        return this.error(value as Error, depth);
      case "Refused":
        throw unsupportedValue(`a ${Object.prototype.toString.call(value).slice(8, -1)}`);
      default:
        return this.host(value, depth);
    }
  }

  /** Contents now, or later when the nesting has reached `chunkDepth` (FORMAT.md "Deep values"). Group keys are shallow: always now. */
  private contents(kind: Contents, value: object, depth: number): void {
    if (depth < chunkDepth || this.canonical) this.fill(kind, value, depth + 1);
    else this.later.push({ kind, value });
  }

  private drain(from: number): void {
    for (let i = from; i < this.later.length; i++) this.fill(this.later[i]!.kind, this.later[i]!.value, 1);
    this.later.length = from;
  }

  private fill(kind: Contents, value: object, depth: number): void {
    switch (kind) {
      case "Object":
        for (const name of this.namesOf(value)) this.write((value as Record<string, unknown>)[name], depth);
        break;
      case "Dense":
        for (const item of value as readonly unknown[]) this.write(item, depth);
        break;
      case "Sparse":
        for (const name of Object.keys(value)) {
          this.text(name);
          this.write((value as Record<string, unknown>)[name], depth);
        }
        break;
      case "Map":
        for (const [key, item] of value as Map<unknown, unknown>) {
          this.write(key, depth);
          this.write(item, depth);
        }
        break;
      case "Set":
        for (const item of value as Set<unknown>) this.write(item, depth);
        break;
      case "Cause":
        this.write((value as Error).cause, depth);
    }
  }

  private namesOf(value: object): string[] {
    const names = Object.keys(value);
    return this.canonical ? names.sort() : names;
  }

  private plain(value: Record<string, unknown>, depth: number): void {
    const guess = this.lastShape?.next;
    if (guess && this.enumerates && hasNames(value, guess.names)) {
      this.named(guess);
      this.lastShape = guess;
      if (depth < chunkDepth) return this.values(value, guess.names, depth + 1);
      this.later.push({ kind: "Object", value });
      return;
    }
    const shape = shapeOf(this.namesOf(value));
    if (this.lastShape) this.lastShape.next = shape;
    this.lastShape = shape;
    this.named(shape);
    if (depth >= chunkDepth && !this.canonical) {
      this.later.push({ kind: "Object", value });
      return;
    }
    for (const name of shape.names) this.write(value[name], depth + 1);
  }

  /** The values by `for in`, which engines answer without looking up a single name. */
  private values(value: Record<string, unknown>, names: readonly string[], depth: number): void {
    let i = 0;
    for (const name in value) {
      if (name !== names[i++]) throw unsupportedValue("an object whose getters change its own properties");
      this.write(value[name], depth);
    }
    if (i !== names.length) throw unsupportedValue("an object whose getters change its own properties");
  }

  private array(value: readonly unknown[], depth: number): void {
    if (isDense(value)) {
      this.byte(tags.denseArray);
      this.varint(value.length);
      this.contents("Dense", value, depth);
      return;
    }
    this.byte(tags.sparseArray);
    this.varint(value.length);
    const names = Object.keys(value);
    this.varint(names.length);
    this.contents("Sparse", value, depth);
  }

  private arrayBuffer(value: ArrayBuffer): void {
    const { resizable, maxByteLength, detached } = value as ArrayBuffer & {
      resizable?: boolean;
      maxByteLength?: number;
      detached?: boolean;
    };
    if (detached === true) throw unsupportedValue("a detached ArrayBuffer");
    this.byte(resizable === true ? tags.resizableArrayBuffer : tags.arrayBuffer);
    this.varint(value.byteLength);
    if (resizable === true) {
      if (maxByteLength! > maxReservedBytes) throw unsupportedValue("a resizable ArrayBuffer of over 1 GiB");
      this.varint(maxByteLength!);
    }
    this.bytes(new Uint8Array(value));
  }

  private viewed(value: ArrayBufferView): void {
    const kindName = viewKindOf(value);
    // A Buffer (or another subclass) may lie in a pool with the bytes of strangers: only its own bytes are its value.
    const pooled =
      kindName === "Uint8Array" && Object.getPrototypeOf(value) !== Uint8Array.prototype && isBuffer(value);
    const buffer = value.buffer as ArrayBuffer & { resizable?: boolean };
    const whole = value.byteOffset === 0 && value.byteLength === buffer.byteLength;
    if (
      kindName === "Uint8Array" &&
      (pooled || (whole && buffer.resizable !== true && !this.seen.has(buffer)))
    ) {
      this.byte(tags.bytes);
      this.varint(value.byteLength);
      this.bytes(value as Uint8Array);
      // The short form stands for two objects; a pooled buffer is never shared, so a fresh object holds its number.
      if (!this.canonical) this.register(pooled ? {} : buffer);
      return;
    }
    if (
      !(buffer instanceof ArrayBuffer) &&
      Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]"
    ) {
      throw unsupportedValue("a view on a SharedArrayBuffer");
    }
    const kind = viewKinds.indexOf(kindName);
    const length = isLengthTracking(value)
      ? 0
      : 1 + (kind === 0 ? value.byteLength : (value as Uint8Array).length);
    this.viewParts(kind, value.byteOffset, length, buffer);
  }

  private viewParts(kind: number, byteOffset: number, length: number, buffer: ArrayBuffer): void {
    this.byte(tags.view);
    this.byte(kind);
    this.varint(byteOffset);
    this.varint(length);
    this.object(buffer, 0);
  }

  private error(value: Error, depth: number): void {
    const name: unknown = value.name;
    const kind = errorNames.indexOf(name as (typeof errorNames)[number]);
    const message = ownText(value, "message");
    // V8 keeps the stack as an own property, Firefox as an accessor of the prototype; both give text.
    const stack: unknown = value.stack;
    const hasCause = Object.hasOwn(value, "cause");
    this.byte(tags.error);
    this.byte(kind < 0 ? 0 : kind);
    this.byte(
      (message === undefined ? 0 : errorParts.message) |
        (typeof stack === "string" ? errorParts.stack : 0) |
        (hasCause ? errorParts.cause : 0),
    );
    if (message !== undefined) this.text(message);
    if (typeof stack === "string") this.text(stack);
    if (hasCause) this.contents("Cause", value, depth);
  }

  private host(value: object, depth: number): void {
    const form =
      value instanceof SnapshotBlob || value instanceof HostObject || value instanceof UnsupportedView
        ? value
        : this.hook?.(value);
    if (form instanceof SnapshotBlob) return this.blob(form);
    if (form instanceof UnsupportedView) {
      return this.viewParts(
        viewKinds.indexOf(form.kind),
        form.byteOffset,
        form.length === undefined ? 0 : 1 + form.length,
        form.buffer,
      );
    }
    if (form === undefined) return this.plain(value as Record<string, unknown>, depth);
    if (++this.hostDepth > maxHostDepth)
      throw unsupportedValue(`a ${form.type} nested in host objects over ${maxHostDepth} levels`);
    this.byte(tags.host);
    this.text(form.type);
    // The reader makes the host object from finished data, so this data's own deep parts follow at once.
    const from = this.later.length;
    this.write(form.data, 0);
    this.drain(from);
    this.hostDepth--;
  }

  private blob(blob: SnapshotBlob): void {
    this.byte(blob.isFile ? tags.file : tags.blob);
    this.varint(this.blobs.length);
    this.text(blob.type);
    if (blob.isFile) {
      this.text(blob.name!);
      this.double(blob.lastModified ?? 0);
    }
    this.blobs.push(blob);
  }
}

/** Does the plain object have exactly these names, in this order? */
function hasNames(value: object, names: readonly string[]): boolean {
  let i = 0;
  for (const name in value) if (name !== names[i++]) return false;
  return i === names.length;
}

const plainObject = {};

/** Did somebody give all objects an enumerable property? */
function objectsAreExtended(): boolean {
  for (const name in plainObject) if (!Object.hasOwn(plainObject, name)) return true;
  return false;
}
