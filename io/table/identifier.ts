import { createHash } from "node:crypto";

/**
 * Names of tables and columns from names of stores and properties. Those come from data: any string, also empty, very long, with
 * quotes or NUL, equal but for case. The outcome is unique where an engine ignores case, and does not depend on the order in which the names come.
 */
export interface IdentifierRules {
  /** Longest name in UTF-8 bytes; a longer one is cut and ends with a hash of the whole. */
  readonly maxBytes: number;
  /** Names, in any case, that data must not take. */
  readonly reserved: readonly string[];
  /** A start, or several, in any case, that the engine keeps for itself. */
  readonly reservedPrefix?: string | readonly string[];
  /** Whether a name is a letter or underscore of ASCII, then those and digits; what is else becomes an underscore. Default false. */
  readonly asciiWords?: boolean;
}

/**
 * Gives every name that has none yet an identifier that is free.
 * @param taken identifiers in use: a table keeps the names it once got.
 * @example assignIdentifiers(["Size", "size"], { maxBytes: 63, reserved: [] }, []); // Map {"Size" => "Size", "size" => "size__4f3a9c1e"}
 */
export function assignIdentifiers(
  names: readonly string[],
  rules: IdentifierRules,
  taken: Iterable<string>,
): Map<string, string> {
  const used = new Set([...rules.reserved, ...taken].map(fold));
  const identifiers = new Map<string, string>();
  for (const name of [...new Set(names)].sort()) {
    let identifier = firstChoice(name, rules);
    for (let attempt = 0; used.has(fold(identifier)); attempt++)
      identifier = cut(clean(name, rules), rules.maxBytes, `__${hash(`${attempt}:${name}`)}`);
    used.add(fold(identifier));
    identifiers.set(name, identifier);
  }
  return identifiers;
}

/** The name as an SQL identifier: in double quotes, so that reserved words, spaces and quotes mean nothing. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function firstChoice(name: string, rules: IdentifierRules): string {
  const cleaned = clean(name, rules);
  const prefixed = [rules.reservedPrefix ?? []]
    .flat()
    .some((prefix) => fold(cleaned).startsWith(fold(prefix)));
  const candidate = prefixed ? `_${cleaned}` : cleaned;
  const changed = candidate !== name || Buffer.byteLength(candidate) > rules.maxBytes;
  return changed ? cut(candidate, rules.maxBytes, `__${hash(name)}`) : candidate;
}

/** Engines end a name at NUL, and no connection's UTF-8 carries a lone surrogate. */
function clean(name: string, { asciiWords = false }: IdentifierRules): string {
  const cleaned = asciiWords
    ? name.replace(/[^A-Za-z0-9_]/gu, "_").replace(/^(?=\d)/, "_")
    : name.replace(/[\u0000-\u001f\u007f]|\p{Surrogate}/gu, "_");
  return cleaned === "" ? "_" : cleaned;
}

function cut(name: string, maxBytes: number, suffix: string): string {
  let bytes = suffix.length;
  let kept = "";
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept + suffix;
}

/** More names are held to be equal than any engine does: that costs a suffix, the other way round costs a column. */
function fold(identifier: string): string {
  return identifier.normalize("NFKC").toLowerCase().toUpperCase();
}

function hash(text: string): string {
  return createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex").slice(0, 8);
}
