/** Keys are exactly 0..n-1: no hole and no named property. */
export function isDense(value: readonly unknown[]): boolean {
  for (let i = 0; i < value.length; i++) if (value[i] === undefined && !Object.hasOwn(value, i)) return false;
  return Object.keys(value).length === value.length;
}

/**
 * An empty array of this length, for `count` elements to come. V8 makes room for a length of up to 2^25 at once, 8 bytes each, whatever is there: a few bytes of
 * input would take 256 MB. Above that it keeps a dictionary, and goes on with it when the length shrinks.
 */
export function emptyArray(length: number, count: number): unknown[] {
  const array: unknown[] = [];
  if (length > 1024 + count * 4) array.length = 0xffffffff;
  array.length = length;
  return array;
}

/** An own data property as text (as structured clone reads an error's message); undefined when there is none. */
export function ownText(value: object, name: string): string | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(value, name);
  if (!descriptor || !("value" in descriptor)) return undefined;
  return typeof descriptor.value === "string" ? descriptor.value : String(descriptor.value);
}

/** Defines rather than assigns: `__proto__` and inherited setters are data like any other name. */
export function define(target: object, name: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, name, { value, enumerable, configurable: true, writable: true });
}
