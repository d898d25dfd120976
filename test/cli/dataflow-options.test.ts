import { describe, expect, test } from "vitest";
import { UsageError } from "../../cli/command.js";
import { dataflowFrom, dataflowOptions } from "../../cli/dataflow-options.js";
import { main } from "../../cli/main.js";
import { dataflowOptionNames } from "../../runners/dataflow/dataflow-options.js";

async function call(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: "", err: "" };
  const code = await main(args, {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    isInteractive: false,
  });
  return { code, ...result };
}

describe("options of a command line", () => {
  test.each([
    [{}, {}],
    [
      { numWorkers: 2, region: "r" },
      { numWorkers: 2, region: "r" },
    ],
    [{ labels: ["team=notes", "a=", "b=c=d"] }, { labels: { team: "notes", a: "", b: "c=d" } }],
    [{ noUsePublicIps: true }, { usePublicIps: false }],
    [{ noUsePublicIps: false }, { usePublicIps: true }],
    [{ transformNameMapping: '{"a":"b"}' }, { transformNameMapping: { a: "b" } }],
  ])("%j are %j for a runner", (options, expected) => {
    expect(dataflowFrom(options)).toEqual(expected);
  });

  test.each([
    [{ labels: ["team"] }, "--labels has pairs"],
    [{ labels: ["=x"] }, "--labels has pairs"],
    [{ transformNameMapping: "a=b" }, "--transformNameMapping is a JSON object"],
    [{ transformNameMapping: "[]" }, "--transformNameMapping is a JSON object"],
  ])("%j are refused", (options, message) => {
    expect(() => dataflowFrom(options)).toThrow(UsageError);
    expect(() => dataflowFrom(options)).toThrow(message);
  });

  test("are those of the runner, but for what has no place on a command line", () => {
    const ofRunner = dataflowOptionNames.filter(
      (name) => !["sdkContainerImage", "dataflowEndpoint", "storageEndpoint", "noAuth"].includes(name),
    );
    const ofCommand = dataflowOptions.map(({ name }) => (name === "noUsePublicIps" ? "usePublicIps" : name));
    expect(ofCommand.sort()).toEqual([...ofRunner].sort());
  });
});

describe("calls that can't be meant", () => {
  test("of run name all that is missing", async () => {
    const { code, out, err } = await call("run", "--runner=dataflow", "--jobName=Notes");
    expect([code, out]).toEqual([2, ""]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(err).not.toContain("u000a");
    for (const name of ["project", "region", "tempLocation", "sdkContainerImage", "jobName"])
      expect(err).toContain(name);
  });

  test.each([
    [["job", "status", "--project=my-project-123"], "needs region"],
    [["job", "status", "--jobEndpoint=a:1", "--region=us-east1"], "job needs --jobEndpoint=HOST:PORT, or"],
    [["job", "status"], "job needs --jobEndpoint=HOST:PORT, or"],
    [["job", "drain", "job-1", "--jobEndpoint=127.0.0.1:1"], "job drain is for streaming jobs on Dataflow"],
    [["run", "--runner=dataflow", "--labels=team"], "--labels has pairs"],
    [["run", "--runner=flink", "--project=p"], "project is an option of the runner dataflow"],
  ])("%j", async (args, message) => {
    const { code, out, err } = await call(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });
});
