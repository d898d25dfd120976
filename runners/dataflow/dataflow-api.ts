import { SnapshotError } from "../../snapshot/index.js";
import type { JobState } from "../portable/job-state.js";
import type { DataflowJob } from "./dataflow-job.js";
import type { MetricUpdate } from "./dataflow-metrics.js";
import { dataflowState } from "./dataflow-state.js";
import type { HttpClient } from "./http-client.js";
import { refusal } from "./http-error.js";

/** What is known of a job. */
export interface JobDetails {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  /** Of the request that created it. */
  readonly clientRequestId: string | undefined;
}

/** What the service says about a job. */
export interface ServiceMessage {
  readonly id: string;
  readonly text: string;
  /** Such as JOB_MESSAGE_ERROR. */
  readonly importance: string;
  readonly time: string;
}

/** Dataflow's REST interface, as far as it is used. */
export interface DataflowApi {
  /**
   * Starts a job, once: when the answer gets lost, the job that has been started is found again.
   * @throws SnapshotError RUNNER_SERVICE_FAILED when another job has the name
   */
  create(job: DataflowJob): Promise<JobDetails>;
  get(jobId: string): Promise<JobDetails>;
  /** The running job of a name. */
  findActive(name: string): Promise<JobDetails | undefined>;
  list(): Promise<readonly JobDetails[]>;
  /** Those since a time (RFC 3339), or all; in the service's order. Debug messages are left out. */
  messages(jobId: string, since?: string): Promise<readonly ServiceMessage[]>;
  metrics(jobId: string): Promise<readonly MetricUpdate[]>;
  /** Asks for the end of a job: at once, or when all that has been read is done. */
  request(jobId: string, state: "JOB_STATE_CANCELLED" | "JOB_STATE_DRAINED"): Promise<JobDetails>;
}

/** Where the interface is. */
export interface ApiPlace {
  readonly project: string;
  readonly region: string;
  /** Default: Google's. */
  readonly endpoint?: string | undefined;
}

interface JobAnswer {
  readonly id: string;
  readonly name: string;
  readonly currentState: string;
  readonly clientRequestId: string;
}

/** Google's address of the service. */
export const dataflowEndpoint = "https://dataflow.googleapis.com";
const mostPages = 1_000;
/** Jobs of one name that are looked at for the one that was created: the latest are listed first. */
const mostNamesakes = 20;

/** Calls Dataflow. @throws each call: SnapshotError RUNNER_SERVICE_FAILED, RUNNER_ENDPOINT_UNREACHABLE */
export function openDataflow(http: HttpClient, place: ApiPlace): DataflowApi {
  const { project, region, endpoint = dataflowEndpoint } = place;
  const jobs = `${endpoint}/v1b3/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(region)}/jobs`;
  const job = (jobId: string, part = ""): string => `${jobs}/${encodeURIComponent(jobId)}${part}`;
  /** All pages of an answer. */
  const pages = async function* <T extends { nextPageToken: string }>(
    url: string,
    query: Readonly<Record<string, string>>,
    what: string,
  ): AsyncGenerator<Partial<T>> {
    let pageToken: string | undefined;
    for (let n = 0; n < mostPages; n++) {
      const parameters = new URLSearchParams({ ...query, ...(pageToken === undefined ? {} : { pageToken }) });
      const page = await http.sendForJson<T>({ method: "GET", url: `${url}?${parameters.toString()}`, what });
      yield page;
      pageToken = page.nextPageToken;
      if (pageToken === undefined || pageToken === "") return;
    }
  };
  const listed = async (query: Readonly<Record<string, string>>): Promise<readonly JobDetails[]> => {
    const found: JobDetails[] = [];
    for await (const page of pages<{ jobs: Partial<JobAnswer>[]; nextPageToken: string }>(
      jobs,
      query,
      "list its jobs",
    ))
      found.push(...(page.jobs ?? []).map(detailsOf));
    return found;
  };
  // A service that does not know the filter by name gives more.
  const named = async (name: string, filter: "ACTIVE" | "ALL"): Promise<readonly JobDetails[]> =>
    (await listed({ filter, name })).filter((one) => one.name === name);
  const get = async (jobId: string): Promise<JobDetails> =>
    detailsOf(
      await http.sendForJson<JobAnswer>({
        method: "GET",
        url: job(jobId),
        what: `tell the state of the job ${jobId}`,
      }),
    );
  /** The job that a request created whose answer got lost. Lists do not tell which request created a job. */
  const createdBy = async ({ name, clientRequestId }: DataflowJob): Promise<JobDetails | undefined> => {
    for (const { id } of (await named(name, "ALL")).slice(0, mostNamesakes)) {
      const details = await get(id);
      if (details.clientRequestId === clientRequestId) return details;
    }
    return undefined;
  };
  return {
    async create(description) {
      const what = `create the job ${description.name}`;
      const answer = await http.sendForJson<JobAnswer & { error: unknown }>({
        method: "POST",
        url: jobs,
        headers: { "content-type": "application/json; charset=UTF-8" },
        body: Buffer.from(JSON.stringify(description)),
        what,
        accept: [200, 409],
      });
      if (answer.error !== undefined) {
        // Another job has the name, or this one was created by an attempt whose answer got lost.
        const own = await createdBy(description);
        if (own) return own;
        const [other] = await named(description.name, "ACTIVE");
        if (other) throw nameTaken(description, other);
        throw refusal(what, jobs, { status: 409, text: JSON.stringify(answer) });
      }
      const details = detailsOf(answer);
      const { clientRequestId } = details;
      if (clientRequestId !== undefined && clientRequestId !== description.clientRequestId)
        throw nameTaken(description, details);
      if (details.id === "")
        throw new SnapshotError(
          "RUNNER_SERVICE_FAILED",
          `Google Cloud did not ${what}: its answer has no id of a job. Look for the job in the console before you start it again.`,
        );
      return details;
    },
    get,
    findActive: async (name) => (await named(name, "ACTIVE"))[0],
    list: () => listed({}),
    async messages(jobId, since) {
      const found: ServiceMessage[] = [];
      const query = {
        minimumImportance: "JOB_MESSAGE_DETAILED",
        ...(since === undefined ? {} : { startTime: since }),
      };
      for await (const page of pages<{ jobMessages: Partial<MessageAnswer>[]; nextPageToken: string }>(
        job(jobId, "/messages"),
        query,
        `tell the messages of the job ${jobId}`,
      ))
        found.push(...(page.jobMessages ?? []).map(messageOf));
      return found;
    },
    async metrics(jobId) {
      const { metrics = [] } = await http.sendForJson<{ metrics: MetricUpdate[] }>({
        method: "GET",
        url: job(jobId, "/metrics"),
        what: `tell the metrics of the job ${jobId}`,
      });
      return metrics;
    },
    request: async (jobId, requestedState) =>
      detailsOf(
        await http.sendForJson<JobAnswer>({
          method: "PUT",
          url: job(jobId),
          headers: { "content-type": "application/json; charset=UTF-8" },
          body: Buffer.from(JSON.stringify({ requestedState })),
          what: `${requestedState === "JOB_STATE_CANCELLED" ? "cancel" : "drain"} the job ${jobId}`,
        }),
      ),
  };
}

interface MessageAnswer {
  readonly id: string;
  readonly messageText: string;
  readonly messageImportance: string;
  readonly time: string;
}

function messageOf(message: Partial<MessageAnswer>): ServiceMessage {
  return {
    id: message.id ?? "",
    text: message.messageText ?? "",
    importance: message.messageImportance ?? "",
    time: message.time ?? "",
  };
}

function detailsOf({ id = "", name = "", currentState, clientRequestId }: Partial<JobAnswer>): JobDetails {
  return {
    id,
    name,
    state: dataflowState(currentState),
    clientRequestId: clientRequestId === "" ? undefined : clientRequestId,
  };
}

function nameTaken({ name, replaceJobId }: DataflowJob, other: JobDetails): SnapshotError {
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    replaceJobId === undefined
      ? `A job with the name ${name} runs already (${other.id}), so none was started. Choose another --jobName, or cancel that job.`
      : `The job ${replaceJobId} has been updated already, by the job ${other.id}, so none was started. Update that one.`,
  );
}
