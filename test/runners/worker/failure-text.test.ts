import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFailures, writeFailure } from "../../../runners/worker/failure-text.js";
import { SnapshotError } from "../../../snapshot/index.js";

describe("an error's text", () => {
  test("gives name, message, code, stack and causes back, whatever a runner puts around it", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, around) => {
        const error = new SnapshotError("FILE_NOT_FOUND", message, { cause: new TypeError("below") });
        const text = `java.lang.RuntimeException: ${around}\n\tat x.y\nCaused by: ${writeFailure(error)} ${around}\n\tat z`;
        const [failure] = readFailures(text);
        expect(failure).toMatchObject({ name: "SnapshotError", message, code: "FILE_NOT_FOUND" });
        expect(failure!.stack).toContain("Caused by: TypeError: below");
      }),
      { seed: 3 },
    );
  });

  test("is found once, however often the runner repeats it", () => {
    const text = writeFailure(new Error("one"));
    expect(readFailures(`${text}\nCaused by: ${text}\n${writeFailure(new Error("two"))}`)).toMatchObject([
      { message: "one" },
      { message: "two" },
    ]);
  });

  test("is readable by itself", () => {
    expect(writeFailure(new RangeError("too far"))).toMatch(/^RangeError: too far\n/);
  });

  test.each([
    ["a string", "just text"],
    ["undefined", undefined],
    ["an object", { toString: (): string => "an object" }],
  ])("of what is no error: %s", (_, thrown) => {
    expect(readFailures(writeFailure(thrown))).toMatchObject([{ name: "Error", message: String(thrown) }]);
  });

  test("is bounded, and says what is left out", () => {
    const [failure] = readFailures(writeFailure(new Error("x".repeat(100_000))));
    expect(failure!.message).toMatch(/x\.\.\. \(83616 characters left out\)$/);
  });

  test("that was cut on its way, or is someone else's, is passed over", () => {
    const text = writeFailure(new Error("cut"));
    expect(readFailures(text.slice(0, -10))).toEqual([]);
    expect(readFailures("beam-indexeddb-failure:bm90IGpzb24= beam-indexeddb-failure:MQ==")).toEqual([]);
  });
});
