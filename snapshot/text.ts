/** Strings to bytes and back, exactly: Latin-1 where every unit fits, UTF-8 where the string is well-formed, else UTF-16 code units. */
declare const TextEncoder: new () => {
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
};
declare const TextDecoder: new (
  label: string,
  options?: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF, which is data here.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// Says "latin1" and means windows-1252: the same but for 0x80 to 0x9F.
const nearlyLatin1 = new TextDecoder("latin1");

/** Node's Buffer reads and writes short strings several times faster than TextDecoder; nothing else of it is used. */
type Slice = (this: Uint8Array, start: number, end: number) => string;
const nodeBuffer = (globalThis as { Buffer?: { prototype?: { utf8Slice?: Slice; latin1Slice?: Slice } } })
  .Buffer?.prototype;
const utf8Slice = nodeBuffer?.utf8Slice;
const latin1Slice = nodeBuffer?.latin1Slice;

type WithWellFormed = string & { isWellFormed?: () => boolean };
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const wideUnit = /[^\u0000-\u00FF]/;

export function isWellFormed(text: string): boolean {
  const own = (text as WithWellFormed).isWellFormed;
  return own ? own.call(text) : !loneSurrogate.test(text);
}

/** Is every unit at most 0xFF? */
export function isLatin1(text: string): boolean {
  // Seldom asked of short text that isn't wide: the first units mostly tell.
  return !(text.charCodeAt(0) > 0xff) && !wideUnit.test(text);
}

/** Reading many strings of one stretch of bytes as parts of one long string pays only where that string comes from one fast call. */
export const readsLatin1InBulk = latin1Slice !== undefined;

/** One unit a byte. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < 16) return readUnits(bytes, start, end);
  if (latin1Slice) return latin1Slice.call(bytes, start, end);
  const part = bytes.subarray(start, end);
  const text = nearlyLatin1.decode(part);
  return isLatin1(text) ? text : readUnits(bytes, start, end);
}

function readUnits(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Writes a well-formed string as UTF-8 and returns the bytes written; `into` must have room for 3 bytes a unit. */
export function writeUtf8(text: string, into: Uint8Array): number {
  return encoder.encodeInto(text, into).written;
}

/** The same without a call into the engine; gives the end of what was written, or -1 when the string is not well-formed. */
export function writeShortUtf8(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      into[at++] = unit;
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6);
      into[at++] = 0x80 | (unit & 0x3f);
    } else if ((unit & 0xf800) === 0xd800) {
      const point = text.codePointAt(i++)!;
      if (unit >= 0xdc00 || point === unit) return -1;
      into[at++] = 0xf0 | (point >> 18);
      into[at++] = 0x80 | ((point >> 12) & 0x3f);
      into[at++] = 0x80 | ((point >> 6) & 0x3f);
      into[at++] = 0x80 | (point & 0x3f);
    } else {
      into[at++] = 0xe0 | (unit >> 12);
      into[at++] = 0x80 | ((unit >> 6) & 0x3f);
      into[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return at;
}

/** The string, or undefined when the bytes are no valid UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < 16) {
    const short = readShortUtf8(bytes, start, end);
    if (short !== undefined) return short;
  }
  if (utf8Slice) {
    const text = utf8Slice.call(bytes, start, end);
    // A replacement character may be data, or the mark of invalid bytes: only then look again, strictly.
    if (!text.includes("\uFFFD")) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Without a call into the engine, which costs more than a few characters do; undefined when it is no valid UTF-8. */
function readShortUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let i = start; i < end;) {
    const first = bytes[i++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const size = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
    if (first < 0xc2 || first > 0xf4 || i + size > end) return undefined;
    let point = first & (0x3f >> size);
    for (let k = 0; k < size; k++) {
      const next = bytes[i++]!;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    // Longer than needed, a surrogate, or beyond the last code point.
    if (size === 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) return undefined;
    if (size === 3 && (point < 0x10000 || point > 0x10ffff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

export function writeUtf16(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    into[at++] = unit & 0xff;
    into[at++] = unit >> 8;
  }
  return at;
}

export function readUtf16(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  const units: number[] = [];
  for (let i = start; i + 1 < end; i += 2) {
    units.push(bytes[i]! | (bytes[i + 1]! << 8));
    if (units.length === 4096) {
      text += String.fromCharCode.apply(null, units);
      units.length = 0;
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

/** A name or other short string as bytes of its own: a form byte (0 UTF-8, 1 UTF-16LE), then the text. */
export function encodeText(text: string): Uint8Array {
  if (isWellFormed(text)) {
    const bytes = new Uint8Array(text.length * 3 + 1);
    return bytes.slice(0, 1 + writeUtf8(text, bytes.subarray(1)));
  }
  const bytes = new Uint8Array(text.length * 2 + 1);
  bytes[0] = 1;
  writeUtf16(text, bytes, 1);
  return bytes;
}

/** The text, or undefined when the bytes are not what `encodeText` writes. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0) return readUtf8(bytes, 1, bytes.length);
  if (bytes[0] !== 1 || bytes.length % 2 === 0) return undefined;
  const text = readUtf16(bytes, 1, bytes.length);
  return isWellFormed(text) ? undefined : text;
}
