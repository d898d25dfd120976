/** Counters and distributions of a pipeline: what its steps report, and how to read it afterwards. */
import "./node-compatibility.js";
import { Counter, counter, distribution, type Metric, ParDoUpdateParam } from "apache-beam";
import { type MonitoringInfo } from "apache-beam/proto/metrics";
import { type PipelineResult } from "apache-beam/runners/runner";
import { MetricsContainer } from "apache-beam/worker/metrics";
import { ParamProviderImpl } from "apache-beam/worker/pardo_context";
import { registerFunctions } from "./registered.js";
import { ProtobufReader } from "./sdk-dependency.js";

export { Counter, counter, distribution, type Metric };

/** Counters that share a name and differ in a label: one for each object store, say. */
export class CounterFamily extends ParDoUpdateParam<number> {
  readonly name: string;
  /** By label, in a worker only. */
  private counters: Map<string, Counter> | undefined;

  constructor(name: string) {
    super("metric");
    this.name = name;
  }

  /** Adds to the counter `<name>/<label>`. */
  increment(label: string, value = 1): void {
    if (this.provider === undefined) {
      throw new TypeError(
        `The counters "${this.name}" count only inside a DoFn: give them to it in its context.`,
      );
    }
    this.counters ??= new Map();
    let one = this.counters.get(label);
    if (!one) this.counters.set(label, (one = new Counter(`${this.name}/${label}`)));
    this.provider.update(one, value);
  }
}

/**
 * Counters by label for the context of a DoFn.
 * @example
 * records.apply(parDo(new CountPerStore(), { records: counterFamily("records") }));
 * // in the DoFn: context.records.increment(record.store); read as counters["records/notes"]
 */
export function counterFamily(name: string): CounterFamily {
  return new CounterFamily(name);
}

/** What a distribution has seen. */
export interface DistributionData {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** Sums over all steps and bundles, by name. */
export interface PipelineMetrics {
  readonly counters: Readonly<Record<string, number>>;
  readonly distributions: Readonly<Record<string, DistributionData>>;
}

/**
 * The counters and distributions of a pipeline that has run. A metric that was never touched is not in it. Whole numbers are exact up to
 * 2^53.
 */
export async function readMetrics(result: PipelineResult): Promise<PipelineMetrics> {
  return sumMetrics(await result.rawMetrics());
}

/** Sums what the steps reported, as the model's MonitoringInfos have it. Other metrics than users' are left out. */
export function sumMetrics(infos: Iterable<MonitoringInfo>): PipelineMetrics {
  const counters: Record<string, number> = {};
  const distributions: Record<string, DistributionData> = {};
  for (const { urn, labels, payload } of infos) {
    const name = labels.NAME ?? "";
    if (urn === counterUrn) counters[name] = (counters[name] ?? 0) + integers(payload, 1)[0]!;
    if (urn === distributionUrn)
      distributions[name] = mergeDistributions(distributions[name], distributionOf(payload));
  }
  return { counters, distributions };
}

const counterUrn = "beam:metric:user:sum_int64:v1";
const distributionUrn = "beam:metric:user:distribution_int64:v1";

function distributionOf(payload: Uint8Array): DistributionData {
  const [count, sum, min, max] = integers(payload, 4) as [number, number, number, number];
  return { count, sum, min, max };
}

/** What both have seen together. One that has seen nothing counts for nothing. */
export function mergeDistributions(a: DistributionData | undefined, b: DistributionData): DistributionData {
  if (!a || a.count === 0) return b;
  if (b.count === 0) return a;
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  };
}

function integers(payload: Uint8Array, count: number): number[] {
  // The SDK writes a distribution as a list, with its length in front; the model has the four numbers alone.
  const listed =
    payload.length > 4 && payload[0] === 0 && payload[1] === 0 && payload[2] === 0 && payload[3] === 4;
  const reader = new ProtobufReader(listed ? payload.subarray(4) : payload);
  return Array.from({ length: count }, () => Number(reader.int64()));
}

// A processor is used for many bundles. The stock reset forgets that a metric was set but not its value, so sums grow from bundle to bundle.
MetricsContainer.prototype.reset = function (this: MetricsContainer): void {
  for (const cell of this.metrics.values()) {
    cell.is_set = false;
    cell.value.reset();
  }
};

// In Beam's model both kinds are whole numbers of 64 bits. The part of a fraction would get lost on its way to the runner.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
const stockUpdate = ParamProviderImpl.prototype.update;
ParamProviderImpl.prototype.update = function (this: ParamProviderImpl, param, value) {
  const { name, metricType } = param as unknown as { readonly name?: string; readonly metricType?: string };
  if (metricType !== undefined && !Number.isSafeInteger(value)) {
    throw new TypeError(
      `The metric ${JSON.stringify(name)} takes whole numbers of up to 2^53 - 1, not ${String(value)}.`,
    );
  }
  stockUpdate.call(this, param, value);
};

registerFunctions("beam-indexeddb/beam", { CounterFamily });
