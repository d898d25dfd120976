/** Prism waits for the worker of a job, whatever becomes of its process: what the user sees of a PROCESS command that can't work. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { create } from "../../../beam/index.js";
import { createRunner, type RunnerOptions } from "../../../runners/index.js";
import { startPrism } from "../../../runners/service/prism.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { cacheFolder, prismProgram } from "../programs.js";

const prismPath = prismProgram();

/** Without a time limit of its own: a job that hangs is ended by the test's. */
function run(options: RunnerOptions): Promise<unknown> {
  return createRunner({ environmentType: "PROCESS", cacheFolder, ...options }).run((root) => {
    root.apply(create([1, 2, 3]));
  });
}

describe("on a Prism that is started for the run, or runs on this machine", () => {
  test.each(["/no/such/boot", "no-such-boot", "/etc/passwd", "/tmp"])(
    "the command %s is told before anything is started",
    async (environmentConfig) => {
      const expected = {
        code: "RUNNER_PROGRAM_MISSING",
        message: expect.stringMatching(
          /^\S+ is not (a program|on the PATH)\. Leave out --environmentConfig /,
        ),
      };
      await expect(run({ runner: "prism", prismPath, environmentConfig })).rejects.toMatchObject(expected);
      const prism = await startPrism({ prismPath, cacheFolder });
      try {
        const jobEndpoint = prism.address;
        await expect(run({ runner: "prism", jobEndpoint, environmentConfig })).rejects.toMatchObject(
          expected,
        );
      } finally {
        await prism.stop();
      }
    },
  );

  test("a command that ends at once is told with its exit code", async () => {
    await expect(run({ runner: "prism", prismPath, environmentConfig: "/bin/false" })).rejects.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringMatching(/^The boot program of a worker ended with exit status 1 /),
    });
  });

  test("a command that the system can't run is told with the reason", async () => {
    const script = join(temporaryFolder(), "boot");
    writeFileSync(script, "#!/no/such/shell\n");
    chmodSync(script, 0o755);
    await expect(run({ runner: "prism", prismPath, environmentConfig: script })).rejects.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringMatching(/^Prism could not start .*boot: no such file or directory\. /),
    });
  });
});

test.each(["flink", "spark"] as const)(
  "on %s in its own job server a missing command is told before the server is started",
  async (runner) => {
    // Nothing of the server is there to be started.
    const options: RunnerOptions = { runner, environmentConfig: "/no/such/boot", cacheFolder: "/dev/null" };
    await expect(run(options)).rejects.toMatchObject({
      code: "RUNNER_PROGRAM_MISSING",
      message: expect.stringMatching(/no\/such\/boot/),
    });
  },
);
