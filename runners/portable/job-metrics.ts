import { type Client } from "@grpc/grpc-js";
import { type PipelineMetrics, sumMetrics } from "../../beam/index.js";
import type { jobApi } from "../../beam/model.js";
import { call, type CallOptions } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";

/** Counters and distributions of a job as of now. @throws the gRPC error */
export async function jobMetrics(
  client: Client,
  jobId: string,
  options?: CallOptions,
): Promise<PipelineMetrics> {
  const { metrics } = await call(client, jobs.getJobMetrics, { jobId }, options);
  return metricsOf(metrics);
}

/**
 * Committed values (of bundles that count) where the runner knows them, attempted ones (also of bundles that were tried again) otherwise: a runner
 * has one or the other of each metric, or both.
 */
export function metricsOf(metrics: jobApi.MetricResults | undefined): PipelineMetrics {
  const committed = metrics?.committed ?? [];
  const attempted = metrics?.attempted ?? [];
  const known = new Set(committed.map(identity));
  return sumMetrics([...committed, ...attempted.filter((info) => !known.has(identity(info)))]);
}

function identity({ urn, labels }: jobApi.MetricResults["committed"][number]): string {
  return JSON.stringify([urn, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
