/** The bytes of an encoded value; FORMAT.md section "Values" is the contract. */

export const valueVersion = 1;

/** Low bits of a value's first byte; the high four are the version. */
export const flags = { references: 0x01, attachments: 0x08 } as const;

export const tags = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  int: 0x04,
  negativeInt: 0x05,
  float64: 0x06,
  bigint: 0x07,
  negativeBigint: 0x08,
  /** Latin-1, 64 units or more. */
  string: 0x09,
  /** Declares the next shape, then the object's values. */
  newShape: 0x0a,
  denseArray: 0x0b,
  sparseArray: 0x0c,
  map: 0x0d,
  set: 0x0e,
  reference: 0x0f,
  date: 0x10,
  regexp: 0x11,
  arrayBuffer: 0x12,
  resizableArrayBuffer: 0x13,
  bytes: 0x14,
  view: 0x15,
  boxedFalse: 0x16,
  boxedTrue: 0x17,
  boxedNumber: 0x18,
  boxedString: 0x19,
  boxedBigint: 0x1a,
  error: 0x1b,
  blob: 0x1c,
  file: 0x1d,
  host: 0x1e,
  /** A string with a unit over 0xFF. */
  wideString: 0x1f,
  /** 0x20 + the number of a declared shape, up to 30. */
  shortObject: 0x20,
  /** An object of declared shape 31 or higher. */
  object: 0x3f,
  /** 0x40 + length of a Latin-1 string, up to 63. */
  shortString: 0x40,
  /** 0x80 + value, 0 to 127. */
  shortInt: 0x80,
} as const;

/** Low two bits of a text's header; above them is its length in bytes. */
export const textForms = { latin1: 0, utf8: 1, utf16: 2 } as const;

/** A view's kind byte is its place in this list. */
export const viewKinds = [
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;
export type ViewKind = (typeof viewKinds)[number];
/** Bytes per element of each kind. */
export const viewUnits = [1, 1, 1, 1, 2, 2, 4, 4, 2, 4, 8, 8, 8] as const;

/** The names that structured clone keeps; every other error is an "Error". The class byte is the place in this list. */
export const errorNames = [
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
] as const;
export const errorParts = { message: 1, stack: 2, cause: 4 } as const;

/** Containers this deep keep their contents until after the value that holds them, so that neither side recurses further. */
export const chunkDepth = 64;
/** Host objects inside the data of host objects. */
export const maxHostDepth = 8;
/** Resizable buffers reserve address space for their maximum; this bounds what one value may ask for. */
export const maxReservedBytes = 1 << 30;
