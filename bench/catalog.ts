import type { Bench } from "./bench.js";
import { codecBench } from "./codec/codec-bench.js";

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [codecBench];
