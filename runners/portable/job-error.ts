import { SnapshotError } from "../../snapshot/index.js";
import { readFailures, type WorkerFailure } from "../worker/failure-text.js";

/**
 * The error of a job that failed: one sentence with the cause that came first, and the whole text of the runner as the cause's cause.
 * @param errors The job's messages of the severity "error", in their order
 */
export function jobFailed(errors: readonly string[]): SnapshotError {
  const text = errors.map(withoutData).join("\n");
  // When one bundle fails, others are cut off and fail as well, later.
  const [failure] = errors.flatMap(readFailures);
  if (failure) {
    const step = failure.step === undefined ? "" : ` in step ${JSON.stringify(failure.step)}`;
    const code = failure.code ?? failure.name;
    return new SnapshotError("RUNNER_JOB_FAILED", `The job failed${step}: ${code}: ${failure.message}`, {
      cause: errorOf(failure, text),
    });
  }
  const said = errors.map(rootCause).find((line) => line !== "");
  return new SnapshotError(
    "RUNNER_JOB_FAILED",
    said === undefined
      ? "The job failed, and the runner did not say why. Its log may tell."
      : `The job failed: ${said}`,
    { cause: new Error(text) },
  );
}

/** As it was thrown on the worker, as far as that can be told. */
function errorOf({ name, message, code, stack }: WorkerFailure, text: string): Error {
  const error = new Error(message, { cause: text });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}

/** What stands in front of a worker's text when a runner passes it on. */
const wrappers = [
  /^Caused by: /,
  /^(?:[\w$]+\.)+[\w$]*(?:Exception|Error): /,
  /^RuntimeError: /,
  /^Error received from SDK harness for instruction \S+: /,
  /^bundle \S+ \S+ failed:\s*/,
];

/**
 * The line of a text that tells the cause: the last "Caused by" of Java, the last line of Python's traceback that is not indented, else the first line; without the
 * names of the exceptions that only pass it on.
 */
export function rootCause(text: string): string {
  // Python prints a failed call over many lines, of which this one tells why.
  const call = /^\s*details = "(.+)"$/m.exec(text)?.[1];
  if (call !== undefined) return call;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const traceback = lines.findIndex((line) => line.startsWith("Traceback (most recent call last)"));
  const raised = lines.slice(traceback + 1).find((line) => /^\S/.test(line));
  const chosen =
    traceback >= 0
      ? (raised ?? lines[0])
      : (lines.findLast((line) => line.startsWith("Caused by: ")) ?? lines[0]);
  return unwrapped(chosen?.trim() ?? "");
}

function unwrapped(line: string): string {
  const wrapper = wrappers.find((one) => one.test(line) && line.replace(one, "") !== "");
  return wrapper ? unwrapped(line.replace(wrapper, "")) : line;
}

/** Without the lines that carry a failure as data. */
function withoutData(text: string): string {
  return text.replaceAll(/^.*beam-indexeddb-failure:.*\n?/gm, "");
}
