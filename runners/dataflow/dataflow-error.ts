import { SnapshotError } from "../../snapshot/index.js";
import { jobFailed } from "../portable/job-error.js";
import { readFailures } from "../worker/failure-text.js";

/** Texts in front of what a worker said. */
const prefix = /^(?:.*?Error message from worker: )?(?:generic::\w+: )?/s;
/** What only says that something else has failed. */
const summaries = /^Workflow failed|^The job failed because a work item has failed|failed\.$/;

/**
 * The error of a job that failed: the cause in one sentence, where the job can be looked at, and all that the service said as the cause's cause.
 * @param errors The job's messages of the importance "error", in their order
 */
export function dataflowFailed(errors: readonly string[], consoleUrl: string): SnapshotError {
  const { code, message, cause } = jobFailed(mostTelling(errors));
  const whole = errors.join("\n");
  return new SnapshotError(code, `${message.replace(/\.$/, "")}. All about the job: ${consoleUrl}`, {
    cause: cause instanceof Error && cause.message !== "" ? cause : new Error(whole),
  });
}

/** Those from which jobFailed takes the cause: it finds what our workers wrote, or takes the first. */
function mostTelling(errors: readonly string[]): readonly string[] {
  if (errors.some((text) => readFailures(text).length > 0)) return errors;
  const fromWorkers = errors.filter((text) => text.includes("Error message from worker: "));
  const rest = errors.filter((text) => !fromWorkers.includes(text));
  const telling = rest.filter((text) => !summaries.test(text.trim()));
  const others = rest.filter((text) => summaries.test(text.trim()));
  return [...fromWorkers.map((text) => text.replace(prefix, "")), ...telling, ...others];
}

/** Google's page of a job. */
export function consoleUrlOf(project: string, region: string, jobId: string): string {
  return `https://console.cloud.google.com/dataflow/jobs/${encodeURIComponent(region)}/${encodeURIComponent(jobId)}?project=${encodeURIComponent(project)}`;
}
