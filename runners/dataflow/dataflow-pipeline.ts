import { defaultEnvironmentUrn, runnerApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";

/** A file of the job, as workers fetch it. */
export interface StagedArtifact {
  /** `gs://bucket/path` */
  readonly url: string;
  readonly sha256: string;
  /** Its name on the worker. */
  readonly stagedName: string;
}

const dockerUrn = "beam:env:docker:v1";

/**
 * A copy of a pipeline whose steps run in a container image, with the job's files beside it.
 * @throws SnapshotError RUNNER_UNSUPPORTED_FEATURE for steps that are to run in anything but containers
 */
export function dataflowPipeline(
  pipeline: runnerApi.Pipeline,
  containerImage: string,
  artifacts: readonly StagedArtifact[],
): runnerApi.Pipeline {
  const copy = runnerApi.Pipeline.clone(pipeline);
  const environments = copy.components?.environments ?? {};
  for (const [id, own] of Object.entries(environments)) {
    if (own.urn === dockerUrn) continue;
    if (own.urn !== defaultEnvironmentUrn)
      throw new SnapshotError(
        "RUNNER_UNSUPPORTED_FEATURE",
        `Dataflow runs steps in containers only, and the environment ${JSON.stringify(id)} of this pipeline is ${own.urn}. Leave such steps out, or use another runner.`,
      );
    environments[id] = {
      ...own,
      urn: dockerUrn,
      payload: runnerApi.DockerPayload.toBinary({ containerImage }),
      dependencies: artifacts.map(({ url, sha256, stagedName }) => ({
        typeUrn: "beam:artifact:type:url:v1",
        typePayload: runnerApi.ArtifactUrlPayload.toBinary({ url, sha256 }),
        roleUrn: "beam:artifact:role:staging_to:v1",
        rolePayload: runnerApi.ArtifactStagingToRolePayload.toBinary({ stagedName }),
      })),
    };
  }
  return copy;
}

/** The environments that steps run in, by id. */
export function usedEnvironments(
  pipeline: runnerApi.Pipeline,
): readonly (readonly [string, runnerApi.Environment])[] {
  const { transforms = {}, environments = {} } = pipeline.components ?? {};
  const ids = new Set(Object.values(transforms).map(({ environmentId }) => environmentId));
  return Object.entries(environments).filter(([id]) => ids.has(id));
}

/** True for a pipeline that has no end of its own. */
export function isUnbounded(pipeline: runnerApi.Pipeline): boolean {
  const { pcollections = {} } = pipeline.components ?? {};
  return Object.values(pcollections).some(
    ({ isBounded }) => isBounded === runnerApi.IsBounded_Enum.UNBOUNDED,
  );
}
