/**
 * Where two values differ, "" when they are the same in every way that structured clone keeps: types, property order, holes, -0, shared
 * and cyclic references, the buffers and offsets of views. A path such as `$.list[2]` says where.
 */
export async function difference(a: unknown, b: unknown): Promise<string> {
  const later: (() => Promise<string>)[] = [];
  const found = compare(a, b, "$", new Map(), new Map(), later);
  if (found) return found;
  for (const check of later) {
    const late = await check();
    if (late) return late;
  }
  return "";
}

type Seen = Map<object, object>;

const hostFields: Readonly<Record<string, readonly string[]>> = {
  DOMException: ["name", "message", "code"],
  QuotaExceededError: ["name", "message", "quota", "requested"],
  DOMRect: ["x", "y", "width", "height"],
  DOMRectReadOnly: ["x", "y", "width", "height"],
  DOMPoint: ["x", "y", "z", "w"],
  DOMPointReadOnly: ["x", "y", "z", "w"],
  DOMQuad: ["p1", "p2", "p3", "p4"],
  DOMMatrix: ["is2D", ...[1, 2, 3, 4].flatMap((row) => [1, 2, 3, 4].map((column) => `m${row}${column}`))],
  DOMMatrixReadOnly: [
    "is2D",
    ...[1, 2, 3, 4].flatMap((row) => [1, 2, 3, 4].map((column) => `m${row}${column}`)),
  ],
  ImageData: ["width", "height", "colorSpace", "data"],
  Blob: ["size", "type"],
  File: ["size", "type", "name", "lastModified"],
  CryptoKey: ["type", "extractable", "algorithm", "usages"],
};

function compare(
  a: unknown,
  b: unknown,
  path: string,
  forth: Seen,
  back: Seen,
  later: (() => Promise<string>)[],
): string {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    return Object.is(a, b) ? "" : `${path}: ${String(a)} became ${String(b)}`;
  }
  if (forth.has(a) || back.has(b)) {
    return forth.get(a) === b && back.get(b) === a ? "" : `${path}: references are shared otherwise`;
  }
  forth.set(a, b);
  back.set(b, a);
  const tag = tagOf(a);
  if (tag !== tagOf(b)) return `${path}: ${tag} became ${tagOf(b)}`;
  const inside = (x: unknown, y: unknown, name: string) =>
    compare(x, y, `${path}${name}`, forth, back, later);
  const host = hostFields[tag];
  if (host) {
    for (const name of host) {
      const found = inside(
        (a as Record<string, unknown>)[name],
        (b as Record<string, unknown>)[name],
        `.${name}`,
      );
      if (found) return found;
    }
    if (a instanceof Blob) later.push(() => compareContent(a, b as Blob, path));
    if (tag === "CryptoKey") later.push(() => compareKeys(a as CryptoKey, b as CryptoKey, path));
    return "";
  }
  switch (tag) {
    case "Date":
      return inside((a as Date).getTime(), (b as Date).getTime(), ".getTime()");
    case "RegExp":
      return (
        inside((a as RegExp).source, (b as RegExp).source, ".source") ||
        inside((a as RegExp).flags, (b as RegExp).flags, ".flags") ||
        inside((a as RegExp).lastIndex, (b as RegExp).lastIndex, ".lastIndex")
      );
    case "Boolean":
    case "Number":
    case "String":
    case "BigInt":
      return inside(
        (a as { valueOf(): unknown }).valueOf(),
        (b as { valueOf(): unknown }).valueOf(),
        ".valueOf()",
      );
    case "ArrayBuffer":
      return compareBuffers(a as ArrayBuffer, b as ArrayBuffer, path);
    case "Map":
      return inside([...(a as Map<unknown, unknown>)], [...(b as Map<unknown, unknown>)], "<entries>");
    case "Set":
    case "FileList":
      return inside([...(a as Set<unknown>)], [...(b as Set<unknown>)], "<members>");
    case "Error": {
      const [x, y] = [a as Error, b as Error];
      return (
        inside(x.name, y.name, ".name") ||
        inside(Object.getPrototypeOf(x) === Object.getPrototypeOf(y), true, ".prototype") ||
        inside(x.message, y.message, ".message") ||
        inside("cause" in x, "cause" in y, ".has cause") ||
        inside(x.cause, y.cause, ".cause")
      );
    }
  }
  if (ArrayBuffer.isView(a)) {
    const [x, y] = [a as Uint8Array, b as Uint8Array];
    return (
      inside(x.byteOffset, y.byteOffset, ".byteOffset") ||
      inside(x.byteLength, y.byteLength, ".byteLength") ||
      inside(x.length, y.length, ".length") ||
      inside(x.buffer, y.buffer, ".buffer")
    );
  }
  if (Array.isArray(a) && a.length !== (b as unknown[]).length)
    return `${path}: the length ${a.length} became ${(b as unknown[]).length}`;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  if (JSON.stringify(names) !== JSON.stringify(others))
    return `${path}: the properties ${names.join()} became ${others.join()}`;
  for (const name of names) {
    const found = inside(
      Object.getOwnPropertyDescriptor(a, name)!.value,
      Object.getOwnPropertyDescriptor(b, name)!.value,
      `.${name}`,
    );
    if (found) return found;
  }
  return Object.getPrototypeOf(a) === Object.getPrototypeOf(b) ? "" : `${path}: the prototype differs`;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function compareBuffers(a: ArrayBuffer, b: ArrayBuffer, path: string): string {
  const [x, y] = [
    a as ArrayBuffer & { maxByteLength?: number; resizable?: boolean },
    b as typeof a & { maxByteLength?: number; resizable?: boolean },
  ];
  if (x.resizable !== y.resizable || x.maxByteLength !== y.maxByteLength)
    return `${path}: the buffer is resizable otherwise`;
  if (x.byteLength !== y.byteLength) return `${path}: ${x.byteLength} bytes became ${y.byteLength}`;
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? "" : `${path}: byte ${at} differs`;
}

async function compareContent(a: Blob, b: Blob, path: string): Promise<string> {
  return compareBuffers(await a.arrayBuffer(), await b.arrayBuffer(), path);
}

async function compareKeys(a: CryptoKey, b: CryptoKey, path: string): Promise<string> {
  if (!a.extractable) return "";
  const [x, y] = [await crypto.subtle.exportKey("jwk", a), await crypto.subtle.exportKey("jwk", b)];
  return JSON.stringify(x) === JSON.stringify(y) ? "" : `${path}: the key material differs`;
}
