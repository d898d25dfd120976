import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { defaultEnvironmentUrn, jobApi, runnerApi } from "../../beam/model.js";
import type { ArtifactFile, WorkerEnvironment } from "./environment.js";
import { encodePipelineOptions, type PipelineOptions } from "./pipeline-options.js";

/** What a job is, beside its pipeline. */
export interface JobDescription {
  readonly environment: Pick<WorkerEnvironment, "urn" | "payload" | "artifacts">;
  /** Default: `beam-indexeddb-<user>-<time>-<random>`. */
  readonly jobName?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
}

/** The request that submits a pipeline: a copy of it whose steps run in the given environment. The pipeline itself stays as it is. */
export function prepareJob(
  pipeline: runnerApi.Pipeline,
  description: JobDescription,
): jobApi.PrepareJobRequest {
  const { environment, jobName = defaultJobName(), pipelineOptions = {} } = description;
  const copy = runnerApi.Pipeline.clone(pipeline);
  const environments = copy.components?.environments ?? {};
  for (const [id, own] of Object.entries(environments)) {
    if (own.urn !== defaultEnvironmentUrn) continue;
    environments[id] = {
      ...own,
      urn: environment.urn,
      payload: environment.payload,
      dependencies: environment.artifacts.map(artifactInformation),
    };
  }
  return jobApi.PrepareJobRequest.create({
    pipeline: copy,
    jobName,
    pipelineOptions: encodePipelineOptions({ jobName, ...pipelineOptions }),
  });
}

/** A name that every runner takes (lower case, digits, dashes) and that no other job has. */
export function defaultJobName(now = new Date(), user = userName()): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  const name = user
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "")
    .slice(0, 16);
  return `beam-indexeddb-${name === "" ? "user" : name}-${time}-${randomBytes(3).toString("hex")}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no entry in its list of users.
    return "";
  }
}

function artifactInformation({ path, stagedName, sha256 }: ArtifactFile): runnerApi.ArtifactInformation {
  return {
    typeUrn: "beam:artifact:type:file:v1",
    typePayload: runnerApi.ArtifactFilePayload.toBinary({ path, sha256 }),
    roleUrn: "beam:artifact:role:staging_to:v1",
    rolePayload: runnerApi.ArtifactStagingToRolePayload.toBinary({ stagedName }),
  };
}
