/**
 * Where two values differ as structured clones, as text, or undefined when they are equal in everything that structured clone keeps:
 * types, -0, property order, holes, view offsets, and which references are shared. Runs in Node and in browsers.
 */
export function structuredDifference(actual: unknown, expected: unknown): string | undefined {
  return compare(actual, expected, "value", new Map(), new Map());
}

type Seen = Map<object, number>;

function compare(a: unknown, b: unknown, path: string, seenA: Seen, seenB: Seen): string | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return Object.is(a, b) ? undefined : `${path}: ${show(a)} instead of ${show(b)}`;
  }
  const known = seenA.get(a);
  if (known !== undefined || seenB.has(b)) {
    return known === seenB.get(b) ? undefined : `${path}: references are shared differently`;
  }
  seenA.set(a, seenA.size);
  seenB.set(b, seenB.size);
  const kind = kindOf(b);
  if (kindOf(a) !== kind) return `${path}: a ${kindOf(a)} instead of a ${kind}`;
  const next = (x: unknown, y: unknown, name: string) => compare(x, y, `${path}${name}`, seenA, seenB);
  switch (kind) {
    case "Date":
      return next((a as Date).getTime(), (b as Date).getTime(), ".time");
    case "Boolean":
    case "Number":
    case "String":
    case "BigInt":
      return next(a.valueOf(), b.valueOf(), ".valueOf()");
    case "RegExp":
      return (
        next((a as RegExp).source, (b as RegExp).source, ".source") ??
        next((a as RegExp).flags, (b as RegExp).flags, ".flags")
      );
    case "Map":
      return list([...(a as Map<unknown, unknown>)].flat(1), [...(b as Map<unknown, unknown>)].flat(1), next);
    case "Set":
      return list([...(a as Set<unknown>)], [...(b as Set<unknown>)], next);
    case "ArrayBuffer":
      return buffers(a as ArrayBuffer, b as ArrayBuffer, path);
    case "Error":
      return errors(a as Error, b as Error, next);
    default:
      if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return views(a, b, next);
      if (kind.startsWith("host:")) return next(Object.entries(a), Object.entries(b), ".host");
      return properties(a, b, path, next);
  }
}

type Next = (a: unknown, b: unknown, name: string) => string | undefined;

function list(a: readonly unknown[], b: readonly unknown[], next: Next): string | undefined {
  if (a.length !== b.length) return next(a.length, b.length, ".size");
  for (let i = 0; i < a.length; i++) {
    const difference = next(a[i], b[i], `(${i})`);
    if (difference) return difference;
  }
  return undefined;
}

function properties(a: object, b: object, path: string, next: Next): string | undefined {
  const names = Object.keys(b);
  if (Object.keys(a).join("\0") !== names.join("\0"))
    return `${path}: properties ${Object.keys(a).join()} instead of ${names.join()}`;
  if (Array.isArray(b) && (a as unknown[]).length !== b.length)
    return `${path}: length ${(a as unknown[]).length} instead of ${b.length}`;
  for (const name of names) {
    const difference = next(
      Object.getOwnPropertyDescriptor(a, name)!.value,
      Object.getOwnPropertyDescriptor(b, name)!.value,
      `.${name}`,
    );
    if (difference) return difference;
  }
  return undefined;
}

type Resizable = ArrayBuffer & { resizable?: boolean; maxByteLength?: number };

function buffers(a: Resizable, b: Resizable, path: string): string | undefined {
  if (
    a.byteLength !== b.byteLength ||
    (a.resizable ?? false) !== (b.resizable ?? false) ||
    a.maxByteLength !== b.maxByteLength
  ) {
    return `${path}: a buffer of another length`;
  }
  const x = new Uint8Array(a);
  const y = new Uint8Array(b);
  for (let i = 0; i < x.length; i++)
    if (x[i] !== y[i]) return `${path}[${i}]: byte ${x[i]} instead of ${y[i]}`;
  return undefined;
}

function views(a: ArrayBufferView, b: ArrayBufferView, next: Next): string | undefined {
  return (
    next(a.byteOffset, b.byteOffset, ".byteOffset") ??
    next(a.byteLength, b.byteLength, ".byteLength") ??
    next(a.buffer, b.buffer, ".buffer")
  );
}

function errors(a: Error, b: Error, next: Next): string | undefined {
  return (
    next(a.name, b.name, ".name") ??
    next(a.message, b.message, ".message") ??
    next(Object.hasOwn(a, "cause"), Object.hasOwn(b, "cause"), ".hasCause") ??
    next(a.cause, b.cause, ".cause")
  );
}

function kindOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  const name = prototype?.constructor?.name;
  if (tag === "Object" && prototype !== null && name !== "Object") return `host:${name}`;
  return tag;
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  return typeof value === "object" && value !== null
    ? kindOf(value)
    : typeof value === "string"
      ? JSON.stringify(value.slice(0, 60))
      : String(value);
}
