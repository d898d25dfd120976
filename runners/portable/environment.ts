/** Where the workers of a job run, as the runner is told. */

/** A file that goes with the job to every worker. */
export interface ArtifactFile {
  /** Where it lies on this machine. */
  readonly path: string;
  /** Its name on the worker: relative, with "/" between folders. */
  readonly stagedName: string;
  /** Of its content, in hexadecimal. */
  readonly sha256: string;
}

/** An environment that is ready for workers to start in. */
export interface WorkerEnvironment {
  /** Kind of environment in Beam's model, such as beam:env:external:v1. */
  readonly urn: string;
  readonly payload: Uint8Array;
  readonly artifacts: readonly ArtifactFile[];
  /** Ends what was started for it. Can be called twice. */
  stop(): Promise<void>;
  /** Rejects when its workers can't go on, so that the job will not either. */
  readonly failure?: Promise<never> | undefined;
}
