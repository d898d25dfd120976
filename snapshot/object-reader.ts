import { SnapshotError } from "./error.js";
import { holdShapes, readShape, releaseShapes, type Shape } from "./shape.js";
import { readAttachments, type ValueAttachment } from "./value-attachments.js";
import { ValueReader } from "./value-reader.js";
import { flags, tags, valueVersion } from "./value-tags.js";

const none: readonly never[] = [];
let serial = 0;
/** So many places for shapes stay with an idle reader. */
const maxKeptShapes = 256;

/** Reads a value's head, and knows what its objects refer to: attachments, shapes, objects that came before. */
export class ObjectReader extends ValueReader {
  protected attachments: readonly ValueAttachment[] = none;
  /** The objects in the order in which they came; undefined in a value without references, which need not remember them. */
  protected objects: unknown[] | undefined;
  private referred = false;
  /** Tells values apart. */
  private run = 0;
  private readonly shapes: Shape[] = [];
  private shapeCount = 0;
  private lastShape: Shape | undefined;

  protected override open(bytes: Uint8Array): void {
    super.open(bytes);
    holdShapes();
  }

  protected override close(): void {
    super.close();
    releaseShapes();
    this.attachments = none;
    this.objects = undefined;
    this.referred = false;
    this.shapeCount = 0;
    if (this.shapes.length > maxKeptShapes) this.shapes.length = 0;
  }

  /** @throws SnapshotError SNAPSHOT_VERSION_UNSUPPORTED, SNAPSHOT_MALFORMED */
  protected head(): void {
    this.run = ++serial;
    const first = this.byte();
    if (first >> 4 !== valueVersion) {
      throw new SnapshotError(
        "SNAPSHOT_VERSION_UNSUPPORTED",
        `The value has version ${first >> 4}, this library reads ${valueVersion}. Update beam-indexeddb.`,
        { offset: 0 },
      );
    }
    if (first & ~(0xf0 | flags.references | flags.attachments)) throw this.malformed("an unknown flag");
    if (first & flags.attachments) this.attachments = readAttachments(this);
    if (first & flags.references) this.objects = [];
  }

  protected checkReferences(): void {
    if (this.objects && !this.referred) throw this.malformed("references announced that do not come");
  }

  protected keep<T>(object: T): T {
    if (this.objects) this.objects.push(object);
    return object;
  }

  /** A place for an object that can be made only when its parts are there. */
  protected place(): number {
    return this.objects ? this.objects.push(undefined) - 1 : 0;
  }

  protected putIn(place: number, object: unknown): void {
    if (this.objects) this.objects[place] = object;
  }

  protected reference(): unknown {
    const id = this.varint();
    if (!this.objects) throw this.malformed("a reference in a value that announces none");
    if (id >= this.objects.length) throw this.malformed("a reference to an object that did not come yet");
    this.referred = true;
    return this.objects[id];
  }

  private farShape(): number {
    const index = this.varint();
    if (index < 31) throw this.malformed("a near shape in the far form");
    return index;
  }

  /** The shape that an object's tag names. */
  protected shape(tag: number): Shape {
    const index = tag === tags.object ? this.farShape() : tag & 0x1f;
    if (index >= this.shapeCount) throw this.malformed("an object of a shape that is not declared");
    return this.shapes[index]!;
  }

  protected declaredShape(): Shape {
    const last = this.lastShape;
    const shape = readShape(this, last?.next);
    if (last) last.next = shape;
    if (shape.readBy === this.run) throw this.malformed("a shape declared twice");
    shape.readBy = this.run;
    this.shapes[this.shapeCount++] = this.lastShape = shape;
    return shape;
  }
}
