import type { ViewKind } from "./value-tags.js";

/**
 * An object of the platform (DOMRect, ImageData, CryptoKey, ...) in plain form: its type's name and the data it is made of. Where the
 * platform is at hand (a browser) a hook turns it into the real object; elsewhere it stays this, and encodes back to the same bytes.
 */
export class HostObject {
  readonly type: string;
  readonly data: unknown;

  constructor(type: string, data: unknown) {
    this.type = type;
    this.data = data;
  }
}

/** A typed array of a kind that this engine lacks (Float16Array before Node 24): kept with its buffer, so that nothing is lost. */
export class UnsupportedView {
  readonly kind: ViewKind;
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  /** In elements; undefined when the view follows the length of a resizable buffer. */
  readonly length: number | undefined;

  constructor(kind: ViewKind, buffer: ArrayBuffer, byteOffset: number, length: number | undefined) {
    this.kind = kind;
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.length = length;
  }
}
