/**
 * What an object is by its internal slots, not by what it calls itself: values may come from another realm (an iframe, a test's sandbox),
 * and `Symbol.toStringTag` or a `constructor` property can say anything.
 */
export type Intrinsic =
  | "Object"
  | "Array"
  | "Map"
  | "Set"
  | "Date"
  | "RegExp"
  | "ArrayBuffer"
  | "View"
  | "Boolean"
  | "Number"
  | "String"
  | "BigInt"
  | "Error"
  /** Ordinary object with another prototype, or an object of the platform. */
  | "Other"
  /** What structured clone throws on. */
  | "Refused";

export function intrinsicOf(value: object): Intrinsic {
  const prototype = Object.getPrototypeOf(value) as object | null;
  // An array's prototype can be anything; Array.isArray alone decides, and it is cheap.
  if (Array.isArray(value)) return "Array";
  if (prototype === Object.prototype || prototype === null) {
    // Object.setPrototypeOf(new Map(), null) and the like still have their slots, but so seldom that plain objects must not pay for it.
    return "Object";
  }
  return bySlots(value);
}

function bySlots(value: object): Intrinsic {
  if (ArrayBuffer.isView(value)) return "View";
  switch (Object.prototype.toString.call(value)) {
    case "[object Date]":
      return has(value, slotValue.Date) ? "Date" : "Other";
    case "[object RegExp]":
      return has(value, regexpFlag) ? "RegExp" : "Other";
    case "[object Error]":
      return "Error";
    case "[object Boolean]":
      return has(value, slotValue.Boolean) ? "Boolean" : "Other";
    case "[object Number]":
      return has(value, slotValue.Number) ? "Number" : "Other";
    case "[object String]":
      return has(value, slotValue.String) ? "String" : "Other";
  }
  if (has(value, mapSize)) return "Map";
  if (has(value, setSize)) return "Set";
  if (has(value, bufferLength)) return "ArrayBuffer";
  if (has(value, slotValue.BigInt)) return "BigInt";
  // A DOMException inherits from Error and is an object of the platform all the same.
  if (
    value instanceof Error &&
    !/DOMException|QuotaExceededError/.test(Object.prototype.toString.call(value))
  )
    return "Error";
  return isRefused(value) ? "Refused" : "Other";
}

const method = (prototype: object, name: string) =>
  Object.getOwnPropertyDescriptor(prototype, name)!.value as () => unknown;
/** The value in an object's internal slot; throws when it has none. */
export const slotValue = {
  Date: method(Date.prototype, "getTime"),
  Boolean: method(Boolean.prototype, "valueOf"),
  Number: method(Number.prototype, "valueOf"),
  String: method(String.prototype, "valueOf"),
  BigInt: method(BigInt.prototype, "valueOf"),
};
/** A built-in getter as a function of its receiver. */
export function getterOf(prototype: object, name: string | symbol): () => unknown {
  return (Object.getOwnPropertyDescriptor(prototype, name) as { readonly get: () => unknown }).get;
}
const mapSize = getterOf(Map.prototype, "size");
const setSize = getterOf(Set.prototype, "size");
const bufferLength = getterOf(ArrayBuffer.prototype, "byteLength");
const regexpFlag = getterOf(RegExp.prototype, "global");

/** A built-in method works only on objects that have its slot. */
function has(value: object, slotMethod: () => unknown): boolean {
  try {
    slotMethod.call(value);
    return true;
  } catch {
    return false;
  }
}

const refused = [
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Promise",
  "SharedArrayBuffer",
  "Generator",
  "AsyncGenerator",
] as const;

function isRefused(value: object): boolean {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return (refused as readonly string[]).includes(tag);
}
