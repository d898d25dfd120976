/** The steps of the runner suite, in a module of their own: workers load it by its name. */
import {
  type Counter,
  type Instant,
  type KV,
  type listSideInput,
  type Metric,
  registerFunctions,
  type Tagged,
} from "../../beam/index.js";

/** Emits `{ n }` for each number below `count`, from one call. */
export class EmitNumbers {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  *process(): Generator<number> {
    for (let n = 0; n < this.count; n++) yield n;
  }
}

/** Computes for so many microseconds for each element. */
export class Compute {
  readonly microseconds: number;

  constructor(microseconds: number) {
    this.microseconds = microseconds;
  }

  *process(element: unknown): Generator {
    const end = performance.now() + this.microseconds / 1000;
    while (performance.now() < end);
    yield element;
  }
}

export interface EvenOdd {
  even: number;
  odd: number;
}

export class PartEvenOdd {
  *process(
    n: number,
    { limits }: { limits: ReturnType<typeof listSideInput<number>> },
  ): Generator<Tagged<EvenOdd>> {
    if (n >= Math.max(...limits.lookup())) return;
    yield n % 2 === 0 ? { even: n } : { odd: n };
  }
}

/** Waits for a time that differs by element, so that later ones are done first. */
export class WaitAWhile {
  private opened = false;

  async startBundle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.opened = true;
  }

  async *process(n: number): AsyncGenerator<number> {
    if (!this.opened) throw new Error("startBundle was not awaited");
    await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5));
    yield n;
    yield n + 1_000_000;
  }
}

export class CountThings {
  *process(n: number, { seen, sizes }: { seen: Counter; sizes: Metric<number> }): Generator<number> {
    seen.increment(1);
    sizes.update(n);
    yield n;
  }
}

export class FailAt {
  readonly n: number;

  constructor(n: number) {
    this.n = n;
  }

  *process(n: number): Generator<number> {
    if (n === this.n) throw new RangeError(`number ${n} is "out" of <range>`);
    yield n;
  }
}

export class FailLater {
  async process(n: number): Promise<number[]> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (n === 3) throw new RangeError("three, after a while");
    return [n];
  }
}

/** Ends the process that it runs in, as the system does when memory runs out; only a worker's. */
export class KillWorker {
  readonly driver: number;

  constructor(driver: number) {
    this.driver = driver;
  }

  *process(element: unknown): Generator {
    if (process.pid !== this.driver) process.kill(process.pid, "SIGKILL");
    yield element;
  }
}

export function bigBytes(megabytes: number): Uint8Array {
  const bytes = new Uint8Array(megabytes * 1_000_000);
  for (let i = 0; i < bytes.length; i += 4093) bytes[i] = i % 251;
  return bytes;
}

export function fingerprint(bytes: Uint8Array): string {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4093) sum = (sum * 31 + bytes[i]!) % 1_000_000_007;
  return `${bytes.length} ${sum}`;
}

export function keyAndCount({ key, value }: KV<unknown, Iterable<unknown>>): {
  key: unknown;
  count: number;
} {
  return { key, count: [...value].length };
}

export function timeOf(element: { readonly at: number }, timestamp: Instant): Instant {
  const { constructor } = timestamp as unknown as { constructor: { fromNumber(n: number): Instant } };
  return constructor.fromNumber(element.at);
}

export function nameOf({ name }: { readonly name: string }): string {
  return name;
}

export function sorted({
  key,
  values,
}: {
  readonly key: unknown;
  readonly values: Readonly<Record<string, Iterable<unknown>>>;
}): unknown {
  const lists = Object.entries(values).map(([tag, list]) => [
    tag,
    [...list].map((x) => JSON.stringify(x)).sort(),
  ]);
  return { key, ...(Object.fromEntries(lists) as object) };
}

export class MeanOfN {
  createAccumulator(): { sum: number; count: number } {
    return { sum: 0, count: 0 };
  }

  addInput({ sum, count }: { sum: number; count: number }, n: number): { sum: number; count: number } {
    return { sum: sum + n, count: count + 1 };
  }

  mergeAccumulators(all: Iterable<{ sum: number; count: number }>): { sum: number; count: number } {
    const merged = { sum: 0, count: 0 };
    for (const { sum, count } of all) {
      merged.sum += sum;
      merged.count += count;
    }
    return merged;
  }

  extractOutput({ sum, count }: { sum: number; count: number }): number {
    return sum / count;
  }
}

registerFunctions("beam-indexeddb/test/runner-steps", {
  EmitNumbers,
  Compute,
  PartEvenOdd,
  WaitAWhile,
  CountThings,
  FailAt,
  FailLater,
  KillWorker,
  bigBytes,
  fingerprint,
  keyAndCount,
  timeOf,
  nameOf,
  sorted,
  MeanOfN,
});
