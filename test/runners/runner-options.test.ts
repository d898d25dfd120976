import { describe, expect, test } from "vitest";
import { createRunner, runnerNames, type RunnerOptions } from "../../runners/index.js";

describe("options that can't be meant are refused before anything starts", () => {
  const mistakes: readonly (readonly [object, RegExp])[] = [
    [
      { runner: "flnk" },
      /no runner "flnk". Use one of: direct, prism, flink, spark, python, dataflow, portable/,
    ],
    [{ jobEndpoint: "a:1" }, /direct runner has no option jobEndpoint/],
    [{ runner: "direct", parallelism: 2 }, /direct runner has no option parallelism/],
    [{ runner: "prism", flinkMaster: "a:1" }, /flinkMaster is an option of the runner flink, not of prism/],
    [{ runner: "flink", sparkMasterUrl: "local" }, /sparkMasterUrl is an option of the runner spark/],
    [
      { runner: "portable", jobEndpoint: "a:1", prismPath: "p" },
      /prismPath is an option of the runner prism/,
    ],
    [
      { runner: "flink", jobEndpoint: "a:1", flinkMaster: "b:2" },
      /flinkMaster is for a job server that is started/,
    ],
    [{ runner: "portable" }, /portable needs jobEndpoint/],
    [{ runner: "prism", jobEndpoint: "localhost" }, /jobEndpoint is host:port, not "localhost"/],
    [{ runner: "prism", jobEndpoint: "http://a:1" }, /jobEndpoint is host:port/],
    [{ runner: "prism", jobEndpoint: "a:0" }, /jobEndpoint is host:port/],
    [{ runner: "prism", jobEndpoint: "a:70000" }, /jobEndpoint is host:port/],
    [
      { runner: "prism", environmentType: "KUBERNETES" },
      /no environmentType "KUBERNETES". Use one of: LOOPBACK/,
    ],
    [{ runner: "prism", environmentType: "EXTERNAL" }, /EXTERNAL needs environmentConfig/],
    [
      { runner: "prism", environmentType: "EXTERNAL", environmentConfig: "x" },
      /environmentConfig is host:port/,
    ],
    [{ runner: "prism", environmentType: "PROCESS", environmentConfig: " " }, /path of a boot program/],
    [{ runner: "prism", environmentType: "DOCKER" }, /name of an image .* docker build -t/],
    [
      { runner: "prism", environmentType: "DOCKER", sdkContainerImage: "a b" },
      /no name of a container image/,
    ],
    [
      { runner: "prism", environmentType: "DOCKER", sdkContainerImage: "a", environmentConfig: "b" },
      /both name the image/,
    ],
    [{ runner: "prism", sdkContainerImage: "a" }, /sdkContainerImage is for environmentType DOCKER/],
    [{ runner: "python", environmentType: "PROCESS" }, /python starts no workers .* Use LOOPBACK/],
    [{ runner: "prism", environmentConfig: "a:1" }, /LOOPBACK takes no environmentConfig/],
    [{ runner: "prism", parallelism: 0 }, /parallelism is a whole number of at least 1, not 0/],
    [{ runner: "prism", parallelism: 1.5 }, /parallelism is a whole number/],
    [{ runner: "prism", timeoutMs: NaN }, /timeoutMs is a whole number/],
    [{ runner: "prism", jobName: "" }, /jobName is empty/],
    [{ runner: "flink", project: "p" }, /project is an option of the runner dataflow, not of flink/],
    [
      { runner: "dataflow" },
      /needs project[^]*needs region[^]*needs tempLocation[^]*needs sdkContainerImage/,
    ],
    [{ runner: "dataflow", jobEndpoint: "a:1" }, /dataflow has no option jobEndpoint: the service is found/],
    [
      { runner: "dataflow", parallelism: 2 },
      /dataflow has no option parallelism: its machines are numWorkers/,
    ],
    [{ runner: "dataflow", environmentConfig: "x" }, /has no option environmentConfig: the workers' image/],
    [{ runner: "dataflow", environmentType: "LOOPBACK" }, /environmentType is DOCKER there, not LOOPBACK/],
    [{ runner: "dataflow", prismPath: "p" }, /prismPath is an option of the runner prism/],
    [{ runner: "prism", flinkMasterUrl: "x" }, /no option flinkMasterUrl of runners/],
    [{ runner: "prism", pipelineOptions: { a: 1n } }, /pipeline option a has to be JSON/],
  ];
  test.each(mistakes)("%o", (options, message) => {
    expect(() => createRunner(options as RunnerOptions)).toThrow(
      expect.objectContaining({ name: "TypeError", message: expect.stringMatching(message) }),
    );
  });

  test.each([
    [{}, /direct runner has no jobs/],
    [{ runner: "prism" }, /name it with jobEndpoint/],
    [{ runner: "portable", jobEndpoint: "a:1" }, /LOOPBACK end with this process/],
  ] as const)("%o can't be left alone", async (options, message) => {
    await expect(createRunner(options).submit(() => expect.fail("built"))).rejects.toThrow(message);
  });

  test("undefined is as good as nothing", () => {
    for (const runner of runnerNames.filter((name) => name !== "portable" && name !== "dataflow"))
      expect(() => createRunner({ runner, jobEndpoint: undefined, parallelism: undefined })).not.toThrow();
  });
});
