import type { JobState } from "../portable/job-state.js";

const states: Readonly<Record<string, JobState>> = {
  JOB_STATE_STOPPED: "STOPPED",
  JOB_STATE_RUNNING: "RUNNING",
  JOB_STATE_DONE: "DONE",
  JOB_STATE_FAILED: "FAILED",
  JOB_STATE_CANCELLED: "CANCELLED",
  JOB_STATE_UPDATED: "UPDATED",
  JOB_STATE_DRAINING: "DRAINING",
  JOB_STATE_DRAINED: "DRAINED",
  JOB_STATE_PENDING: "STARTING",
  JOB_STATE_QUEUED: "STARTING",
  JOB_STATE_CANCELLING: "CANCELLING",
  JOB_STATE_RESOURCE_CLEANING_UP: "RUNNING",
  JOB_STATE_PAUSING: "RUNNING",
  JOB_STATE_PAUSED: "STOPPED",
};

/** Dataflow's name of a state in the model's words; UNSPECIFIED for one that is not known. */
export function dataflowState(state: unknown): JobState {
  return typeof state === "string" && Object.hasOwn(states, state) ? states[state]! : "UNSPECIFIED";
}
