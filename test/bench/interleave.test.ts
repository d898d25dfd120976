import { describe, expect, test } from "vitest";
import { interleave, median } from "../../bench/interleave.js";

describe("interleave", () => {
  test("runs the contenders in turn, each as the first once, and returns what they measured", async () => {
    const order: string[] = [];
    const contender = (name: string, sample: number) => ({
      name,
      run: () => {
        order.push(name);
        return sample * 10 + order.filter((other) => other === name).length;
      },
    });
    const samples = await interleave([contender("a", 1), contender("b", 2)], 2, 0);
    expect(order).toEqual(["a", "b", "b", "a"]);
    expect([...samples]).toEqual([
      ["a", [11, 12]],
      ["b", [21, 22]],
    ]);
  });

  test("does not count the rounds that warm up", async () => {
    let calls = 0;
    const samples = await interleave([{ name: "a", run: () => Promise.resolve(++calls) }], 3, 2);
    expect(samples.get("a")).toEqual([3, 4, 5]);
  });

  test("refuses two contenders of one name", async () => {
    const twice = { name: "a", run: () => 1 };
    await expect(interleave([twice, twice], 1)).rejects.toThrow("same name");
  });
});

describe("median", () => {
  test.each([
    { samples: [3], middle: 3 },
    { samples: [10, 1, 2], middle: 2 },
    { samples: [4, 1, 100, 2], middle: 3 },
  ])("of $samples is $middle", ({ samples, middle }) => {
    expect(median(samples)).toBe(middle);
  });

  test("of nothing is an error", () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => median(undefined)).toThrow(RangeError);
  });
});
