import { createHash } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { runnerApi } from "../../../beam/model.js";
import { connect } from "../../../runners/grpc/client.js";
import type { ArtifactFile } from "../../../runners/portable/environment.js";
import { prepareJob } from "../../../runners/portable/prepare-job.js";
import { stageArtifacts } from "../../../runners/portable/stage-artifacts.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { type FakeJobServer, fakeJobServer, type FakeStaging } from "./fake-job-server.js";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function staged(
  offered: readonly ArtifactFile[],
  stage: (staging: FakeStaging) => Promise<void>,
): Promise<FakeJobServer> {
  const server = await fakeJobServer({ stage });
  const client = connect(server.address);
  closing.push(() => {
    client.close();
    server.close();
  });
  await stageArtifacts(client, "token-1", offered, { timeoutMs: 20_000 });
  return server;
}

function fileOf(bytes: Uint8Array, stagedName = "user.cjs"): ArtifactFile {
  const path = join(temporaryFolder(), "user.cjs");
  writeFileSync(path, bytes);
  return { path, stagedName, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** As they stand in the pipeline. */
function informationOf(offered: readonly ArtifactFile[]): runnerApi.ArtifactInformation[] {
  const pipeline = runnerApi.Pipeline.create({
    components: { environments: { js: { urn: "js_default" } } },
  });
  const environment = { urn: "x", payload: new Uint8Array(), artifacts: offered };
  return prepareJob(pipeline, { environment }).pipeline!.components!.environments.js!.dependencies;
}

function pathInformation(
  path: string,
  typeUrn = "beam:artifact:type:file:v1",
): runnerApi.ArtifactInformation {
  return runnerApi.ArtifactInformation.create({
    typeUrn,
    typePayload: runnerApi.ArtifactFilePayload.toBinary({ path, sha256: "" }),
  });
}

describe("staging", () => {
  test("of no files ends", async () => {
    const tokens: string[] = [];
    await staged([], async ({ token }) => void tokens.push(token));
    expect(tokens).toEqual(["token-1"]);
  });

  test.each([0, 1, 1024 * 1024, 5_000_000])(
    "of a file of %i bytes sends it whole, in chunks of 1 MiB",
    async (size) => {
      const bytes = Buffer.alloc(size, "abcdefg");
      const file = fileOf(bytes);
      const got: { chunks: number[]; sha256: string }[] = [];
      await staged([file], async ({ resolve, get }) => {
        const [artifact, ...others] = await resolve(informationOf([file]));
        expect(others).toEqual([]);
        // Asked twice, it is sent twice.
        got.push(await get(artifact!), await get(artifact!));
      });
      const full = Math.floor(size / 1_048_576);
      const rest = size % 1_048_576;
      const chunks = [...Array.from({ length: full }, () => 1_048_576), ...(rest > 0 ? [rest] : [])];
      expect(got).toEqual([
        { chunks, sha256: file.sha256 },
        { chunks, sha256: file.sha256 },
      ]);
    },
  );

  test.each([
    ["another file", () => pathInformation("/etc/passwd"), /the file "\/etc\/passwd", which is not among/],
    ["a file beside it", (path: string) => pathInformation(join(path, "../other")), /not among the files/],
    [
      "another kind of artifact",
      (path: string) => pathInformation(path, "beam:artifact:type:url:v1"),
      /type "beam:artifact:type:url:v1"/,
    ],
  ] as const)("refuses %s", async (_, ask, message) => {
    const file = fileOf(Buffer.from("content"));
    const served: unknown[] = [];
    await expect(
      staged([file], async ({ get }) => {
        served.push(await get(ask(file.path)));
      }),
    ).rejects.toMatchObject({ code: "RUNNER_ARTIFACT_REFUSED", message: expect.stringMatching(message) });
    expect(served).toEqual([]);
  });

  test("refuses a file that has changed since", async () => {
    const file = fileOf(Buffer.from("content"));
    appendFileSync(file.path, "!");
    await expect(
      staged([file], async ({ get }) => {
        await get(informationOf([file])[0]!);
      }),
    ).rejects.toMatchObject({ code: "RUNNER_ARTIFACT_REFUSED", file: file.path });
  });
});
