import { HostObject, UnsupportedView } from "./host-object.js";
import { define, emptyArray } from "./own-properties.js";
import { ObjectReader } from "./object-reader.js";
import type { Shape } from "./shape.js";
import { SnapshotBlob } from "./snapshot-blob.js";
import {
  chunkDepth,
  errorNames,
  errorParts,
  maxHostDepth,
  tags,
  viewKinds,
  viewUnits,
} from "./value-tags.js";

/** What becomes of objects that only a platform can make. */
export interface DecodeValueOptions {
  /** Makes the platform's object of a host object's data. Default: the HostObject itself, which encodes to the same bytes again. */
  readonly hostObject?: ((type: string, data: unknown) => unknown) | undefined;
  /** Makes a Blob or File of an attachment. Default: the SnapshotBlob itself. */
  readonly blob?: ((blob: SnapshotBlob) => unknown) | undefined;
  /** The file that the value comes from: its attachments are there. */
  readonly source?: string | undefined;
}

/**
 * The value that `encodeValue` wrote. Safe on bytes from anywhere: every length is checked before anything is allocated, nesting costs no
 * stack beyond a fixed depth, `__proto__` is an ordinary property. `Error.stack` is restored as text.
 *
 * @throws SnapshotError SNAPSHOT_MALFORMED for other bytes, SNAPSHOT_VERSION_UNSUPPORTED for those of a newer format,
 *   SNAPSHOT_LIMIT_EXCEEDED for a value that no engine could hold.
 */
export function decodeValue(bytes: Uint8Array, options: DecodeValueOptions = {}): unknown {
  const decoder = idle.pop() ?? new ValueDecoder();
  try {
    return decoder.decode(bytes, options);
  } finally {
    decoder.release();
    if (idle.length < 4) idle.push(decoder);
  }
}

/** A hook may itself decode, so there can be more than one at work. */
const idle: ValueDecoder[] = [];

/** A container whose contents come after the value that holds it. */
type Pending =
  | { kind: "object"; target: Record<string, unknown>; shape: Shape }
  | { kind: "dense"; target: unknown[]; count: number }
  | { kind: "sparse"; target: unknown[]; count: number }
  | { kind: "map"; target: Map<unknown, unknown>; count: number }
  | { kind: "set"; target: Set<unknown>; count: number }
  | { kind: "cause"; target: Error };

class ValueDecoder extends ObjectReader {
  private options: DecodeValueOptions = {};
  private later: Pending[] = [];
  private hostDepth = 0;

  decode(bytes: Uint8Array, options: DecodeValueOptions): unknown {
    this.open(bytes);
    this.options = options;
    this.head();
    const value = this.read(0);
    if (this.later.length > 0) this.drain(0);
    if (this.position !== this.end) throw this.malformed("bytes after the value");
    this.checkReferences();
    return value;
  }

  release(): void {
    this.close();
    this.options = {};
    if (this.later.length > 0) this.later = [];
    this.hostDepth = 0;
  }

  /** Small enough to be inlined where it is called: most items are short. */
  read(depth: number): unknown {
    const tag = this.byte();
    if (tag >= tags.shortInt) return tag & 0x7f;
    if (tag >= tags.shortString) return this.latin1(tag & 0x3f);
    return this.item(tag, depth);
  }

  private item(tag: number, depth: number): unknown {
    if (tag === tags.newShape) return this.object(this.declaredShape(), depth);
    if (tag >= tags.shortObject) return this.object(this.shape(tag), depth);
    switch (tag) {
      case tags.undefined:
        return undefined;
      case tags.null:
        return null;
      case tags.false:
        return false;
      case tags.true:
        return true;
      case tags.int:
        return this.int(128);
      case tags.negativeInt:
        return -1 - this.int(0);
      case tags.float64:
        return this.float64();
      case tags.bigint:
        return this.bigint();
      case tags.negativeBigint:
        return this.negativeBigint();
      case tags.string:
        return this.latin1(this.long());
      case tags.wideString:
        return this.wide(this.varint());
      case tags.denseArray:
        return this.denseArray(depth);
      case tags.sparseArray:
        return this.sparseArray(depth);
      case tags.map:
        return this.map(depth);
      case tags.set:
        return this.set(depth);
      case tags.reference:
        return this.reference();
      default:
        return this.leaf(tag, depth);
    }
  }

  private leaf(tag: number, depth: number): unknown {
    switch (tag) {
      case tags.date:
        return this.keep(new Date(this.float64()));
      case tags.regexp:
        return this.keep(this.regexp());
      case tags.arrayBuffer:
        return this.keep(this.buffer(this.count()));
      case tags.resizableArrayBuffer:
        return this.keep(this.resizable());
      case tags.bytes:
        return this.wholeBytes();
      case tags.view:
        return this.view();
      case tags.boxedFalse:
        return this.keep(Object(false));
      case tags.boxedTrue:
        return this.keep(Object(true));
      case tags.boxedNumber:
        return this.keep(Object(this.float64()));
      case tags.boxedString:
        return this.keep(Object(this.text()));
      case tags.boxedBigint:
        return this.boxedBigint();
      case tags.error:
        return this.error(depth);
      case tags.blob:
      case tags.file:
        return this.blob(tag === tags.file);
      case tags.host:
        return this.host();
      default:
        throw this.malformed(`an unknown tag 0x${tag.toString(16)}`);
    }
  }

  private long(): number {
    const length = this.varint();
    if (length < 64) throw this.malformed("a short string in the long form");
    return length;
  }

  private boxedBigint(): unknown {
    const tag = this.byte();
    if (tag !== tags.bigint && tag !== tags.negativeBigint)
      throw this.malformed("a boxed bigint without a bigint");
    return this.keep(Object(tag === tags.bigint ? this.bigint() : this.negativeBigint()));
  }

  private object(shape: Shape, depth: number): unknown {
    // Every property takes a byte at least: a small value must not announce many objects with many properties.
    if (shape.names.length > this.end - this.position) throw this.short(shape.names.length);
    const target = {} as Record<string, unknown>;
    if (this.objects) this.objects.push(target);
    if (depth >= chunkDepth) this.later.push({ kind: "object", target, shape });
    else this.fillObject(target, shape, depth + 1);
    return target;
  }

  private fillObject(target: Record<string, unknown>, shape: Shape, depth: number): void {
    if (shape.hasProto) for (const name of shape.names) define(target, name, this.read(depth));
    else shape.fill(target, shape.names, this, depth);
  }

  private denseArray(depth: number): unknown {
    const count = this.count();
    if (!this.objects && depth < chunkDepth) {
      // A first push makes room for sixteen more; most arrays are shorter.
      if (count === 0) return [];
      if (count === 1) return [this.read(depth + 1)];
      if (count === 2) return [this.read(depth + 1), this.read(depth + 1)];
      if (count === 3) return [this.read(depth + 1), this.read(depth + 1), this.read(depth + 1)];
    }
    const target: unknown[] = [];
    if (this.objects) this.objects.push(target);
    if (depth >= chunkDepth) this.later.push({ kind: "dense", target, count });
    else this.fillDense(target, count, depth + 1);
    return target;
  }

  private fillDense(target: unknown[], count: number, depth: number): void {
    for (let i = 0; i < count; i++) target.push(this.read(depth));
  }

  private sparseArray(depth: number): unknown {
    const length = this.varint();
    if (length > 0xffffffff) throw this.malformed("an array longer than 2^32 - 1");
    const count = this.count(2);
    const target = emptyArray(length, count);
    if (this.objects) this.objects.push(target);
    if (depth >= chunkDepth) this.later.push({ kind: "sparse", target, count });
    else this.fillSparse(target, count, depth + 1);
    return target;
  }

  private fillSparse(target: unknown[], count: number, depth: number): void {
    const { length } = target;
    for (let i = 0; i < count; i++) {
      const name = this.text();
      if (name === "length") throw this.malformed('an array property named "length"');
      define(target, name, this.read(depth));
    }
    if (target.length !== length) throw this.malformed("an array element beyond the array's length");
  }

  private map(depth: number): unknown {
    const count = this.count(2);
    const target = this.keep(new Map<unknown, unknown>());
    if (depth >= chunkDepth) this.later.push({ kind: "map", target, count });
    else this.fillMap(target, count, depth + 1);
    return target;
  }

  private fillMap(target: Map<unknown, unknown>, count: number, depth: number): void {
    for (let i = 0; i < count; i++) {
      const key = this.read(depth);
      target.set(key, this.read(depth));
    }
    if (target.size !== count) throw this.malformed("a Map with one key twice");
  }

  private set(depth: number): unknown {
    const count = this.count();
    const target = this.keep(new Set<unknown>());
    if (depth >= chunkDepth) this.later.push({ kind: "set", target, count });
    else this.fillSet(target, count, depth + 1);
    return target;
  }

  private fillSet(target: Set<unknown>, count: number, depth: number): void {
    for (let i = 0; i < count; i++) target.add(this.read(depth));
    if (target.size !== count) throw this.malformed("a Set with one member twice");
  }

  private drain(from: number): void {
    for (let i = from; i < this.later.length; i++) {
      const pending = this.later[i]!;
      switch (pending.kind) {
        case "object":
          this.fillObject(pending.target, pending.shape, 1);
          break;
        case "dense":
          this.fillDense(pending.target, pending.count, 1);
          break;
        case "sparse":
          this.fillSparse(pending.target, pending.count, 1);
          break;
        case "map":
          this.fillMap(pending.target, pending.count, 1);
          break;
        case "set":
          this.fillSet(pending.target, pending.count, 1);
          break;
        case "cause":
          define(pending.target, "cause", this.read(1), false);
          break;
      }
    }
    this.later.length = from;
  }

  private wholeBytes(): Uint8Array {
    const view = new Uint8Array(this.take(this.count()));
    if (this.objects) this.objects.push(view, view.buffer);
    return view;
  }

  private view(): unknown {
    const kind = this.byte();
    const name = viewKinds[kind];
    const unit = viewUnits[kind];
    if (name === undefined || unit === undefined) throw this.malformed("a view of an unknown kind");
    const byteOffset = this.varint();
    const length = this.varint();
    // The view's number comes before its buffer's.
    const place = this.place();
    const next = this.bytes[this.position];
    const plausible =
      next === tags.arrayBuffer || next === tags.resizableArrayBuffer || next === tags.reference;
    const buffer = plausible ? this.read(0) : undefined;
    if (!(buffer instanceof ArrayBuffer)) throw this.malformed("a view without a buffer");
    const elements = length === 0 ? undefined : length - 1;
    const resizable = (buffer as ArrayBuffer & { resizable?: boolean }).resizable === true;
    if (elements === undefined && !resizable)
      throw this.malformed("a view that follows the length of a fixed buffer");
    const fits = byteOffset % unit === 0 || kind === 0;
    if (!fits || byteOffset + (elements ?? 0) * unit > buffer.byteLength)
      throw this.malformed("a view beyond its buffer");
    const Constructor = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name];
    const view = Constructor
      ? elements === undefined
        ? new Constructor(buffer, byteOffset)
        : new Constructor(buffer, byteOffset, elements)
      : new UnsupportedView(name, buffer, byteOffset, elements);
    this.putIn(place, view);
    return view;
  }

  private error(depth: number): Error {
    const kind = errorNames[this.byte()];
    const parts = this.byte();
    if (kind === undefined || parts > 7) throw this.malformed("an error of an unknown kind");
    const Constructor = (globalThis as unknown as Record<string, ErrorConstructor>)[kind]!;
    const error = parts & errorParts.message ? new Constructor(this.text()) : new Constructor();
    // Without a stack of its own the one of this very call would pass for data.
    define(error, "stack", parts & errorParts.stack ? this.text() : undefined, false);
    this.keep(error);
    if (parts & errorParts.cause) {
      if (depth >= chunkDepth) this.later.push({ kind: "cause", target: error });
      else define(error, "cause", this.read(depth + 1), false);
    }
    return error;
  }

  private blob(isFile: boolean): unknown {
    const attachment = this.attachments[this.varint()];
    if (!attachment) throw this.malformed("an attachment that is not declared");
    const type = this.text();
    const blob = new SnapshotBlob({
      sha256: attachment.sha256.slice(),
      size: attachment.size,
      type,
      source: this.options.source,
      ...(isFile ? { name: this.text(), lastModified: this.float64() } : {}),
    });
    return this.keep(this.options.blob ? this.options.blob(blob) : blob);
  }

  private host(): unknown {
    const place = this.place();
    const type = this.text();
    if (++this.hostDepth > maxHostDepth) throw this.malformed("host objects nested too deep");
    const from = this.later.length;
    const data = this.read(0);
    this.drain(from);
    this.hostDepth--;
    const object = this.options.hostObject ? this.options.hostObject(type, data) : new HostObject(type, data);
    this.putIn(place, object);
    return object;
  }
}

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView;
