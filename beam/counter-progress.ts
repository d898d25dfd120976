/** Counters while a pipeline runs in this process. */
import "./node-compatibility.js";
import "apache-beam";
import { ParamProviderImpl } from "apache-beam/worker/pardo_context";

export type ProgressListener = (counters: Readonly<Record<string, number>>) => void;

interface Watch {
  readonly listener: ProgressListener;
  readonly counters: Record<string, number>;
  calledAt: number;
}

const watches = new Set<Watch>();
const intervalMs = 100;

/**
 * Calls the listener with the sums of all counters of this process so far, at most ten times a second. Steps that compute without a pause leave no
 * room for a timer, so the listener is called from within their counting. Returns what ends it.
 */
export function watchCounters(listener: ProgressListener): () => void {
  const watch: Watch = { listener, counters: {}, calledAt: Date.now() };
  watches.add(watch);
  return () => {
    watches.delete(watch);
  };
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
const stockUpdate = ParamProviderImpl.prototype.update;
ParamProviderImpl.prototype.update = function (this: ParamProviderImpl, param, value) {
  stockUpdate.call(this, param, value);
  if (watches.size === 0) return;
  const { name, metricType } = param as unknown as { readonly name?: unknown; readonly metricType?: unknown };
  if (typeof name !== "string" || typeof value !== "number" || metricType !== "beam:metric:user:sum_int64:v1")
    return;
  for (const watch of watches) {
    watch.counters[name] = (watch.counters[name] ?? 0) + value;
    const now = Date.now();
    if (now - watch.calledAt < intervalMs) continue;
    watch.calledAt = now;
    watch.listener(watch.counters);
  }
};
