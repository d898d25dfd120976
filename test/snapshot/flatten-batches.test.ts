import { describe, expect, test } from "vitest";
import { flattenBatches } from "../../snapshot/flatten-batches.js";

/** Batches that come later, and whether their source was closed. */
function source(...batches: (number[] | Error)[]) {
  const state = { closed: false, asked: 0 };
  async function* generate(): AsyncGenerator<number[], void, undefined> {
    try {
      for (const batch of batches) {
        state.asked++;
        await Promise.resolve();
        if (batch instanceof Error) throw batch;
        yield batch;
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, items: flattenBatches(generate()) };
}

async function all(items: AsyncIterable<number>): Promise<number[]> {
  const result: number[] = [];
  for await (const item of items) result.push(item);
  return result;
}

describe("flattenBatches", () => {
  test.each([
    { batches: [], items: [] },
    { batches: [[]], items: [] },
    { batches: [[1, 2], [], [3]], items: [1, 2, 3] },
    { batches: [[], [], [1]], items: [1] },
  ])("gives $items of $batches", async ({ batches, items }) => {
    expect(await all(source(...batches).items)).toEqual(items);
  });

  test("asks for a batch only when the one before is used up", async () => {
    const { state, items } = source([1, 2], [3]);
    expect(state.asked).toBe(0);
    await items.next();
    await items.next();
    expect(state.asked).toBe(1);
    await items.next();
    expect(state.asked).toBe(2);
  });

  test("answers calls that overlap in their order", async () => {
    const { items } = source([1, 2], [3], []);
    const results = await Promise.all(Array.from({ length: 6 }, () => items.next()));
    expect(results.map(({ value }) => value)).toEqual([1, 2, 3, undefined, undefined, undefined]);
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true, true]);
  });

  test("a break closes the source and drops what is left", async () => {
    const { state, items } = source([1, 2], [3]);
    for await (const item of items) if (item === 1) break;
    expect(state.closed).toBe(true);
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  test("a return before the first item ends it, and one that overlaps a call waits for it", async () => {
    const early = source([1]);
    expect(await early.items.return()).toEqual({ done: true, value: undefined });
    expect(await all(early.items)).toEqual([]);
    const late = source([1, 2]);
    const [first, end, next] = await Promise.all([late.items.next(), late.items.return(), late.items.next()]);
    expect([first.value, end.done, next.done]).toEqual([1, true, true]);
    expect(late.state.closed).toBe(true);
  });

  test("a failure comes in its place and ends it", async () => {
    const { state, items } = source([1], new Error("damaged"), [2]);
    expect((await items.next()).value).toBe(1);
    await expect(items.next()).rejects.toThrow("damaged");
    expect(await items.next()).toEqual({ done: true, value: undefined });
    expect(state.closed).toBe(true);
  });

  test("throw ends it with that error", async () => {
    const { state, items } = source([1, 2]);
    await items.next();
    await expect(items.throw(new Error("enough"))).rejects.toThrow("enough");
    expect(state.closed).toBe(true);
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });
});
