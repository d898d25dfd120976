import { ByteWriter } from "./byte-writer.js";
import { SeenObjects } from "./seen-objects.js";
import { holdShapes, releaseShapes, type Shape } from "./shape.js";
import type { SnapshotBlob } from "./snapshot-blob.js";
import { unsupportedValue } from "./unsupported-value.js";
import { flags, tags } from "./value-tags.js";
import { ValueWriter } from "./value-writer.js";

let serial = 0;
let atWork = 0;

/** Writes what a value's objects refer to: objects that came before, shapes, attachments. */
export class ObjectWriter extends ValueWriter {
  protected blobs: SnapshotBlob[] = [];
  protected readonly seen = new SeenObjects();
  private references = false;
  /** Tells values apart. */
  private run = 0;
  private shapeCount = 0;
  /** What the shapes said before this value declared them, when a hook of another value's encoding encodes this one. */
  private displaced: { readonly shape: Shape; readonly usedBy: number; readonly index: number }[] | undefined;
  /** Objects being written, in canonical mode: meeting one again is a cycle. */
  private open: object[] = [];

  protected override begin(): void {
    super.begin();
    this.run = ++serial;
    holdShapes();
    if (atWork++ > 0) this.displaced = [];
  }

  protected override rewind(): void {
    super.rewind();
    atWork--;
    releaseShapes();
    if (this.displaced) {
      for (const { shape, usedBy, index } of this.displaced) Object.assign(shape, { usedBy, index });
      this.displaced = undefined;
    }
    this.seen.reset();
    this.shapeCount = 0;
    this.references = false;
    if (this.blobs.length > 0) this.blobs = [];
    if (this.open.length > 0) this.open = [];
  }

  /** False when the object was met before, and a reference to it is written. */
  protected register(value: object): boolean {
    if (this.canonical) {
      if (this.open.includes(value)) throw unsupportedValue("a cycle, which a group key must not have");
      if (this.open.length > 512) throw unsupportedValue("a group key nested over 512 levels");
      this.open.push(value);
      return true;
    }
    const id = this.seen.add(value);
    if (id < 0) return true;
    this.references = true;
    this.byte(tags.reference);
    this.varint(id);
    return false;
  }

  /** The object that was registered last is complete. */
  protected leave(): void {
    this.open.pop();
  }

  /** The object's tag: which shape it has. The first use in a value declares it. */
  protected named(shape: Shape): void {
    if (shape.usedBy !== this.run) {
      this.displaced?.push({ shape, usedBy: shape.usedBy, index: shape.index });
      shape.usedBy = this.run;
      shape.index = this.shapeCount++;
      this.byte(tags.newShape);
      this.bytes(shape.bytes);
    } else if (shape.index < 31) {
      this.byte(tags.shortObject | shape.index);
    } else {
      this.byte(tags.object);
      this.varint(shape.index);
    }
  }

  /** What is known only when the body is written. */
  protected putHead(): void {
    if (this.blobs.length > 0) this.putAttachments();
    if (this.references) this.buffer[this.start]! |= flags.references;
  }

  /** The list of attachments, known last, goes between the flags and the body. */
  private putAttachments(): void {
    const list = new ByteWriter(this.blobs.length * 40 + 8);
    list.varint(this.blobs.length);
    for (const blob of this.blobs) {
      list.bytes(blob.sha256);
      list.varint(blob.size);
    }
    const bytes = list.peek();
    this.ensure(bytes.length);
    const body = this.start + 1;
    this.buffer.copyWithin(body + bytes.length, body, this.position);
    this.buffer.set(bytes, body);
    this.position += bytes.length;
    this.buffer[this.start]! |= flags.attachments;
  }
}
