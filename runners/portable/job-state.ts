import { jobApi } from "../../beam/model.js";

/** Where a job stands, in the model's words. */
export type JobState = keyof typeof jobApi.JobState_Enum;

/** A state by its number; UNSPECIFIED for one that is not known. */
export function jobStateOf(state: jobApi.JobState_Enum): JobState {
  // A later version of the model may have more states.
  return (jobApi.JobState_Enum[state] as JobState | undefined) ?? "UNSPECIFIED";
}

const terminal: ReadonlySet<JobState> = new Set(["DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED"]);

/** True when a job stays in this state for good. */
export function isTerminal(state: JobState): boolean {
  return terminal.has(state);
}
