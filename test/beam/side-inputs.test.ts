import { describe, expect, test } from "vitest";
import {
  create,
  iterableSideInput,
  listSideInput,
  type Root,
  singletonSideInput,
  withName,
} from "../../beam/index.js";
import { collect } from "./collect.js";

const hundreds = [1, 2, 3, 4];
const inputs = (root: Root) => ({
  main: root.apply(withName("main", create(hundreds))),
  side: root.apply(withName("side", create([100, 200]))),
});
const total = withName("total", (x: number, { all }: { all: { lookup(): Iterable<number> } }) =>
  [...all.lookup()].reduce((a, b) => a + b, x),
);

describe("a side input of many elements", () => {
  test.each([
    ["listSideInput", listSideInput],
    ["iterableSideInput", iterableSideInput],
  ])("%s is there for every element, not for the first alone", async (_title, sideInput) => {
    const found = await collect((root) => {
      const { main, side } = inputs(root);
      return main.map(total, { all: sideInput(side) as never });
    });
    expect(found.sort()).toEqual([301, 302, 303, 304]);
  });

  test("can be read twice by one element, by index", async () => {
    const found = await collect((root) => {
      const { main, side } = inputs(root);
      const twice = withName("twice", (_x: number, context: { all: { lookup(): readonly number[] } }) => {
        const all = context.all.lookup();
        return all.length * 1000 + all.filter((item) => context.all.lookup().includes(item)).length;
      });
      return main.map(twice, { all: listSideInput(side) });
    });
    expect(found).toEqual([2002, 2002, 2002, 2002]);
  });

  test("keeps its values exact and may be empty", async () => {
    const values = [NaN, -0, 2 ** 40, new Map([[1, new Set([2n])]]), undefined];
    const found = await collect((root) =>
      root.apply(create([1])).map((_x, { all }) => [...all.lookup()], {
        all: listSideInput(root.apply(withName("side", create<unknown>(values, false)))),
      }),
    );
    expect(found).toEqual([values]);
    const none = await collect((root) =>
      root.apply(create([1])).map((_x, { all }) => all.lookup().length, {
        all: listSideInput(root.apply(withName("side", create<unknown>([])))),
      }),
    );
    expect(none).toEqual([0]);
  });
});

test("a singleton side input, its default, and the error for several", async () => {
  const add = withName("add", (x: number, { one }: { one: { lookup(): number } }) => x + one.lookup());
  const run = (values: number[], defaultValue?: number) =>
    collect((root) =>
      root.apply(create([1, 2], false)).map(add, {
        one: singletonSideInput(root.apply(withName("one", create(values))), defaultValue) as never,
      }),
    );
  expect(await run([10])).toEqual([11, 12]);
  expect(await run([], 5)).toEqual([6, 7]);
  await expect(run([1, 2])).rejects.toThrow("Expected a single element, got 2");
});
