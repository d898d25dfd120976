import { getterOf } from "./intrinsic.js";
import { type ViewKind, viewKinds, viewUnits } from "./value-tags.js";

export function viewKindOf(value: ArrayBufferView): ViewKind {
  if (Object.prototype.toString.call(value) === "[object DataView]") return "DataView";
  const tag: unknown = typedArrayTag.call(value);
  return typeof tag === "string" ? (tag as ViewKind) : "DataView";
}

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typedArrayTag: () => unknown = getterOf(typedArray, Symbol.toStringTag);

export function isBuffer(value: ArrayBufferView): boolean {
  const { Buffer } = globalThis as { Buffer?: { isBuffer(value: unknown): boolean } };
  return Buffer?.isBuffer(value) ?? false;
}

/**
 * Does the view follow its resizable buffer? Nothing tells directly. A copy is asked: when its buffer shrinks by a byte, a view of fixed
 * length that reached to the end is out of bounds (and its methods throw), one that follows is not.
 */
export function isLengthTracking(value: ArrayBufferView): boolean {
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
