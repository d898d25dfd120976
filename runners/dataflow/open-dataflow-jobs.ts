import type { Jobs } from "../portable/open-jobs.js";
import type { JobState } from "../portable/job-state.js";
import { checkDataflowPlace, type DataflowPlace } from "./check-dataflow-options.js";
import { openDataflow } from "./dataflow-api.js";
import { metricsOfUsers } from "./dataflow-metrics.js";
import { type Authorize, googleAuth, noAuth } from "./google-auth.js";
import { createHttpClient } from "./http-client.js";

/** The jobs of a project in a region. */
export interface DataflowJobs extends Jobs {
  /** Asks a streaming job to end when it has done all that it has read; resolves to its state, which may be DRAINING yet. */
  drain(jobId: string): Promise<JobState>;
}

/**
 * The Dataflow jobs of a project in a region, from outside.
 * @throws TypeError for a missing project or region; each call: SnapshotError RUNNER_PROGRAM_MISSING, RUNNER_SERVICE_FAILED,
 * RUNNER_ENDPOINT_UNREACHABLE
 * @example await openDataflowJobs({ project: "my-project", region: "europe-west1" }).drain(jobId);
 */
export function openDataflowJobs(place: DataflowPlace): DataflowJobs {
  checkDataflowPlace(place);
  const { project = "", region = "", dataflowEndpoint: endpoint } = place;
  const api = openDataflow(createHttpClient({ authorize: authorizeFor(place) }), {
    project,
    region,
    endpoint,
  });
  return {
    list: async () => (await api.list()).map(({ id, name, state }) => ({ jobId: id, jobName: name, state })),
    state: async (jobId) => (await api.get(jobId)).state,
    cancel: async (jobId) => (await api.request(jobId, "JOB_STATE_CANCELLED")).state,
    drain: async (jobId) => (await api.request(jobId, "JOB_STATE_DRAINED")).state,
    metrics: async (jobId) => metricsOfUsers(await api.metrics(jobId)),
    close: () => undefined,
  };
}

/** Google's credentials, unless there are to be none. */
export function authorizeFor({ noAuth: isOpen = false }: DataflowPlace): Authorize {
  return isOpen ? noAuth : googleAuth();
}
