import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createRunner } from "../../runners/index.js";
import { startPrism } from "../../runners/service/prism.js";
import { countGlobally, create } from "../../beam/index.js";
import { assertElements } from "../../testing/index.js";
import { cacheFolder, prismProgram } from "../runners/programs.js";

const program = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

test("a pool from the command line serves jobs of Prism, and ends with all of it on Ctrl-C", async () => {
  const pool = spawn(process.execPath, [
    program,
    "worker-pool",
    "--address=127.0.0.1:0",
    "--parallelism=2",
    "--workerModules=beam-indexeddb/testing",
  ]);
  let said = "";
  pool.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes("\n")) await once(pool.stderr, "data");
  const environmentConfig = /--environmentConfig=(\S+);/.exec(said)![1]!;
  const prism = await startPrism({ prismPath: prismProgram(), cacheFolder });
  try {
    const runner = createRunner({
      runner: "prism",
      jobEndpoint: prism.address,
      environmentType: "EXTERNAL",
      environmentConfig,
      timeoutMs: 60_000,
    });
    const { state } = await runner.run((root) => {
      root
        .apply(create([1, 2, 3]))
        .apply(countGlobally())
        .apply(assertElements([3]));
    });
    expect(state).toBe("DONE");
  } finally {
    await prism.stop();
    pool.kill("SIGINT");
  }
  const [code] = (await once(pool, "close")) as [number];
  expect(code).toBe(130);
  expect(said).toMatch(/^Serving workers at 127\.0\.0\.1:\d+\. .*\n$/);
});
