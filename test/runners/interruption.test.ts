import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { interruptionBy } from "../../runners/interruption.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const days = 24 * 3600 * 1000;

test.each([1, 1000, 24 * days, 25 * days, 60 * days])("fires after %i ms, and not before", (timeoutMs) => {
  const { signal } = interruptionBy(undefined, timeoutMs, "more machines with --maxNumWorkers");
  vi.advanceTimersByTime(timeoutMs - 1);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(signal.reason).toMatchObject({ code: "RUNNER_TIMEOUT" });
});

test("fires with the user's signal, also when that has fired before", () => {
  const user = new AbortController();
  const early = interruptionBy(user.signal, undefined, "more machines with --maxNumWorkers");
  user.abort(new Error("enough"));
  const late = interruptionBy(user.signal, undefined, "more machines with --maxNumWorkers");
  for (const { signal } of [early, late])
    expect(signal.reason).toMatchObject({ code: "RUNNER_JOB_CANCELLED", cause: { message: "enough" } });
});

test("does not fire after its end, and leaves no timer", () => {
  const user = new AbortController();
  const interruption = interruptionBy(user.signal, 60 * days, "more machines with --maxNumWorkers");
  interruption.end();
  user.abort();
  expect(interruption.signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});
