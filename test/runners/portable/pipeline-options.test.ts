import { describe, expect, test } from "vitest";
import { registeredModules, Struct } from "../../../beam/model.js";
import "../../../beam/index.js";
import {
  encodePipelineOptions,
  optionKey,
  type PipelineOptions,
} from "../../../runners/portable/pipeline-options.js";

const encoded = (options: PipelineOptions) =>
  Struct.toJson(encodePipelineOptions(options)) as Record<string, unknown>;

describe("pipeline options", () => {
  test("go with their own types, and null and undefined not at all", () => {
    expect(
      encoded({
        parallelism: 2,
        flinkMaster: "[local]",
        objectReuse: true,
        experiments: ["a", "b=1"],
        labels: { team: "x", none: undefined },
        ratio: 0.5,
        left: null,
        out: undefined,
      }),
    ).toEqual({
      "beam:option:streaming:v1": false,
      "beam:option:registered_node_modules:v1": registeredModules(),
      "beam:option:parallelism:v1": 2,
      "beam:option:flink_master:v1": "[local]",
      "beam:option:object_reuse:v1": true,
      "beam:option:experiments:v1": ["a", "b=1"],
      "beam:option:labels:v1": { team: "x" },
      "beam:option:ratio:v1": 0.5,
    });
    expect(registeredModules()).toContain("beam-indexeddb/beam");
  });

  test.each([
    ["jobName", "job_name"],
    ["job_name", "job_name"],
    ["indexedDBVersion", "indexed_db_version"],
    ["sparkMasterUrl", "spark_master_url"],
    ["s3Bucket", "s3_bucket"],
    ["beam:option:job_name:v1", "job_name"],
  ])("%s is %s on the wire", (name, snake) => {
    expect(optionKey(name)).toBe(`beam:option:${snake}:v1`);
  });

  test.each([
    [{ a: NaN }, /option a is NaN/],
    [{ a: 1n as never }, /option a has to be JSON/],
    [{ a: [() => 1] as never }, /option a has to be JSON/],
    [{ a: new Date(0) as never }, /option a has to be JSON/],
    [{ "no name": 1 }, /"no name" is no name/],
    [{ jobName: "a", job_name: "b" }, /jobName and job_name are one option/],
  ])("%o is refused", (options, message) => {
    expect(() => encodePipelineOptions(options)).toThrow(
      expect.objectContaining({ name: "TypeError", message: expect.stringMatching(message) }),
    );
  });
});
