import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../snapshot/index.js";
import type { BigQueryClient } from "./bigquery-client.js";
import { jobError, mayPass, type ServiceError } from "./bigquery-error.js";

/** A job as the service tells of it. */
export interface BigQueryJob {
  readonly jobReference: { readonly jobId: string; readonly location?: string };
  readonly configuration?: { readonly labels?: Readonly<Record<string, string>> };
  readonly status?: {
    readonly state?: string;
    readonly errorResult?: ServiceError;
    readonly errors?: readonly ServiceError[];
  };
}

export interface JobRequest {
  /** Of all jobs that do the same: the id is this and the number of the attempt. */
  readonly name: string;
  readonly configuration: object;
  /** What it is for, after "BigQuery could not". */
  readonly doing: string;
  /** Whether the outcome of a job is still there, which may have run long ago. Default: it is. */
  readonly isUsable?: () => Promise<boolean>;
}

const firstPollMs = 50;
const longestPollMs = 5_000;
const mostIds = 1_000;

/**
 * The job of this name that succeeded: one that ran before, one that runs for somebody else, or a new one. A job's id is used once in the lifetime of a
 * project, so no work is done twice, whoever asks for it and whatever answers are lost.
 * @throws SnapshotError STORE_CONSTRAINT for a job that failed, STORE_UNAVAILABLE when it does so again and again for a reason that may pass
 */
export async function runJob(client: BigQueryClient, request: JobRequest): Promise<BigQueryJob> {
  const { name, configuration, doing, isUsable = () => Promise.resolve(true) } = request;
  let failures = 0;
  for (let attempt = 0; attempt < mostIds; attempt++) {
    const { job: started, isOwn } = await insertJob(client, `${name}_${attempt}`, configuration, doing);
    const job = await finished(client, started, doing);
    const failure = failureOf(job);
    if (!failure) {
      if (await isUsable()) return job;
      continue;
    }
    // Whatever it was that another run's job failed of may be mended.
    if (!isOwn) continue;
    failures++;
    if (!mayPass(failure[0]!) || failures >= client.place.maxAttempts)
      throw jobError(doing, job.jobReference.jobId, failure);
    await delay(pauseMs(failures));
  }
  throw new SnapshotError(
    "STORE_UNAVAILABLE",
    `BigQuery could not ${doing}: ${mostIds} jobs named ${name} came to nothing. Does another program delete the staging tables? Run it again with another loadId.`,
  );
}

/** The job of this name that succeeded, if there is one; one that runs is waited for. */
export async function findJob(
  client: BigQueryClient,
  name: string,
  doing: string,
): Promise<BigQueryJob | undefined> {
  for (let attempt = 0; attempt < mostIds; attempt++) {
    const found = await getJob(client, `${name}_${attempt}`, doing);
    if (!found) return undefined;
    const job = await finished(client, found, doing);
    if (!failureOf(job)) return job;
  }
  return undefined;
}

/** Runs a query that changes nothing, or may be done again, and tells the only row of its result. */
export async function queryRow(
  client: BigQueryClient,
  query: string,
  doing: string,
): Promise<readonly (string | null)[]> {
  const job = await runJob(client, {
    name: `beam-indexeddb_query_${randomUUID()}`,
    configuration: queryConfiguration(query),
    doing,
  });
  const { body } = await client.call({
    method: "GET",
    path: `/queries/${encodeURIComponent(job.jobReference.jobId)}`,
    query: { location: client.place.location, maxResults: "1" },
    doing,
  });
  const { rows = [] } = body as { rows?: { f: { v: string | null }[] }[] };
  return (rows[0]?.f ?? []).map(({ v }) => v);
}

export function queryConfiguration(query: string): object {
  return { query: { query, useLegacySql: false } };
}

async function insertJob(
  client: BigQueryClient,
  jobId: string,
  configuration: object,
  doing: string,
): Promise<{ readonly job: BigQueryJob; readonly isOwn: boolean }> {
  const { project, location } = client.place;
  const jobReference = { projectId: project, jobId, ...(location === undefined ? {} : { location }) };
  const { status, body } = await client.call({
    method: "POST",
    path: "/jobs",
    body: { jobReference, configuration },
    accept: [409],
    doing,
  });
  if (status !== 409) return { job: body as BigQueryJob, isOwn: true };
  const job = await getJob(client, jobId, doing);
  if (job) return { job, isOwn: false };
  throw new SnapshotError(
    "STORE_UNAVAILABLE",
    `BigQuery could not ${doing}: it says that the job ${jobId} exists, and that it does not. Is the dataset in another location than ${location ?? "the default"}?`,
  );
}

async function getJob(
  client: BigQueryClient,
  jobId: string,
  doing: string,
): Promise<BigQueryJob | undefined> {
  const { status, body } = await client.call({
    method: "GET",
    path: `/jobs/${encodeURIComponent(jobId)}`,
    query: { location: client.place.location },
    accept: [404],
    doing,
  });
  return status === 404 ? undefined : (body as BigQueryJob);
}

async function finished(client: BigQueryClient, job: BigQueryJob, doing: string): Promise<BigQueryJob> {
  let current: BigQueryJob | undefined = job;
  for (let wait = firstPollMs; current.status?.state !== "DONE"; wait = Math.min(2 * wait, longestPollMs)) {
    await delay(wait);
    current = await getJob(client, job.jobReference.jobId, doing);
    if (!current)
      throw new SnapshotError(
        "STORE_UNAVAILABLE",
        `BigQuery could not ${doing}: its job ${job.jobReference.jobId} was deleted while it ran. Run it again.`,
      );
  }
  return current;
}

/** The errors of a job that failed, the deciding one first. */
function failureOf({ status }: BigQueryJob): readonly ServiceError[] | undefined {
  const first = status?.errorResult;
  if (!first) return undefined;
  const others = (status.errors ?? []).filter(({ message }) => message !== first.message);
  return [first, ...others];
}

function pauseMs(failures: number): number {
  return Math.random() * Math.min(20_000, 200 * 2 ** (failures - 1));
}
