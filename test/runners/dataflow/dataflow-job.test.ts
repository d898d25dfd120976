import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runnerApi } from "../../../beam/model.js";
import { sdk } from "../../../runners/dataflow/dataflow-job.js";
import { dataflowPipeline } from "../../../runners/dataflow/dataflow-pipeline.js";
import { prepareDataflowJob } from "../../../runners/dataflow/stage-job.js";
import { reference, wrongFields } from "./fake-dataflow.js";
import { artifactFile, referenceName, referenceOptions, referencePipeline } from "./test-job.js";

async function prepared(further: object = {}) {
  const pipeline = await referencePipeline();
  const artifacts = [artifactFile()];
  return prepareDataflowJob({
    pipeline,
    artifacts,
    options: { ...referenceOptions, ...further },
    jobName: referenceName,
  });
}

/** Every place at which one of two values is not as the other, with both. */
function differences(ours: unknown, theirs: unknown, path = ""): [string, unknown, unknown][] {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  if (!isObject(ours) || !isObject(theirs)) return Object.is(ours, theirs) ? [] : [[path, ours, theirs]];
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) =>
    differences(ours[key], theirs[key], path === "" ? key : `${path}.${key}`),
  );
}

/** Where our job differs from the one of Beam's Python service, and why it has to. Nowhere else. */
const reasons: Readonly<Record<string, string>> = {
  clientRequestId: "is random",
  "environment.tempStoragePrefix": "has the job's name and a random part in both",
  "environment.userAgent.name": "names the SDK",
  "environment.userAgent.version": "is the SDK's",
  "environment.workerPools.0.packages.0.location":
    "has the file's sha256 here, and the job's name and the time there",
};

test("describes the job as Beam's Python service does, but for what has to differ", async () => {
  const { job } = await prepared();
  const { sdkPipelineOptions: ours, experiments, ...environment } = job.environment;
  const { sdkPipelineOptions: theirs, experiments: theirExperiments, ...rest } = reference.job.environment;
  const found = differences({ ...job, environment }, { ...reference.job, environment: rest });
  expect(found.map(([path]) => path).sort()).toEqual(Object.keys(reasons).sort());
  // One more: containers with one core each are to be one container with a process for each core.
  expect([...(experiments as string[])].sort()).toEqual(
    [...(theirExperiments as string[]), "use_sibling_sdk_workers"].sort(),
  );
  const options = ours.options as Record<string, unknown>;
  // Python's service sends all its options, ours those that mean something here; those in both are equal but for the places of this job.
  const common = Object.keys(options).filter((key) => key in (theirs.options as object));
  expect(
    common
      .filter((key) => differences(options[key], (theirs.options as typeof options)[key]).length > 0)
      .sort(),
  ).toEqual(["experiments", "pipelineUrl", "staging_location", "temp_location"]);
  expect(common).toEqual(
    expect.arrayContaining([
      "project",
      "region",
      "job_name",
      "temp_location",
      "staging_location",
      "pipelineUrl",
    ]),
  );
  expect(
    Object.keys(options)
      .filter((key) => !common.includes(key))
      .sort(),
  ).toEqual(["pipelineProtoHash", "sdk_container_image"]);
});

test("asks for workers as Beam's Python service does, and tells the sha256 that it drops", async () => {
  const { uploads } = await prepared();
  const bytes = await uploads.at(-1)!.source.read(0, uploads.at(-1)!.source.length);
  const { components } = runnerApi.Pipeline.fromBinary(bytes);
  expect(Object.keys(components!.environments)).toEqual(Object.keys(reference.environments));
  const { urn, payload, capabilities, dependencies } = components!.environments.jsEnvironment!;
  const theirs = reference.environments.jsEnvironment!;
  expect({ urn, capabilities }).toEqual({ urn: theirs.urn, capabilities: theirs.capabilities });
  expect(runnerApi.DockerPayload.fromBinary(payload).containerImage).toBe(theirs.containerImage);
  const [{ typeUrn, typePayload, roleUrn, rolePayload }] = dependencies as [runnerApi.ArtifactInformation];
  const { sha256, stagedName } = reference.artifact;
  expect({
    typeUrn,
    ...runnerApi.ArtifactUrlPayload.fromBinary(typePayload),
    roleUrn,
    ...runnerApi.ArtifactStagingToRolePayload.fromBinary(rolePayload),
  }).toEqual({
    ...theirs.dependencies[0],
    url: `gs://my-bucket/staging/${sha256}/${stagedName}`,
    sha256,
  });
});

test("uses no field and no value that the interface does not know", async () => {
  expect(wrongFields(reference.job, "Job", "")).toBeUndefined();
  const jobs = [
    await prepared(),
    await prepared({
      autoscalingAlgorithm: "NONE",
      usePublicIps: true,
      workerZone: undefined,
      workerRegion: "us-east1",
    }),
  ];
  for (const { job } of jobs) expect(wrongFields(job, "Job", "")).toBeUndefined();
});

test("leaves out what is not asked for", async () => {
  const pipeline = await referencePipeline();
  const { job } = await prepareDataflowJob({
    pipeline,
    artifacts: [],
    options: {
      project: "my-project-123",
      region: "europe-west1",
      tempLocation: "gs://my-bucket",
      sdkContainerImage: "europe-docker.pkg.dev/my-project-123/beam/worker:1",
    },
  });
  expect(JSON.stringify(job)).not.toMatch(/null|undefined/);
  expect(Object.keys(job.environment.workerPools[0]!).sort()).toEqual([
    "autoscalingSettings",
    "kind",
    "packages",
    "sdkHarnessContainerImages",
    "taskrunnerSettings",
    "workerHarnessContainerImage",
  ]);
  expect(job.name).toMatch(/^beam-indexeddb-[-a-z0-9]+$/);
});

test("names files by their content, so that the same job again has the same files", async () => {
  const ingredients = {
    pipeline: await referencePipeline(),
    artifacts: [artifactFile()],
    options: referenceOptions,
  };
  const [first, second] = [await prepareDataflowJob(ingredients), await prepareDataflowJob(ingredients)];
  expect(first.uploads.map(({ location }) => location)).toEqual(
    second.uploads.map(({ location }) => location),
  );
  expect(first.job.clientRequestId).not.toBe(second.job.clientRequestId);
  expect(first.job.environment.tempStoragePrefix).not.toBe(second.job.environment.tempStoragePrefix);
});

test("tells the sha256 of the pipeline that is uploaded", async () => {
  const { job, uploads } = await prepared();
  const { pipelineUrl, pipelineProtoHash } = job.environment.sdkPipelineOptions.options as Record<
    string,
    string
  >;
  expect(pipelineProtoHash).toBe(uploads.at(-1)!.source.sha256);
  expect(pipelineUrl).toBe(`gs://my-bucket/staging/${pipelineProtoHash!}/pipeline.pb`);
});

test("describes a pipeline without an end as a streaming job", async () => {
  const pipeline = runnerApi.Pipeline.clone(await referencePipeline());
  for (const one of Object.values(pipeline.components!.pcollections))
    one.isBounded = runnerApi.IsBounded_Enum.UNBOUNDED;
  const { job } = await prepareDataflowJob({ pipeline, artifacts: [], options: referenceOptions });
  expect(job.type).toBe("JOB_TYPE_STREAMING");
  expect(job.environment.version).toEqual({ job_type: "FNAPI_STREAMING", major: "8" });
  expect(job.environment.experiments).toEqual(
    expect.arrayContaining(["enable_streaming_engine", "enable_windmill_service"]),
  );
  expect(job.environment.workerPools[0]!.dataDisks).toEqual([{}]);
  expect(wrongFields(job, "Job", "")).toBeUndefined();
});

test("refuses to update a job that ends by itself", async () => {
  await expect(prepared({ update: true })).rejects.toMatchObject({ code: "RUNNER_UNSUPPORTED_FEATURE" });
});

test("refuses steps outside of containers", async () => {
  const pipeline = runnerApi.Pipeline.clone(await referencePipeline());
  pipeline.components!.environments.other = runnerApi.Environment.create({ urn: "beam:env:process:v1" });
  expect(() => dataflowPipeline(pipeline, "x", [])).toThrow(
    /"other" of this pipeline is beam:env:process:v1/,
  );
});

test("refuses a file that is not what it was", async () => {
  const artifact = { ...artifactFile(), sha256: "0".repeat(64) };
  const pipeline = await referencePipeline();
  await expect(
    prepareDataflowJob({ pipeline, artifacts: [artifact], options: referenceOptions }),
  ).rejects.toMatchObject({ code: "RUNNER_ARTIFACT_REFUSED" });
});

test("leaves the pipeline as it is", async () => {
  const pipeline = await referencePipeline();
  const before = runnerApi.Pipeline.toBinary(pipeline);
  await prepareDataflowJob({ pipeline, artifacts: [artifactFile()], options: referenceOptions });
  expect(runnerApi.Pipeline.toBinary(pipeline)).toEqual(before);
});

test("names the version of the SDK that is installed", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(sdk.version).toBe(manifest.dependencies["apache-beam"]);
});
