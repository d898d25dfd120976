/** Strings to bytes and back, exactly: UTF-8 where the string is well-formed, else its UTF-16 code units. */
declare const TextEncoder: new () => {
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
};
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF, which is data here.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Node's Buffer decodes short strings several times faster than TextDecoder; nothing else of it is used. */
type Utf8Slice = (this: Uint8Array, start: number, end: number) => string;
const utf8Slice = (globalThis as { Buffer?: { prototype?: { utf8Slice?: Utf8Slice } } }).Buffer?.prototype
  ?.utf8Slice;

type WithWellFormed = string & { isWellFormed?: () => boolean };
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

export function isWellFormed(text: string): boolean {
  const own = (text as WithWellFormed).isWellFormed;
  return own ? own.call(text) : !loneSurrogate.test(text);
}

/** Writes a well-formed string as UTF-8 and returns the bytes written; `into` must have room for 3 bytes a unit. */
export function writeUtf8(text: string, into: Uint8Array): number {
  return encoder.encodeInto(text, into).written;
}

/** The string, or undefined when the bytes are no valid UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < 24) {
    const ascii = readShortAscii(bytes, start, end);
    if (ascii !== undefined) return ascii;
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

function readShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
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
