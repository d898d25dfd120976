import type { PipelineMetrics } from "../../beam/index.js";
import { type Jobs, openJobs } from "../../runners/index.js";
import { type Command, type CommandInput, exitCodes, jsonOption, UsageError } from "../command.js";
import { countText } from "../progress.js";
import { printable, textTable } from "../table.js";

const actions = ["status", "cancel", "metrics"] as const;
type Action = (typeof actions)[number];

/** Looks after jobs of a job server, those of other programs among them. */
export const jobCommand: Command = {
  name: "job",
  argumentsText: "status|cancel|metrics [job id] --jobEndpoint=HOST:PORT [--json]",
  summary: "Look after a job that was started with run --detach: its state, its counters, its end.",
  details: "job status without a job id lists all jobs of the job server.",
  options: [{ name: "jobEndpoint", kind: "text", value: "HOST:PORT", help: "The job server." }, jsonOption],
  async run(input) {
    const { action, jobId, jobEndpoint } = parse(input);
    const jobs = openJobs(jobEndpoint);
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

async function resultOf(jobs: Jobs, action: Action, jobId: string | undefined): Promise<Result> {
  if (jobId === undefined) {
    const list = await jobs.list();
    const rows = list.map((job) => [job.jobId, job.jobName, job.state]);
    return { json: list, text: list.length === 0 ? "No jobs.\n" : textTable(["job", "name", "state"], rows) };
  }
  if (action === "metrics") {
    const metrics = await jobs.metrics(jobId);
    return { json: { jobId, metrics }, text: metricsText(metrics) };
  }
  const state = action === "cancel" ? await jobs.cancel(jobId) : await jobs.state(jobId);
  return { json: { jobId, state }, text: `${printable(jobId)} is ${state}.\n` };
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

function parse({ arguments: args, options }: CommandInput): {
  action: Action;
  jobId: string | undefined;
  jobEndpoint: string;
} {
  const [name, jobId, surplus] = args;
  const action = actions.find((one) => one === name);
  if (!action) throw new UsageError(`job needs one of: ${actions.join(", ")}.`);
  if (surplus !== undefined)
    throw new UsageError(`${JSON.stringify(surplus)} is one job too many: one at a time.`);
  if (jobId === undefined && action !== "status")
    throw new UsageError(`job ${action} needs the id of a job: job status lists them.`);
  const { jobEndpoint } = options;
  if (typeof jobEndpoint !== "string") throw new UsageError("job needs --jobEndpoint=HOST:PORT.");
  return { action, jobId, jobEndpoint };
}
