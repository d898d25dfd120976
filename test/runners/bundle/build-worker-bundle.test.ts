import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asyncParDo, parDo, withName } from "../../../beam/index.js";
import { fnApi } from "../../../beam/model.js";
import { buildWorkerBundle } from "../../../runners/bundle/build-worker-bundle.js";
import { loadEsbuild } from "../../../runners/bundle/load-esbuild.js";
import { sha256OfBundle } from "../../../runners/bundle/worker-bundle-name.js";
import { startWorkerProcess, type WorkerProcess } from "../../../runners/worker/start-worker-process.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { bundleTestModule } from "../bundle-test-module.js";
import { type FakeRunner, startFakeRunner } from "../worker/fake-runner.js";
import { stageOf } from "../worker/stage.js";
import { Prefix, Reader, Slowly, weigh } from "./user-steps.js";

const steps = await bundleTestModule("test/runners/bundle/user-steps.ts");
const names = ["beam-indexeddb/test/user-steps"];

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

function moduleOf(name: string, source: string): string {
  writeFileSync(join(folder, name), source);
  return pathToFileURL(join(folder, name)).href;
}

const settings = { id: "w", control: "127.0.0.1:1", modules: { urls: [], names: [] } };

describe("the file for workers", () => {
  let runner: FakeRunner;
  let worker: WorkerProcess | undefined;

  beforeEach(async () => {
    runner = await startFakeRunner();
  });

  afterEach(async () => {
    runner.close();
    await worker?.stop();
    worker = undefined;
  });

  test("runs registered functions and classes, functions as text, and asynchronous steps, away from all that it was made of", async () => {
    const bundle = await buildWorkerBundle({ urls: [steps], names }, folder);
    const elsewhere = temporaryFolder();
    const program = join(elsewhere, bundle.stagedName);
    writeFileSync(program, readFileSync(bundle.path));
    worker = await startWorkerProcess(program, { ...settings, control: runner.address }, () => undefined);
    const made = stageOf(runner.address, (input) =>
      input
        .apply(withName("prefix", parDo(new Prefix("p"))))
        .apply(asyncParDo(new Slowly()))
        .map((element: string) => `${element}!`)
        .map(weigh)
        .apply(withName("reader", parDo(new Reader()))),
    );
    runner.descriptors.set(made.descriptor.id, made.descriptor);
    const processBundle = fnApi.ProcessBundleRequest.create({
      processBundleDescriptorId: made.descriptor.id,
    });
    const answer = runner.instruct({ oneofKind: "processBundle", processBundle }, "b1");
    await runner.send("b1", "source", made.encode(["a", "bb", "ccc"]));
    await runner.send("b1", "source", new Uint8Array(), true);
    expect((await answer).error).toBe("");
    expect(made.decode(await runner.received("b1", "sink")).sort()).toEqual([
      "Reader:13",
      "Reader:14",
      "Reader:15",
    ]);
  });

  test("is the same for the same modules, named after its content, and alone in its folder", async () => {
    const first = await buildWorkerBundle({ urls: [steps], names }, join(folder, "a"));
    const second = await buildWorkerBundle({ urls: [steps], names }, join(folder, "b", "c"));
    expect(first.sha256).toBe(second.sha256);
    expect(createHash("sha256").update(readFileSync(first.path)).digest("hex")).toBe(first.sha256);
    expect(sha256OfBundle(first.stagedName)).toBe(first.sha256);
    expect(readdirSync(join(folder, "a"))).toEqual([first.stagedName]);
  });

  test("takes CommonJS modules, top-level await, and modules that call themselves free of side effects", async () => {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "pure", sideEffects: false }));
    const urls = [
      moduleOf("common.cjs", `globalThis.seen = [__filename.endsWith(".mjs"), require("node:path").sep];`),
      moduleOf(
        "later.mjs",
        `import "./pure.mjs"; globalThis.seen.push(await Promise.resolve(globalThis.pure));`,
      ),
      moduleOf(
        "check.mjs",
        `if (JSON.stringify(globalThis.seen) !== '[true,"/",1]') throw new Error(JSON.stringify(globalThis.seen));`,
      ),
    ];
    writeFileSync(join(folder, "pure.mjs"), "globalThis.pure = 1;");
    const { path } = await buildWorkerBundle({ urls, names: [] }, folder);
    worker = await startWorkerProcess(path, { ...settings, control: runner.address }, () => undefined);
  });

  test.each([
    [
      "a module throws",
      `throw new RangeError("not on workers");`,
      /could not load file:.*x.mjs: RangeError: not on workers/,
    ],
    ["a module rejects", `await Promise.reject("no");`, /could not load file:.*x.mjs: no/],
    ["a name stays unregistered", "", /can't find the module "some\/name"/],
  ])("says why it can't serve when %s", async (_, source, message) => {
    const url = moduleOf("x.mjs", source);
    const { path } = await buildWorkerBundle({ urls: [url], names: ["some/name"] }, folder);
    await expect(startWorkerProcess(path, settings, () => undefined)).rejects.toMatchObject({
      code: "RUNNER_MODULE_NOT_FOUND",
      message: expect.stringMatching(message),
    });
    const alone = fork(path, [JSON.stringify(settings)], { stdio: "ignore" });
    expect(await new Promise((resolve) => alone.once("exit", resolve))).toBe(1);
  });
});

describe("what can't be one file is told before anything is submitted", () => {
  test.each([
    ["a syntax error", "export const = 1;", /x.mjs:1: Expected identifier/],
    [
      "a package that is not there",
      `import "no-such-package";`,
      /x.mjs:1: Could not resolve "no-such-package"/,
    ],
    [
      "native code",
      `import "./addon.node";`,
      /x.mjs:1 is native code, .* createRequire.* install it where the workers run/,
    ],
    ["three mistakes", `import "a1"; import "a2"; import "a3";`, /Could not resolve "a1".*\(and 2 more\)/],
  ])("%s", async (_, source, message) => {
    writeFileSync(join(folder, "addon.node"), "");
    const url = moduleOf("x.mjs", source);
    await expect(buildWorkerBundle({ urls: [url], names: [] }, folder)).rejects.toMatchObject({
      code: "RUNNER_BUNDLE_FAILED",
      message: expect.stringMatching(message),
    });
  });

  test("a missing esbuild", async () => {
    await expect(loadEsbuild(() => Promise.reject(new Error("Cannot find package")))).rejects.toMatchObject({
      code: "RUNNER_PROGRAM_MISSING",
      message: expect.stringMatching(/npm install --save-dev esbuild$/),
    });
  });
});
