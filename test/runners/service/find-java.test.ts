import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRunner } from "../../../runners/index.js";
import { findJava } from "../../../runners/service/find-java.js";
import { temporaryFolder } from "../../temporary-folder.js";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv("PATH", folder);
  vi.stubEnv("JAVA_HOME", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A program that is asked for its version and nothing else. */
function javaThatSays(text: string, exitCode = 0): string {
  const path = join(folder, "java");
  writeFileSync(path, `#!/bin/sh\n[ "$*" = -version ] && echo '${text}' >&2\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
  return path;
}

const advice =
  "Install Java 17 with: apt-get install openjdk-17-jre-headless, and name its folder with JAVA_HOME.";

describe("Java", () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', "17"],
    ['openjdk version "11.0.25" 2024-10-15 LTS', "11"],
    [
      'Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17-ea" 2021-09-14',
      "17, with options of the environment",
    ],
  ])("that says %j is taken: it is %s", async (text) => {
    const java = javaThatSays(text);
    expect(await findJava()).toBe(java);
  });

  test.each([
    ['java version "1.8.0_392"', 0, "is Java 8"],
    ['openjdk version "9.0.4"', 0, "is Java 9"],
    ['openjdk version "21.0.5" 2024-10-15 LTS', 0, "is Java 21"],
    ['openjdk version "25" 2025-09-16', 0, "is Java 25"],
    ["Unable to locate a Java Runtime.", 1, "does not tell its version"],
    ["", 0, "does not tell its version"],
  ])(
    "that says %j with exit code %i is told in one sentence with the way out: it %s",
    async (text, code, what) => {
      const java = javaThatSays(text, code);
      await expect(findJava()).rejects.toMatchObject({
        code: "RUNNER_PROGRAM_MISSING",
        message: `${java} ${what}, and the job server needs Java 11 or 17. ${advice}`,
      });
    },
  );

  test("of a later version is left to a job server of the user's", async () => {
    const java = javaThatSays('openjdk version "21.0.5"');
    expect(await findJava(true)).toBe(java);
    javaThatSays('openjdk version "1.8.0_392"');
    await expect(findJava(true)).rejects.toThrow(/is Java 8, and the job server needs Java 11 or later\./);
  });

  test("of JAVA_HOME comes first", async () => {
    javaThatSays('openjdk version "17.0.15"');
    vi.stubEnv("JAVA_HOME", "/no/java");
    await expect(findJava()).rejects.toThrow("/no/java/bin/java is not a program. Install Java 17 with");
  });

  test.each(["flink", "spark"] as const)("is looked at before anything is fetched for %s", async (runner) => {
    javaThatSays('openjdk version "1.8.0_392"');
    const run = createRunner({ runner, cacheFolder: join(folder, "cache") }).run((root) => root);
    await expect(run).rejects.toMatchObject({
      code: "RUNNER_PROGRAM_MISSING",
      message: expect.stringMatching(/java is Java 8, /),
    });
  });
});
