/** Keys are exactly 0..n-1: no hole and no named property. */
export function isDense(value: readonly unknown[]): boolean {
  for (let i = 0; i < value.length; i++) if (value[i] === undefined && !Object.hasOwn(value, i)) return false;
  return Object.keys(value).length === value.length;
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
