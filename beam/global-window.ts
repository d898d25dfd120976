/** Elements with their window, for what emits outside of `process`. */
import "./node-compatibility.js";
import "apache-beam";
import { PaneInfoCoder } from "apache-beam/coders/required_coders";
import { GlobalWindow, type Instant, type Window, type WindowedValue } from "apache-beam/values";

/**
 * The value in the global window, at its end: what `finishBundle` gives for elements that belong to no single input.
 * @example *finishBundle() { yield inGlobalWindow(this.total); }
 */
export function inGlobalWindow<T>(value: T): WindowedValue<T> {
  return inWindow(value, new GlobalWindow());
}

/** The value at the end of a window, where groups are. */
export function inWindow<T>(value: T, window: Window): WindowedValue<T> {
  return { value, windows: [window], timestamp: window.maxTimestamp(), pane: pane() };
}

/** The value at the beginning of time, where sources start. */
export function earliestInGlobalWindow<T>(value: T): WindowedValue<T> {
  return { value, windows: [new GlobalWindow()], timestamp: earliest, pane: pane() };
}

/** Beam's first millisecond: microseconds since the epoch have to fit 64 bits. */
const earliest: Instant = longOf("-9223372036854775");

function longOf(text: string): Instant {
  // The SDK's number type comes from a package of its own, which is reached through a value.
  const { constructor } = new GlobalWindow().maxTimestamp() as unknown as {
    constructor: { fromString(text: string): Instant };
  };
  return constructor.fromString(text);
}

function pane(): WindowedValue<unknown>["pane"] {
  return (PaneInfoCoder as unknown as { ONE_AND_ONLY_FIRING: WindowedValue<unknown>["pane"] })
    .ONE_AND_ONLY_FIRING;
}
