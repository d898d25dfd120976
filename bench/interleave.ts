/** A measured way of doing something: one call is one repeat. It returns what it measured, usually seconds. */
export interface Contender {
  readonly name: string;
  run(): number | Promise<number>;
}

/**
 * Runs all contenders in turn, again and again, and returns the samples of each by its name. In turn, because a machine that is busy for a while
 * then slows all of them; in another order each time, because each inherits caches and garbage from the one before.
 *
 * @param rounds How many samples each contender gives.
 * @param warmUps How many rounds are run before, and not counted; default 1.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  warmUps = 1,
): Promise<ReadonlyMap<string, number[]>> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  if (samples.size !== contenders.length) throw new TypeError("Two contenders have the same name.");
  for (let round = -warmUps; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(turn + round + warmUps) % contenders.length]!;
      const sample = await contender.run();
      if (round >= 0) samples.get(contender.name)!.push(sample);
    }
  }
  return samples;
}

/** The middle one of the samples; of an even number the mean of the two in the middle. @throws RangeError when there are none */
export function median(samples: readonly number[] | undefined): number {
  if (!samples || samples.length === 0) throw new RangeError("There are no samples to take the median of.");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Seconds that the work takes. */
export function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** Seconds until the work's promise is fulfilled. */
export async function secondsUntil(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
