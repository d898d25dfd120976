import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { workerModules } from "../../runners/worker/worker-modules.js";
import { startWorkerPool } from "../../runners/worker/worker-pool.js";
import { startPrism } from "../../runners/service/prism.js";
import "../../pipelines/index.js";
import { deviceSnapshot } from "../device-snapshot.js";
import { cacheFolder, prismProgram } from "../runners/programs.js";
import { temporaryFolder } from "../temporary-folder.js";
import { manyNotes, marked, type MarkedRun, startMarked, until, written } from "./marked-run.js";

const prism = `--prismPath=${prismProgram()}`;
const devices = fileURLToPath(new URL("../../examples/devices/*.idbsnap", import.meta.url));

const start = (...args: string[]): MarkedRun => startMarked(args);

/** A run with enough to do to be interrupted in the middle of it. */
async function longRun(): Promise<MarkedRun & { readonly output: string }> {
  const folder = await manyNotes();
  const output = join(folder, "out");
  const run = start("run", "--runner=prism", prism, `--input=${folder}/*.idbsnap`, `--output=${output}`);
  await until(() => existsSync(output));
  return { ...run, output };
}

describe("run --runner=prism", () => {
  test("gives what the direct runner gives, in under 15 lines", async () => {
    const folder = temporaryFolder();
    const outputs = ["direct", "prism"].map((runner) => join(folder, runner));
    const direct = await start("run", `--input=${devices}`, `--output=${outputs[0]!}`).ended;
    const onPrism = start("run", "--runner=prism", prism, `--input=${devices}`, `--output=${outputs[1]!}`);
    const { code, out, err } = await onPrism.ended;
    expect([direct.code, code]).toEqual([0, 0]);
    const [a, b] = outputs.map((output) => readFileSync(join(output, "merged-00000-of-00001.idbsnap")));
    expect(a!.equals(b!)).toBe(true);
    expect(out).toMatch(/^sync on prism: 3 devices merged in /);
    // On a terminal, progress is one line that is rewritten and then removed; here it is a plain line every few seconds of a slow machine.
    const lines = `${out}${err}`
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("sync: "));
    expect(lines.length).toBeLessThan(15);
    expect(marked(onPrism.mark)).toEqual([]);
    expect(readdirSync(outputs[1]!).sort()).toEqual(readdirSync(outputs[0]!).sort());
  });

  test("gives its result as JSON, with the job and its metrics", async () => {
    const args = [`--input=${devices}`, `--output=${join(temporaryFolder(), "out")}`, "--json"];
    const { code, out } = await start("run", "--runner=prism", prism, "--parallelism=2", ...args).ended;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      runner: "prism",
      jobId: "job-001",
      state: "DONE",
      metrics: { counters: { "recordsRead/notes": 21, "recordsWritten/notes": 9 } },
    });
  });

  test("tells an error of a worker once, with its code, and leaves nothing", async () => {
    const folder = temporaryFolder();
    const notes = [{ id: "a", updatedAt: 1, text: "x" }];
    const bytes = await deviceSnapshot({ device: "phone", capturedAt: 1, notes });
    writeFileSync(join(folder, "cut.idbsnap"), bytes.subarray(0, bytes.length - 4));
    const output = join(folder, "out");
    const run = start("run", "--runner=prism", prism, `--input=${folder}/*.idbsnap`, `--output=${output}`);
    const { code, out, err } = await run.ended;
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(
      /^beam-indexeddb: RUNNER_JOB_FAILED: The job failed in step ".*": SNAPSHOT_TRUNCATED: .*cut\.idbsnap.*\n$/,
    );
    expect(marked(run.mark)).toEqual([]);
  });

  test("interrupted in the middle cancels the job and ends with one sentence, code 130 and nothing left", async () => {
    const { child, mark, ended, output } = await longRun();
    child.kill("SIGINT");
    const { code, err } = await ended;
    const said = err.split("\n").filter((line) => line !== "" && !line.startsWith("sync: "));
    expect([code, said]).toEqual([
      130,
      ["beam-indexeddb: interrupted before the end: run it again to get the whole result."],
    ]);
    expect(marked(mark)).toEqual([]);
    expect(written(output)).toEqual([]);
  });

  test("killed in the middle leaves no process behind, and the rerun is whole", async () => {
    const { child, mark, ended, output } = await longRun();
    expect(marked(mark).length).toBeGreaterThan(2);
    child.kill("SIGKILL");
    await ended;
    await until(() => marked(mark).length === 0);
    const input = `--input=${join(output, "..")}/*.idbsnap`;
    const rerun = await start("run", "--runner=prism", prism, input, `--output=${output}`).ended;
    expect(rerun.code).toBe(0);
    expect(written(output)).toEqual(["merged-00000-of-00001.idbsnap"]);
  });

  test("is left alone with --detach, and looked after with job", async () => {
    const service = await startPrism({ prismPath: prismProgram(), cacheFolder });
    const pool = await startWorkerPool({ modules: workerModules() });
    try {
      const at = `--jobEndpoint=${service.address}`;
      const workers = ["--environmentType=EXTERNAL", `--environmentConfig=${pool.address}`];
      const data = [`--input=${devices}`, `--output=${join(temporaryFolder(), "out")}`];
      const submitted = await start("run", "--runner=portable", at, ...workers, ...data, "--detach").ended;
      expect([submitted.code, submitted.err]).toEqual([0, ""]);
      expect(submitted.out).toMatch(
        /^The job job-001 runs\. See after it with: npx beam-indexeddb job status --jobEndpoint=\S+ job-001\n$/,
      );
      const job = async (...args: string[]) => (await start("job", ...args, at).ended).out;
      let state = "";
      while (state !== "job-001 is DONE.\n") {
        state = await job("status", "job-001");
        expect(state).toMatch(/^job-001 is (STARTING|RUNNING|DONE)\.\n$/);
      }
      expect(await job("status")).toMatch(/job +name +state\n +job-001 +beam-indexeddb-\S+ +DONE\n$/);
      expect(await job("metrics", "job-001")).toMatch(/recordsRead\/notes +21\n/);
      expect(JSON.parse(await job("metrics", "job-001", "--json"))).toMatchObject({
        jobId: "job-001",
        metrics: { counters: { "recordsWritten/notes": 9 } },
      });
      const unknown = await start("job", "status", "nobody", at).ended;
      expect([unknown.code, unknown.err]).toEqual([
        1,
        expect.stringMatching(/^beam-indexeddb: RUNNER_SERVICE_FAILED: .*nobody/),
      ]);
    } finally {
      await pool.stop();
      await service.stop();
    }
  });
});
