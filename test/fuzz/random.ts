/** A generator of random numbers that gives the same run for the same seed everywhere (sfc32). */
export interface Random {
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** 32 random bits, unsigned. */
  bits(): number;
}

export function randomFrom(seed: number, stream = 0): Random {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = stream | 0;
  let counter = 1;
  const bits = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  // The first numbers still show the seed.
  for (let i = 0; i < 12; i++) bits();
  return {
    bits,
    below: (bound) => Math.floor((bits() / 2 ** 32) * bound),
    once: (times) => bits() < 2 ** 32 / times,
    pick: (list) => list[Math.floor((bits() / 2 ** 32) * list.length)]!,
  };
}
