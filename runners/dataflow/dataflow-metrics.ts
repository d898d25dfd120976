import type { DistributionData, PipelineMetrics } from "../../beam/index.js";
import { mergeDistributions } from "../../beam/metrics.js";

/** A metric as Dataflow tells it. Everything may be missing. */
export interface MetricUpdate {
  readonly name?: {
    readonly origin?: string;
    readonly name?: string;
    readonly context?: Readonly<Record<string, string>>;
  };
  readonly scalar?: unknown;
  readonly distribution?: unknown;
}

/**
 * The counters and distributions of users, summed over steps by name. Tentative values (also of bundles that were tried again) are left out: there is a committed
 * one beside each. So are the four numbers that Dataflow makes of each distribution beside it.
 */
export function metricsOfUsers(updates: readonly MetricUpdate[]): PipelineMetrics {
  const committed = updates.filter(
    ({ name }) => name?.origin === "user" && name.context?.tentative !== "true" && name.name !== undefined,
  );
  const shadows = new Set(
    committed
      .filter((update) => distributionOf(update.distribution) !== undefined)
      .flatMap((update) =>
        ["_MIN", "_MAX", "_MEAN", "_COUNT"].map((suffix) =>
          identity(update, `${update.name!.name!}${suffix}`),
        ),
      ),
  );
  const counters = new Map<string, number>();
  const distributions = new Map<string, DistributionData>();
  for (const update of committed) {
    const name = update.name!.name!;
    const distribution = distributionOf(update.distribution);
    const count = wholeNumber(update.scalar);
    if (distribution) distributions.set(name, mergeDistributions(distributions.get(name), distribution));
    else if (count !== undefined && !shadows.has(identity(update, name)))
      counters.set(name, (counters.get(name) ?? 0) + count);
  }
  return { counters: Object.fromEntries(counters), distributions: Object.fromEntries(distributions) };
}

function identity({ name }: MetricUpdate, own: string): string {
  const context = Object.entries(name?.context ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([own, context]);
}

function distributionOf(value: unknown): DistributionData | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { count, sum, min, max } = value as Record<string, unknown>;
  const numbers = [count, sum, min, max].map(wholeNumber);
  if (numbers.includes(undefined)) return undefined;
  const [a, b, c, d] = numbers as [number, number, number, number];
  return { count: a, sum: b, min: c, max: d };
}

/** Large numbers come as text. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
