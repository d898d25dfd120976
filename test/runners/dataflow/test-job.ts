import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { buildPipeline } from "../../../beam/build-pipeline.js";
import { create } from "../../../beam/index.js";
import type { runnerApi } from "../../../beam/model.js";
import type { ArtifactFile } from "../../../runners/portable/environment.js";
import { type DataflowOptions } from "../../../runners/dataflow/dataflow-options.js";

/** The options of which the reference was made. */
export const { jobName: referenceName, ...referenceOptions } = JSON.parse(
  readFileSync(fileURLToPath(new URL("reference-options.json", import.meta.url)), "utf8"),
) as DataflowOptions & { readonly jobName: string };

/** The pipeline of which the reference was made. */
export async function referencePipeline(): Promise<runnerApi.Pipeline> {
  return (await buildPipeline((root) => root.apply(create([1, 2, 3])))).proto;
}

/** A file of a job, with the content of the one in the reference. */
export function artifactFile(content = "console.log('worker');\n"): ArtifactFile {
  const folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "worker.mjs");
  writeFileSync(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, sha256, stagedName: `beam-indexeddb-worker-${sha256}.mjs` };
}
