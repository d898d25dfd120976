/** Workers that a runner starts itself, on real runners: the program of this package, the one file for clusters, and the image for containers. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  asyncParDo,
  type CounterFamily,
  counter,
  counterFamily,
  create,
  groupBy,
  parDo,
  reshuffle,
  withName,
  type PCollection,
} from "../../../beam/index.js";
import { createRunner, type RunnerOptions, type RunnerRun } from "../../../runners/index.js";
import { startFlink } from "../../../runners/service/flink.js";
import type { JobService } from "../../../runners/service/job-service.js";
import { startPrism } from "../../../runners/service/prism.js";
import { bundleTestModule } from "../bundle-test-module.js";
import {
  AddUp,
  bySeven,
  CountGroup,
  KilledAt,
  OpensLibsql,
  Slowly,
  TellsProcess,
  ThrowsAt,
} from "../bundle/user-steps.js";
import { cacheFolder, prismProgram } from "../programs.js";
import { buildBoot, containerProgram, expectUnshare } from "./container.js";

const steps = await bundleTestModule("test/runners/bundle/user-steps.ts");
const count = 5_000;
interface Processes {
  readonly process: CounterFamily;
}
const countersOfGroups = () => ({ groups: counter("groups"), elements: counter("elements") });

describe.each([
  ["prism 2.77", () => startPrism({ prismPath: prismProgram(), cacheFolder })],
  ["flink [local]", () => startFlink({ cacheFolder })],
] as const)("on %s", (name, startService) => {
  // Jobs have a time of their own; what a job server loads on its first job takes long beside other work.
  vi.setConfig({ testTimeout: 300_000 });
  const isPrism = name.startsWith("prism");
  let service: JobService;
  let folder: string;
  let bootFile: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
    bootFile = buildBoot(folder);
    // Workers of other tests run beside these, with folders of their own.
    vi.stubEnv("TMPDIR", folder);
    service = await startService();
  });

  afterAll(async () => {
    await service.stop();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Counts and groups numbers, with a step of the test's in between. */
  function run(
    step: { process(element: string, context: Processes): Iterable<unknown> } | undefined,
    options: Partial<RunnerOptions> = {},
  ): Promise<RunnerRun> {
    const runner = createRunner({
      runner: "portable",
      jobEndpoint: service.address,
      environmentType: "PROCESS",
      workerModules: [steps],
      cacheFolder: join(folder, "cache"),
      timeoutMs: 120_000,
      ...options,
    });
    return runner.run((root) => {
      const numbers: PCollection<string> = root
        .apply(create(Array.from({ length: count }, (_, i) => String(i))))
        .apply(reshuffle())
        .apply(asyncParDo(new Slowly()));
      const stepped = step
        ? (numbers.apply(
            withName("step", parDo(step, { process: counterFamily("process") })),
          ) as PCollection<string>)
        : numbers;
      return stepped
        .apply(withName("addUp", parDo(new AddUp(), { sum: counter("sum") })))
        .apply(groupBy(bySeven))
        .apply(withName("countGroups", parDo(new CountGroup(), countersOfGroups())));
    });
  }

  const whole = { sum: (count * (count - 1)) / 2, groups: 7, elements: count };
  const leftOver = (): string[] =>
    readdirSync(folder).filter((file) => file.startsWith("beam-indexeddb-job-"));

  test("the program of this package gives the whole result, with native code, and leaves no file", async () => {
    const before = leftOver();
    const { metrics, state } = await run(new OpensLibsql());
    expect(state).toBe("DONE");
    expect(metrics.counters).toMatchObject(whole);
    expect(leftOver().filter((file) => !before.includes(file))).toEqual([]);
  });

  test("several processes share the work of a worker, and give the whole result", async () => {
    // Which of them gets how much is the runner's business: it may form a single bundle.
    const { metrics } = await run(new TellsProcess(), { parallelism: 2 });
    expect(metrics.counters).toMatchObject(whole);
    const shares = Object.entries(metrics.counters).filter(([key]) => key.startsWith("process/"));
    expect(shares.reduce((sum, [, share]) => sum + share, 0)).toBe(count);
  });

  test("the one file for clusters gives the whole result", async () => {
    const { metrics } = await run(undefined, { environmentConfig: bootFile });
    expect(metrics.counters).toMatchObject(whole);
  });

  test("the image gives the whole result, with native code", async () => {
    expectUnshare();
    const { metrics } = await run(new OpensLibsql(), { environmentConfig: await containerProgram(folder) });
    expect(metrics.counters).toMatchObject(whole);
  });

  test("an error of a step is told as it was thrown", async () => {
    await expect(run(new ThrowsAt("4321"))).rejects.toMatchObject({
      code: "RUNNER_JOB_FAILED",
      message: 'The job failed in step "step": RangeError: 4321 is out of range',
    });
  });

  test("a worker that is killed fails the job, and that is told", async () => {
    await expect(run(new KilledAt("4321"))).rejects.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringMatching(
        /^(A worker process can't go on: Worker .* ended by SIGKILL|Worker .* was killed)/,
      ),
    });
  });

  test("a worker on a cluster that is killed fails the job", async () => {
    await expect(run(new KilledAt("4321"), { environmentConfig: bootFile })).rejects.toMatchObject({
      code: "RUNNER_JOB_FAILED",
    });
  });

  test("what keeps workers from starting is the error of the job, and is in the failure file of the machine", async () => {
    const log = join(folder, "boot.log");
    const script = join(folder, "full");
    writeFileSync(
      script,
      `#!/bin/sh\nBEAM_INDEXEDDB_BOOT_LOG='${log}' exec '${bootFile}' "$@" --semi_persist_dir=/dev/null/x\n`,
    );
    chmodSync(script, 0o755);
    await expect(run(undefined, { environmentConfig: script })).rejects.toMatchObject({
      code: "RUNNER_JOB_FAILED",
      message: expect.stringMatching(/FILE_NOT_WRITABLE: There can be no folder for the files of the job/),
    });
    expect(existsSync(log) && readFileSync(log, "utf8")).toMatch(/There can be no folder/);
  });

  test("a command that does not exist or ends at once does not hang for good", async () => {
    // Prism waits for such a worker, so the time limit ends it; Flink says it.
    await expect(
      run(undefined, { environmentConfig: "/bin/false", timeoutMs: isPrism ? 5_000 : 120_000 }),
    ).rejects.toMatchObject(
      isPrism
        ? { code: "RUNNER_TIMEOUT" }
        : { code: "RUNNER_JOB_FAILED", message: expect.stringMatching(/exit code 1/) },
    );
  });
});
