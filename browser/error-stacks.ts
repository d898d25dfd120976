/**
 * Takes the stacks off all errors in a value, in place, and tells whether there were errors. A stack is not a part of the value that every
 * browser stores: Firefox keeps where the error object was made, so that of a restored error is another.
 */
export function dropErrorStacks(value: unknown): boolean {
  const seen = new Set<object>();
  const open: unknown[] = [value];
  let found = false;
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null || ArrayBuffer.isView(next) || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Error) {
      found = true;
      open.push(next.cause);
      Object.defineProperty(next, "stack", { value: undefined, configurable: true, writable: true });
    } else if (next instanceof Map) {
      for (const entry of next) open.push(...entry);
    } else if (next instanceof Set) {
      open.push(...next);
    } else {
      for (const name of Object.keys(next)) open.push((next as Readonly<Record<string, unknown>>)[name]);
    }
  }
  return found;
}
