import { decodeValue, encodeValue } from "../../snapshot/index.js";
import { structuredEqual } from "../../testing/structured-equal.js";
import { structuredDifference } from "../structured-difference.js";
import { randomFrom } from "./random.js";
import { randomValue } from "./random-value.js";

export interface RoundTripReport {
  roundTrips: number;
  bytes: number;
  slowestMs: number;
  readonly findings: { readonly number: number; readonly fault: string }[];
}

/** Random values, encoded and decoded: each comes back equal, and encodes again to the same bytes. */
export function fuzzRoundTrips(options: {
  readonly seed: number;
  /** Number of the first value. Default 0. */
  readonly from?: number | undefined;
  readonly roundTrips: number;
  readonly onProgress?: ((report: RoundTripReport) => void) | undefined;
}): RoundTripReport {
  const report: RoundTripReport = { roundTrips: 0, bytes: 0, slowestMs: 0, findings: [] };
  const from = options.from ?? 0;
  for (let n = from; n < from + options.roundTrips; n++) {
    const started = performance.now();
    const fault = roundTrip(randomValue(randomFrom(options.seed, n)), report);
    report.slowestMs = Math.max(report.slowestMs, performance.now() - started);
    if (fault !== undefined) report.findings.push({ number: n, fault });
    report.roundTrips++;
    if (n % 1000 === 999) options.onProgress?.(report);
  }
  return report;
}

function roundTrip(value: unknown, report: RoundTripReport): string | undefined {
  try {
    const encoded = encodeValue(value);
    report.bytes += encoded.length;
    const decoded = decodeValue(encoded);
    // The one is the public comparison, which does not look at the order of properties or at shared references; the other does.
    if (!structuredEqual(decoded, value)) return "comes back as another value";
    const difference = structuredDifference(decoded, value);
    if (difference !== undefined) return difference;
    const again = encodeValue(decoded);
    return Buffer.compare(again, encoded) === 0 ? undefined : "encodes to other bytes when it was decoded";
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
