/** Runs of which a part is killed in the middle, as the system does when memory runs out, on the runners with a job server of their own. (Prism: test/cli.) */
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { manyNotes, marked, type MarkedRun, startMarked, until, written } from "../cli/marked-run.js";
import { temporaryFolder } from "../temporary-folder.js";
import { cacheFolder } from "./programs.js";

const worker = /\/worker-process\.js /;
const notAShell = /^(?!\S*\/sh )/;

const servers = {
  flink: /FlinkJobServerDriver/,
  spark: /SparkJobServerDriver/,
  python: /local_job_service_main/,
} as const;

describe.each(["flink", "spark", "python"] as const)("on %s", (runner) => {
  const whole = "merged-00000-of-00001.idbsnap";

  /** Starts a run and waits until workers write. */
  async function middleOf(input: string, output: string): Promise<MarkedRun> {
    const run = start(input, output, runner);
    let isOver = false;
    void run.ended.then(() => (isOver = true));
    await until(() => isOver || written(output).length > 0);
    return run;
  }

  function start(input: string, output: string, name: string): MarkedRun {
    const cache = temporaryFolder();
    symlinkSync(cacheFolder, join(cache, "beam-indexeddb"));
    const args = [`--runner=${name}`, `--input=${input}/*.idbsnap`, `--output=${output}`];
    return startMarked(["run", ...args, ...(name === "direct" ? [] : ["--timeout=120"])], {
      XDG_CACHE_HOME: cache,
    });
  }

  function kill({ mark }: MarkedRun, which: RegExp): void {
    const found = marked(mark).filter(
      ({ commandLine }) => which.test(commandLine) && notAShell.test(commandLine),
    );
    expect(found.map(({ commandLine }) => commandLine)).not.toEqual([]);
    for (const { pid } of found.slice(0, 1)) process.kill(pid, "SIGKILL");
  }

  test("whatever is killed, nothing is left running, nothing half is left, and the rerun is whole", async () => {
    const input = await manyNotes();
    const output = join(input, "out");

    const withoutWorker = await middleOf(input, output);
    kill(withoutWorker, worker);
    expect(await withoutWorker.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /beam-indexeddb: RUNNER_WORKER_DIED: Worker \S+ ended by SIGKILL in the middle of the job\. .* Run it again: nothing half-done was kept\.\n$/,
      ),
    });
    expect(marked(withoutWorker.mark)).toEqual([]);
    expect(written(output)).toEqual([]);

    const withoutServer = await middleOf(input, output);
    kill(withoutServer, servers[runner]);
    expect(await withoutServer.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /beam-indexeddb: RUNNER_SERVICE_FAILED: The \S+ job server was ended by signal 9 while it was needed\./,
      ),
    });
    await until(() => marked(withoutServer.mark).length === 0);
    expect(written(output)).toEqual([]);

    const killed = await middleOf(input, output);
    killed.child.kill("SIGKILL");
    await killed.ended;
    await until(() => marked(killed.mark).length === 0);
    expect(written(output)).not.toContain(whole);

    const [rerun, direct] = [start(input, output, runner), start(input, `${output}-direct`, "direct")];
    expect([(await rerun.ended).code, (await direct.ended).code]).toEqual([0, 0]);
    expect(written(output)).toEqual([whole]);
    expect(readFileSync(join(output, whole)).equals(readFileSync(join(`${output}-direct`, whole)))).toBe(
      true,
    );
  }, 300_000);
});
