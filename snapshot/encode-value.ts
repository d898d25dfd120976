import { HostObject, UnsupportedView } from "./host-object.js";
import { type Intrinsic, intrinsicOf, slotValue } from "./intrinsic.js";
import { isDense, ownText } from "./own-properties.js";
import { SeenObjects } from "./seen-objects.js";
import { type Shape, shapeOf } from "./shape.js";
import { SnapshotBlob } from "./snapshot-blob.js";
import { unsupportedValue } from "./unsupported-value.js";
import { ValueWriter } from "./value-writer.js";
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

type Contents = "Object" | "Dense" | "Sparse" | "Map" | "Set" | "Cause";

class ValueEncoder extends ValueWriter {
  private readonly seen = new SeenObjects();
  private later: { readonly kind: Contents; readonly value: object }[] = [];
  private lastShape: Shape | undefined;
  private run = 0;
  private hostDepth = 0;
  private hook: EncodeValueOptions["hostObject"];
  /** Objects being written, in canonical mode: meeting one again is a cycle. */
  private open: object[] = [];

  encode(value: unknown, options: EncodeValueOptions): Uint8Array {
    this.run = ++serial;
    this.canonical = options.canonical === true;
    this.hook = options.hostObject;
    this.write(value, 0);
    this.drain(0);
    return this.sections.assemble(this.body);
  }

  release(): void {
    this.body.reset();
    this.sections.reset();
    this.seen.reset();
    this.later = [];
    this.open = [];
    this.hostDepth = 0;
    this.hook = undefined;
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
        this.body.byte(tags.map);
        this.body.varint((value as Map<unknown, unknown>).size);
        this.contents("Map", value, depth);
        break;
      case "Set":
        this.body.byte(tags.set);
        this.body.varint((value as Set<unknown>).size);
        this.contents("Set", value, depth);
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
        return this.float64(slotValue.Date.call(value) as number);
      case "RegExp":
        body.byte(tags.regexp);
        this.text((value as RegExp).source);
        return this.text((value as RegExp).flags);
      case "ArrayBuffer":
        return this.arrayBuffer(value as ArrayBuffer);
      case "View":
        return this.view(value as ArrayBufferView);
      case "Boolean":
        return body.byte(slotValue.Boolean.call(value) ? tags.boxedTrue : tags.boxedFalse);
      case "Number":
        body.byte(tags.boxedNumber);
        return this.float64(slotValue.Number.call(value) as number);
      case "String":
        body.byte(tags.boxedString);
        return this.text(slotValue.String.call(value) as string);
      case "BigInt":
        body.byte(tags.boxedBigint);
        return this.bigint(slotValue.BigInt.call(value) as bigint);
      case "Error":
        return this.error(value as Error, depth);
      case "Refused":
        throw unsupportedValue(`a ${Object.prototype.toString.call(value).slice(8, -1)}`);
      default:
        return this.host(value, depth);
    }
  }

  /** False when the object was met before, and a reference to it is written. */
  private register(value: object): boolean {
    if (this.canonical) {
      if (this.open.includes(value)) throw unsupportedValue("a cycle, which a group key must not have");
      if (this.open.length > 512) throw unsupportedValue("a group key nested over 512 levels");
      this.open.push(value);
      return true;
    }
    const id = this.seen.add(value);
    if (id < 0) return true;
    this.body.byte(tags.reference);
    this.body.varint(id);
    return false;
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
    const { body } = this;
    const names = this.namesOf(value);
    const guess = this.lastShape?.next;
    const shape = shapeOf(names, guess);
    if (shape !== guess && this.lastShape) this.lastShape.next = shape;
    this.lastShape = shape;
    this.sections.declare(shape, this.run);
    if (shape.index < 32) {
      body.byte(tags.shortObject | shape.index);
    } else {
      body.byte(tags.object);
      body.varint(shape.index);
    }
    if (depth >= chunkDepth && !this.canonical) {
      this.later.push({ kind: "Object", value });
      return;
    }
    for (const name of shape.names) this.write(value[name], depth + 1);
  }

  private array(value: readonly unknown[], depth: number): void {
    const { body } = this;
    if (isDense(value)) {
      body.byte(tags.denseArray);
      body.varint(value.length);
      this.contents("Dense", value, depth);
      return;
    }
    body.byte(tags.sparseArray);
    body.varint(value.length);
    const names = Object.keys(value);
    body.varint(names.length);
    this.contents("Sparse", value, depth);
  }

  private arrayBuffer(value: ArrayBuffer): void {
    const { body } = this;
    const { resizable, maxByteLength, detached } = value as ArrayBuffer & {
      resizable?: boolean;
      maxByteLength?: number;
      detached?: boolean;
    };
    if (detached === true) throw unsupportedValue("a detached ArrayBuffer");
    body.byte(resizable === true ? tags.resizableArrayBuffer : tags.arrayBuffer);
    body.varint(value.byteLength);
    if (resizable === true) {
      if (maxByteLength! > maxReservedBytes) throw unsupportedValue("a resizable ArrayBuffer of over 1 GiB");
      body.varint(maxByteLength!);
    }
    body.bytes(new Uint8Array(value));
  }

  private view(value: ArrayBufferView): void {
    const { body } = this;
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
      body.byte(tags.bytes);
      body.varint(value.byteLength);
      body.bytes(value as Uint8Array);
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
    const { body } = this;
    body.byte(tags.view);
    body.byte(kind);
    body.varint(byteOffset);
    body.varint(length);
    this.object(buffer, 0);
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
    body.varint(this.sections.blobs.length);
    this.text(blob.type);
    if (blob.isFile) {
      this.text(blob.name!);
      this.float64(blob.lastModified ?? 0);
    }
    this.sections.blobs.push(blob);
  }
}
