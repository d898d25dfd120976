import { HostObject, UnsupportedView } from "./host-object.js";
import { define } from "./own-properties.js";
import type { DecodedShape } from "./shape.js";
import { SnapshotBlob } from "./snapshot-blob.js";
import { ValueReader } from "./value-reader.js";
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
  return new ValueDecoder(bytes, options).decode();
}

/** A container whose contents come after the value that holds it. */
type Pending =
  | { kind: "object"; target: Record<string, unknown>; shape: DecodedShape }
  | { kind: "dense"; target: unknown[]; count: number }
  | { kind: "sparse"; target: unknown[]; count: number }
  | { kind: "map"; target: Map<unknown, unknown>; count: number }
  | { kind: "set"; target: Set<unknown>; count: number }
  | { kind: "cause"; target: Error };

class ValueDecoder extends ValueReader {
  private readonly options: DecodeValueOptions;
  private readonly objects: unknown[] = [];
  private readonly later: Pending[] = [];
  private hostDepth = 0;

  constructor(bytes: Uint8Array, options: DecodeValueOptions) {
    super(bytes);
    this.options = options;
  }

  decode(): unknown {
    this.openSections();
    const value = this.read(0);
    this.drain(0);
    this.checkEnd();
    return value;
  }

  private read(depth: number): unknown {
    const tag = this.byte();
    if (tag >= tags.shortInt) return tag & 0x7f;
    if (tag >= tags.shortString) return this.string(tag & 0x3f);
    if (tag >= tags.shortObject) return this.object(tag & 0x1f, depth);
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
        return this.string(this.varint());
      case tags.object:
        return this.object(this.varint(), depth);
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
        return this.keep(Object(this.string(this.varint())));
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

  private keep<T>(object: T): T {
    this.objects.push(object);
    return object;
  }

  private reference(): unknown {
    const id = this.varint();
    if (id >= this.objects.length) throw this.malformed("a reference to an object that did not come yet");
    return this.objects[id];
  }

  private boxedBigint(): unknown {
    const tag = this.byte();
    if (tag !== tags.bigint && tag !== tags.negativeBigint)
      throw this.malformed("a boxed bigint without a bigint");
    return this.keep(Object(tag === tags.bigint ? this.bigint() : this.negativeBigint()));
  }

  private object(index: number, depth: number): unknown {
    const shape = this.shapes[index];
    if (!shape) throw this.malformed("an object of a shape that is not declared");
    // Every property takes a byte at least: a small value must not announce many objects with many properties.
    if (shape.names.length > this.left) throw this.short(shape.names.length);
    const target: Record<string, unknown> = {};
    this.objects.push(target);
    if (depth >= chunkDepth) this.later.push({ kind: "object", target, shape });
    else this.fillObject(target, shape, depth + 1);
    return target;
  }

  private fillObject(target: Record<string, unknown>, shape: DecodedShape, depth: number): void {
    const { names } = shape;
    if (shape.hasProto) {
      for (const name of names) define(target, name, this.read(depth));
      return;
    }
    for (const name of names) target[name] = this.read(depth);
  }

  private denseArray(depth: number): unknown {
    const count = this.count();
    const target: unknown[] = [];
    this.objects.push(target);
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
    const target: unknown[] = [];
    // Only sets the property: no engine allocates for a length that jumps far beyond what is there.
    target.length = length;
    this.objects.push(target);
    if (depth >= chunkDepth) this.later.push({ kind: "sparse", target, count });
    else this.fillSparse(target, count, depth + 1);
    return target;
  }

  private fillSparse(target: unknown[], count: number, depth: number): void {
    const { length } = target;
    for (let i = 0; i < count; i++) {
      const name = this.string(this.varint());
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
    const view = new Uint8Array(this.buffer(this.count()));
    this.objects.push(view, view.buffer);
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
    const id = this.objects.push(undefined) - 1;
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
    this.objects[id] = view;
    return view;
  }

  private error(depth: number): Error {
    const kind = errorNames[this.byte()];
    const parts = this.byte();
    if (kind === undefined || parts > 7) throw this.malformed("an error of an unknown kind");
    const Constructor = (globalThis as unknown as Record<string, ErrorConstructor>)[kind]!;
    const error =
      parts & errorParts.message ? new Constructor(this.string(this.varint())) : new Constructor();
    // Without a stack of its own the one of this very call would pass for data.
    define(error, "stack", parts & errorParts.stack ? this.string(this.varint()) : undefined, false);
    this.objects.push(error);
    if (parts & errorParts.cause) {
      if (depth >= chunkDepth) this.later.push({ kind: "cause", target: error });
      else define(error, "cause", this.read(depth + 1), false);
    }
    return error;
  }

  private blob(isFile: boolean): unknown {
    const attachment = this.attachments[this.varint()];
    if (!attachment) throw this.malformed("an attachment that is not declared");
    const type = this.string(this.varint());
    const blob = new SnapshotBlob({
      sha256: attachment.sha256.slice(),
      size: attachment.size,
      type,
      source: this.options.source,
      ...(isFile ? { name: this.string(this.varint()), lastModified: this.float64() } : {}),
    });
    return this.keep(this.options.blob ? this.options.blob(blob) : blob);
  }

  private host(): unknown {
    const id = this.objects.push(undefined) - 1;
    const type = this.string(this.varint());
    if (++this.hostDepth > maxHostDepth) throw this.malformed("host objects nested too deep");
    const from = this.later.length;
    const data = this.read(0);
    this.drain(from);
    this.hostDepth--;
    const object = this.options.hostObject ? this.options.hostObject(type, data) : new HostObject(type, data);
    this.objects[id] = object;
    return object;
  }
}

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView;
