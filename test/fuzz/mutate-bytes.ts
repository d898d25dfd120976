import type { Random } from "./random.js";

const telling = [0, 1, 2, 3, 0x0f, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xfe, 0xff];
/** Around the bounds that lengths, counts and varints have. */
const tellingNumbers = [
  0,
  1,
  2,
  63,
  64,
  127,
  128,
  255,
  256,
  1023,
  1024,
  16_383,
  16_384,
  65_535,
  65_536,
  2 ** 20,
  2 ** 21,
  2 ** 24,
  2 ** 25,
  2 ** 28 - 1,
  2 ** 30,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 35,
  2 ** 49,
  2 ** 53 - 1,
] as const;

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const flipBit: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy[at]! ^= 1 << random.below(8);
  return copy;
};

const setByte: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  copy[random.below(copy.length)] = random.once(2) ? random.pick(telling) : random.below(256);
  return copy;
};

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  const added = new Uint8Array(1 + random.below(random.once(8) ? 300 : 8)).fill(random.pick(telling));
  if (random.once(2)) for (let i = 0; i < added.length; i++) added[i] = random.below(256);
  return joined(bytes.subarray(0, at), added, bytes.subarray(at));
};

const remove: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const length = 1 + random.below(random.once(8) ? 300 : 8);
  return joined(bytes.subarray(0, at), bytes.subarray(at + length));
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const splice: Mutation = (bytes, random, other) => {
  const from = random.below(other.length);
  const part = other.subarray(from, from + 1 + random.below(random.once(2) ? 16 : other.length - from));
  const at = random.below(bytes.length);
  const replaced = random.once(2) ? part.length : 0;
  return joined(bytes.subarray(0, at), part, bytes.subarray(at + replaced));
};

const repeat: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random.below(64));
  return joined(bytes.subarray(0, end), bytes.subarray(at));
};

const overwrite: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy.fill(random.pick(telling), at, at + 1 + random.below(512));
  return copy;
};

/** Puts another number where a varint may stand. */
const changeVarint: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  let end = at;
  while (end < bytes.length && bytes[end]! >= 0x80 && end - at < 7) end++;
  const old = bytes[at]!;
  const number = random.once(3)
    ? Math.max(0, old + random.pick([-2, -1, 1, 2]))
    : random.pick(tellingNumbers);
  return joined(bytes.subarray(0, at), varint(number), bytes.subarray(end + 1));
};

/** Puts something in that announces a number of things: the tag of a value, the key of a field, a count. */
const announce: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const announced = joined(Uint8Array.of(random.below(64)), varint(random.pick(tellingNumbers)));
  const more = random.once(2) ? varint(random.below(3)) : new Uint8Array(0);
  return joined(bytes.subarray(0, at), announced, more, bytes.subarray(at + random.below(3)));
};

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  insert,
  remove,
  truncate,
  splice,
  repeat,
  overwrite,
  changeVarint,
  changeVarint,
  changeVarint,
  announce,
  announce,
];

/** The bytes with one to four changes, anywhere; parts of `other` may be put in. */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array = bytes): Uint8Array {
  let result = bytes;
  for (let n = random.once(2) ? 1 : 1 + random.below(4); n > 0; n--) {
    if (result.length === 0) return Uint8Array.of(random.below(256));
    result = random.pick(mutations)(result, random, other.length > 0 ? other : result);
  }
  return result;
}

export function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  let rest = number;
  while (rest > 0x7f) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...bytes, rest]);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
