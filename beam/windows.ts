/**
 * Windows where the SDK's are wrong: its fixed and sliding windows of times before 1970 (or before the offset) do not hold the element, since they use
 * the remainder of a negative number; and a session gap with a part of a second reaches runners without that part.
 */
import "./node-compatibility.js";
import { sessions as stockSessions } from "apache-beam";
import { FixedWindowsPayload, SlidingWindowsPayload } from "apache-beam/proto/standard_window_fns";
import { type WindowFn } from "apache-beam/transforms/window";
import { type Instant, IntervalWindow, type Window } from "apache-beam/values";

/**
 * Session windows: elements that lie less than the gap apart share one. Not on the direct runner.
 * @param gapSeconds Whole seconds.
 * @throws TypeError for a part of a second
 */
export function sessions(gapSeconds: number): ReturnType<typeof stockSessions> {
  if (!Number.isSafeInteger(gapSeconds) || gapSeconds <= 0)
    throw new TypeError(`sessions: the gap has to be whole seconds, not ${gapSeconds}.`);
  return stockSessions(gapSeconds);
}

/** A window function in Beam's model. On a worker the one that travelled can't tell it any more. */
export interface WindowSpec {
  readonly urn: string;
  readonly payload: Uint8Array;
}

/** The windows of a time, whatever window function it is; those of the standard ones by their definition in Beam's model. */
export function assignmentOf(
  windowFn: WindowFn<Window>,
  { urn, payload }: WindowSpec,
): (time: Instant) => Window[] {
  const stock = (time: Instant): Window[] => windowFn.assignWindows(time);
  if (urn === "beam:window_fn:fixed_windows:v1") {
    const { offset } = FixedWindowsPayload.fromBinary(payload);
    return periodic(stock, (time) => sizeOf(stock(time.sub(time))[0]), millis(offset));
  }
  if (urn === "beam:window_fn:sliding_windows:v1") {
    const { offset, period } = SlidingWindowsPayload.fromBinary(payload);
    return periodic(stock, () => millis(period), millis(offset));
  }
  return stock;
}

interface Interval {
  readonly start: Instant;
  readonly end: Instant;
}

/** Windows that repeat: those of an early time are those of a later one, moved by whole periods. */
function periodic(
  stock: (time: Instant) => Window[],
  periodAt: (time: Instant) => number,
  offset: number,
): (time: Instant) => Window[] {
  return (time) => {
    if (time.compare(offset) >= 0) return stock(time);
    const period = periodAt(time);
    if (period <= 0) throw new TypeError("Sliding windows need a period of whole seconds.");
    const by = time.sub(time).sub(time).add(offset).div(period).add(1).mul(period);
    return stock(time.add(by)).map((window) => {
      const { start, end } = window as unknown as Interval;
      return new IntervalWindow(start.sub(by), end.sub(by));
    });
  };
}

function sizeOf(window: Window | undefined): number {
  const { start, end } = window as unknown as Interval;
  return end.sub(start).toNumber();
}

function millis(duration: { readonly seconds: bigint } | undefined): number {
  return Number(duration?.seconds ?? 0n) * 1000;
}
