import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRunner, type RunnerOptions } from "../../../runners/index.js";
import { findProgram } from "../../../runners/service/find-program.js";
import { temporaryFolder } from "../../temporary-folder.js";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function program(name: string, mode = 0o755, script = ""): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}`);
  chmodSync(path, mode);
  return path;
}

describe("a program", () => {
  test("is the first on the PATH that can be run", () => {
    mkdirSync(join(folder, "a"));
    mkdirSync(join(folder, "a/tool"));
    program("tool");
    vi.stubEnv("PATH", `:${folder}/none:${folder}/a:${folder}`);
    expect(findProgram("tool", "")).toBe(join(folder, "tool"));
  });

  test("can be named by its path", () => {
    const path = program("tool");
    expect(findProgram(path, "")).toBe(path);
  });

  test("that is missing is told with the way to get it", () => {
    vi.stubEnv("PATH", folder);
    expect(() => findProgram("tool", "Install it with: apt-get install tool.")).toThrow(
      expect.objectContaining({
        code: "RUNNER_PROGRAM_MISSING",
        message: "tool is not on the PATH. Install it with: apt-get install tool.",
      }),
    );
    const notExecutable = program("text", 0o644);
    // Root may run nothing that nobody may run, either.
    expect(() => findProgram(notExecutable, "")).toThrow(/text is not a program/);
  });
});

describe("a runner without its program says what to install, in one sentence", () => {
  const cases: readonly (readonly [RunnerOptions, RegExp])[] = [
    [{ runner: "prism" }, /^prism is not on the PATH. Install it with: go install github.com.*--prismPath.$/],
    [
      { runner: "flink" },
      /^java is not on the PATH. Install Java 17 with: apt-get install openjdk-17-jre-headless.$/,
    ],
    [{ runner: "spark" }, /^java is not on the PATH/],
    [
      { runner: "python" },
      /^python3 is not on the PATH. Install it with: apt-get install python3 python3-venv.$/,
    ],
    [{ runner: "prism", prismPath: "/no/prism" }, /^\/no\/prism is not a program/],
  ];
  test.each(cases)("%o", async (options, message) => {
    vi.stubEnv("PATH", folder);
    vi.stubEnv("JAVA_HOME", undefined);
    const runner = createRunner({ ...options, cacheFolder: join(folder, "cache") });
    await expect(runner.run((root) => root)).rejects.toMatchObject({
      code: "RUNNER_PROGRAM_MISSING",
      message: expect.stringMatching(message),
    });
  });

  test("Maven, when Java is there", async () => {
    program("java", 0o755, `echo 'openjdk version "17.0.15"'\n`);
    vi.stubEnv("PATH", folder);
    vi.stubEnv("JAVA_HOME", undefined);
    const runner = createRunner({ runner: "flink", cacheFolder: join(folder, "cache") });
    await expect(runner.run((root) => root)).rejects.toThrow(
      /^mvn is not on the PATH. Maven fetches .* apt-get install maven.$/,
    );
  });

  test("a jar that is not there", async () => {
    const runner = createRunner({ runner: "flink", flinkJobServerJar: join(folder, "no.jar") });
    await expect(runner.run((root) => root)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });
});
