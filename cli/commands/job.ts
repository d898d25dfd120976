import type { PipelineMetrics } from "../../beam/index.js";
import { type DataflowJobs, type Jobs, openDataflowJobs, openJobs } from "../../runners/index.js";
import { type Command, type CommandInput, exitCodes, jsonOption, UsageError } from "../command.js";
import { dataflowPlaceOptions } from "../dataflow-options.js";
import { countText } from "../progress.js";
import { printable, textTable } from "../table.js";

const actions = ["status", "cancel", "metrics", "drain"] as const;
type Action = (typeof actions)[number];

/** Looks after jobs of a job server, those of other programs among them. */
export const jobCommand: Command = {
  name: "job",
  argumentsText: `${actions.join("|")} [job id] --jobEndpoint=HOST:PORT [--json]`,
  summary: "Look after a job that was started with run --detach: its state, its counters, its end.",
  details:
    "job status without a job id lists all jobs of the job server. Jobs on Google Cloud Dataflow are named by --project and --region in place of --jobEndpoint; drain is for streaming jobs there.",
  options: [
    { name: "jobEndpoint", kind: "text", value: "HOST:PORT", help: "The job server." },
    ...dataflowPlaceOptions,
    jsonOption,
  ],
  async run(input) {
    const { action, jobId } = parse(input);
    const jobs = open(input);
    try {
      const result = await resultOf(jobs, action, jobId);
      await input.terminal.out(
        input.options.json === true ? `${JSON.stringify(result.json)}\n` : result.text,
      );
      return exitCodes.ok;
    } finally {
      jobs.close();
    }
  },
};

interface Result {
  readonly json: unknown;
  readonly text: string;
}

type AnyJobs = Jobs & Partial<DataflowJobs>;

function open({ options }: CommandInput): AnyJobs {
  const { jobEndpoint, project, region } = options;
  const isDataflow = project !== undefined || region !== undefined;
  if (isDataflow === (jobEndpoint !== undefined))
    throw new UsageError("job needs --jobEndpoint=HOST:PORT, or --project and --region for Dataflow.");
  if (!isDataflow) return openJobs(jobEndpoint as string);
  try {
    return openDataflowJobs({ project: project as string, region: region as string });
  } catch (cause) {
    throw cause instanceof TypeError ? new UsageError(cause.message, { cause }) : cause;
  }
}

async function resultOf(jobs: AnyJobs, action: Action, jobId: string | undefined): Promise<Result> {
  if (jobId === undefined) {
    const list = await jobs.list();
    const rows = list.map((job) => [job.jobId, job.jobName, job.state]);
    return { json: list, text: list.length === 0 ? "No jobs.\n" : textTable(["job", "name", "state"], rows) };
  }
  if (action === "metrics") {
    const metrics = await jobs.metrics(jobId);
    return { json: { jobId, metrics }, text: metricsText(metrics) };
  }
  const state = await stateAfter(jobs, action, jobId);
  return { json: { jobId, state }, text: `${printable(jobId)} is ${state}.\n` };
}

async function stateAfter(jobs: AnyJobs, action: Action, jobId: string): Promise<string> {
  if (action === "cancel") return jobs.cancel(jobId);
  if (action !== "drain") return jobs.state(jobId);
  if (!jobs.drain) throw new UsageError("job drain is for streaming jobs on Dataflow: see job cancel.");
  return jobs.drain(jobId);
}

function metricsText({ counters, distributions }: PipelineMetrics): string {
  const rows = [
    ...Object.entries(counters).map(([name, count]) => [name, countText(count)]),
    ...Object.entries(distributions).map(([name, { count, sum, min, max }]) => [
      name,
      `${countText(count)} values, sum ${countText(sum)}, ${countText(min)} to ${countText(max)}`,
    ]),
  ].sort(([a], [b]) => (a! < b! ? -1 : 1));
  return rows.length === 0 ? "No metrics yet.\n" : textTable(["metric", "value"], rows);
}

function parse({ arguments: args }: CommandInput): { action: Action; jobId: string | undefined } {
  const [name, jobId, surplus] = args;
  const action = actions.find((one) => one === name);
  if (!action) throw new UsageError(`job needs one of: ${actions.join(", ")}.`);
  if (surplus !== undefined)
    throw new UsageError(`${JSON.stringify(surplus)} is one job too many: one at a time.`);
  if (jobId === undefined && action !== "status")
    throw new UsageError(`job ${action} needs the id of a job: job status lists them.`);
  return { action, jobId };
}
