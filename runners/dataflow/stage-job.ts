import { randomBytes } from "node:crypto";
import { runnerApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";
import type { ArtifactFile } from "../portable/environment.js";
import type { PipelineOptions } from "../portable/pipeline-options.js";
import { defaultJobName } from "../portable/prepare-job.js";
import { type DataflowJob, describeDataflowJob, jobFolder } from "./dataflow-job.js";
import type { DataflowOptions } from "./dataflow-options.js";
import { dataflowPipeline, isUnbounded } from "./dataflow-pipeline.js";
import { below, gcsUrl, type GcsLocation, parseGcsLocation } from "./gcs-location.js";
import { uploadObject, type UploadSettings } from "./gcs-upload.js";
import { bytesSource, fileSource, type UploadSource } from "./upload-source.js";

/** What a job is made of. The options have been checked. */
export interface JobIngredients {
  readonly pipeline: runnerApi.Pipeline;
  readonly artifacts: readonly ArtifactFile[];
  readonly options: DataflowOptions;
  /** Default: `beam-indexeddb-<user>-<time>-<random>`. */
  readonly jobName?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
  /** Of the running job to replace. */
  readonly replaceJobId?: string | undefined;
}

/** A job that can be submitted once its files are uploaded. */
export interface PreparedJob {
  readonly job: DataflowJob;
  readonly uploads: readonly { readonly location: GcsLocation; readonly source: UploadSource }[];
}

/**
 * Makes a job's description and says which files it needs where. Sends nothing. The files' names have their sha256, so that equal files are uploaded once for all
 * jobs.
 * @throws SnapshotError RUNNER_UNSUPPORTED_FEATURE; RUNNER_ARTIFACT_REFUSED for a file that has changed; TypeError for pipeline options that can't be
 */
export async function prepareDataflowJob(ingredients: JobIngredients): Promise<PreparedJob> {
  const { options, jobName = defaultJobName(), replaceJobId, pipelineOptions } = ingredients;
  const temp = parseGcsLocation(options.tempLocation ?? "")!;
  const staging =
    options.stagingLocation === undefined
      ? below(temp, "staging")
      : parseGcsLocation(options.stagingLocation)!;
  const artifacts = await Promise.all(
    ingredients.artifacts.map(async (file) => {
      const source = await fileSource(file.path);
      if (source.sha256 !== file.sha256) throw hasChanged(file.path);
      return { ...file, source, location: below(staging, file.sha256, file.stagedName) };
    }),
  );
  const staged = artifacts.map((file) => ({ ...file, url: gcsUrl(file.location) }));
  const pipeline = dataflowPipeline(ingredients.pipeline, options.sdkContainerImage ?? "", staged);
  const streaming = isUnbounded(pipeline) || pipelineOptions?.streaming === true;
  if (options.update === true && !streaming)
    throw new SnapshotError(
      "RUNNER_UNSUPPORTED_FEATURE",
      "Dataflow updates streaming jobs only, and this pipeline ends by itself. Run it without --update.",
    );
  const bytes = bytesSource("the pipeline", runnerApi.Pipeline.toBinary(pipeline));
  const pipelineLocation = below(staging, bytes.sha256, "pipeline.pb");
  const clientRequestId = `${new Date().toISOString().replaceAll(/\D/g, "")}-${randomBytes(8).toString("hex")}`;
  const job = describeDataflowJob({
    options: { ...options, project: options.project ?? "", region: options.region ?? "" },
    jobName,
    clientRequestId,
    pipeline,
    pipelineLocation,
    pipelineSha256: bytes.sha256,
    temp: jobFolder(temp, jobName, clientRequestId),
    staging,
    artifacts,
    streaming,
    replaceJobId,
    pipelineOptions,
  });
  return { job, uploads: [...artifacts, { location: pipelineLocation, source: bytes }] };
}

/** Uploads what is not there yet, one file after the other. */
export async function stageJob({ uploads }: PreparedJob, settings: UploadSettings): Promise<void> {
  for (const { location, source } of uploads) await uploadObject(location, source, settings);
}

function hasChanged(path: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_ARTIFACT_REFUSED",
    `${JSON.stringify(path)} has changed since the job was prepared, so the job was not started. Run it again.`,
    { file: path },
  );
}
