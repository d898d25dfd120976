import { type ServiceError, status } from "@grpc/grpc-js";
import { isSnapshotError, SnapshotError } from "../../snapshot/index.js";

/** True for an error that gRPC gave a call. */
export function isGrpcError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === "number";
}

/** True when nobody answered, or not in time: the next call may be answered. */
export function isUnanswered(error: unknown): boolean {
  return isGrpcError(error) && (error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED);
}

/**
 * The error of a call to a job server, as a user reads it.
 * @param what What the call was to do, after "could not": "take the job"
 */
export function jobServerError(error: unknown, address: string, what: string): unknown {
  if (isSnapshotError(error) || !isGrpcError(error)) return error;
  if (isUnanswered(error)) {
    return new SnapshotError(
      "RUNNER_ENDPOINT_UNREACHABLE",
      `The job server at ${address} can't be reached (${firstLine(error.details)}). Check host and port, and that it runs.`,
      { cause: error },
    );
  }
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `The job server at ${address} could not ${what}: ${firstLine(error.details) || "it gave no reason"}.`,
    { cause: error },
  );
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]!.replace(/\.$/, "");
}

/** The error of a job server that does not take a job: often for what the pipeline uses. */
export function prepareError(error: unknown, address: string): unknown {
  if (
    isGrpcError(error) &&
    !isUnanswered(error) &&
    /unsupported|unimplemented|not supported/i.test(error.details)
  ) {
    return new SnapshotError(
      "RUNNER_UNSUPPORTED_FEATURE",
      `The runner at ${address} can't run this pipeline: ${firstLine(error.details)}. docs/runners/ tells what each runner supports.`,
      { cause: error },
    );
  }
  return jobServerError(error, address, "take the job");
}
