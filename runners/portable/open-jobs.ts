import type { PipelineMetrics } from "../../beam/index.js";
import { call, connect } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";
import { jobServerError } from "./grpc-failure.js";
import { jobMetrics } from "./job-metrics.js";
import { type JobState, jobStateOf } from "./job-state.js";

/** A job of a job server. */
export interface JobInfo {
  readonly jobId: string;
  readonly jobName: string;
  readonly state: JobState;
}

/** The jobs of a job server, from outside. */
export interface Jobs {
  /** All that it remembers. */
  list(): Promise<readonly JobInfo[]>;
  state(jobId: string): Promise<JobState>;
  /** Asks for the end of a job; resolves to its state, which may be CANCELLING yet. */
  cancel(jobId: string): Promise<JobState>;
  metrics(jobId: string): Promise<PipelineMetrics>;
  close(): void;
}

const timeoutMs = 30_000;

/**
 * Connects to a job server at `host:port`.
 * @throws each call: SnapshotError RUNNER_ENDPOINT_UNREACHABLE when nobody answers, RUNNER_SERVICE_FAILED when the server refuses: it does not
 * know the job, say
 */
export function openJobs(jobEndpoint: string): Jobs {
  const client = connect(jobEndpoint);
  const asked = <T>(answer: Promise<T>, what: string): Promise<T> =>
    answer.catch((error: unknown) => {
      throw jobServerError(error, jobEndpoint, what);
    });
  return {
    async list() {
      const { jobInfo } = await asked(call(client, jobs.getJobs, {}, { timeoutMs }), "list its jobs");
      return jobInfo.map(({ jobId, jobName, state }) => ({ jobId, jobName, state: jobStateOf(state) }));
    },
    async state(jobId) {
      const { state } = await asked(
        call(client, jobs.getState, { jobId }, { timeoutMs }),
        `tell the state of the job ${jobId}`,
      );
      return jobStateOf(state);
    },
    async cancel(jobId) {
      const { state } = await asked(
        call(client, jobs.cancel, { jobId }, { timeoutMs }),
        `cancel the job ${jobId}`,
      );
      return jobStateOf(state);
    },
    metrics: (jobId) =>
      asked(jobMetrics(client, jobId, { timeoutMs }), `tell the metrics of the job ${jobId}`),
    close: () => {
      client.close();
    },
  };
}
