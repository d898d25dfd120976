import { describe, expect, test } from "vitest";
import { buildPipeline, create } from "../../../beam/index.js";
import { defaultEnvironmentUrn, runnerApi, Struct } from "../../../beam/model.js";
import { defaultJobName, prepareJob } from "../../../runners/portable/prepare-job.js";

const environment = {
  urn: "beam:env:external:v1",
  payload: new Uint8Array([1, 2]),
  artifacts: [{ path: "/a/user.cjs", stagedName: "user.cjs", sha256: "ab" }],
};

describe("a job to prepare", () => {
  test("has its steps in the given environment, and its files with it", async () => {
    const { proto } = await buildPipeline((root) => root.apply(create([1, 2])));
    const before = runnerApi.Pipeline.toBinary(proto);
    const { pipeline, jobName, pipelineOptions } = prepareJob(proto, {
      environment,
      jobName: "mine",
      pipelineOptions: { parallelism: 2 },
    });
    expect(runnerApi.Pipeline.toBinary(proto)).toEqual(before);
    const environments = Object.values(pipeline!.components!.environments);
    expect(environments.length).toBeGreaterThan(0);
    for (const { urn, payload, dependencies, capabilities } of environments) {
      expect([urn, payload]).toEqual([environment.urn, environment.payload]);
      expect(capabilities.length).toBeGreaterThan(0);
      expect(dependencies.map(({ typeUrn, roleUrn }) => [typeUrn, roleUrn])).toEqual([
        ["beam:artifact:type:file:v1", "beam:artifact:role:staging_to:v1"],
      ]);
      expect(runnerApi.ArtifactFilePayload.fromBinary(dependencies[0]!.typePayload)).toEqual({
        path: "/a/user.cjs",
        sha256: "ab",
      });
      expect(runnerApi.ArtifactStagingToRolePayload.fromBinary(dependencies[0]!.rolePayload)).toEqual({
        stagedName: "user.cjs",
      });
    }
    expect(jobName).toBe("mine");
    expect(Struct.toJson(pipelineOptions!)).toMatchObject({
      "beam:option:job_name:v1": "mine",
      "beam:option:parallelism:v1": 2,
    });
  });

  test("leaves environments of other languages alone", async () => {
    const { proto } = await buildPipeline((root) => root.apply(create([1])));
    const java = runnerApi.Environment.create({ urn: "beam:env:docker:v1", payload: new Uint8Array([9]) });
    proto.components!.environments.java = java;
    const { pipeline } = prepareJob(proto, { environment });
    expect(pipeline!.components!.environments.java).toEqual(java);
    expect(Object.values(pipeline!.components!.environments).map(({ urn }) => urn)).not.toContain(
      defaultEnvironmentUrn,
    );
  });

  test("gets a name of its own that every runner takes", () => {
    const names = [
      defaultJobName(),
      defaultJobName(),
      defaultJobName(new Date(0), "Jörg.Doe@x"),
      defaultJobName(new Date(0), ""),
    ];
    for (const name of names) expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
    expect(new Set(names).size).toBe(4);
    expect(names[2]).toMatch(/^beam-indexeddb-jrgdoex-19700101-000000-[0-9a-f]{6}$/);
    expect(names[3]).toMatch(/^beam-indexeddb-user-/);
  });
});
