import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  fetchArtifacts,
  type FetchedArtifact,
  type FetchOptions,
} from "../../../runners/boot/fetch-artifacts.js";
import { fetchProvision } from "../../../runners/boot/provision.js";
import { bootFlags } from "../../../runners/boot/boot-flags.js";
import { workerBundleName } from "../../../runners/bundle/worker-bundle-name.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { bundleOf, type FakeArtifact, type FakeProvision, startFakeProvision } from "./fake-provision.js";

let service: FakeProvision;
let folder: string;

beforeEach(async () => {
  service = await startFakeProvision();
  service.info = { controlEndpoint: { url: "c:1" } };
  folder = temporaryFolder();
});

afterEach(() => {
  service.close();
});

async function fetchAll(
  artifacts: readonly FakeArtifact[],
  options: Partial<FetchOptions> = {},
): Promise<FetchedArtifact[]> {
  service.artifacts = artifacts;
  const provision = await fetchProvision(bootFlags(["--id=w1", `--provision_endpoint=${service.address}`]));
  const { artifacts: address, dependencies } = provision;
  return fetchArtifacts({ address, dependencies, workerId: "w1", folder, ...options });
}

const content = Buffer.from("the content");

describe("files of a job", () => {
  test("arrive whole, by type file and url, in messages of any size, and every call names the worker", async () => {
    const large = Buffer.alloc(20 << 20, "x");
    const found = await fetchAll([
      { stagedName: "a", content },
      { stagedName: "b.bin", content: large, chunkBytes: 1 << 20 },
      { stagedName: "whole", content: large },
      { stagedName: "empty", content: Buffer.alloc(0) },
      { stagedName: "folder/c", content, type: "url" },
      { stagedName: "d", content, role: "beam:artifact:role:other:v1" },
    ]);
    expect(found.map(({ name, path }) => [name, basename(path), readFileSync(path).length])).toEqual([
      ["a", "a", 11],
      ["b.bin", "b.bin", 20 << 20],
      ["whole", "whole", 20 << 20],
      ["empty", "empty", 0],
      ["c", "c", 11],
      ["d", "d", 11],
    ]);
    for (const ids of service.workerIds.values()) expect([...ids]).toEqual(["w1"]);
    expect(service.workerIds.size).toBe(3);
  });

  test("without a sha256, as some services drop it, are taken, but a worker's file is held to its name", async () => {
    const { stagedName } = bundleOf("one");
    await expect(fetchAll([{ stagedName: "a", content, sha256: "" }])).resolves.toHaveLength(1);
    await expect(fetchAll([{ stagedName, content, sha256: "" }])).rejects.toMatchObject({
      code: "RUNNER_ARTIFACT_REFUSED",
      message: expect.stringMatching(
        /is not what was submitted: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}/,
      ),
    });
  });

  test.each([
    ["another sha256", { stagedName: "a", content, sha256: "0".repeat(64) }, /not what was submitted/],
    [
      "a sha256 that is none",
      { stagedName: "a", content, sha256: "abc" },
      /comes with "abc", which is no sha256/,
    ],
    ["a way out", { stagedName: "../../x", content }, /"..\/..\/x", which is no name of a file/],
    ["a way out at the end", { stagedName: "x/..", content }, /no name of a file/],
    ["an absolute path", { stagedName: "/etc/passwd", content }, /no name of a file/],
    ["a path of Windows", { stagedName: "..\\x", content }, /no name of a file/],
    ["no name", { stagedName: "", content }, /no name of a file/],
    ["a dot", { stagedName: ".", content }, /no name of a file/],
    ["NUL", { stagedName: "a\0b", content }, /no name of a file/],
    ["a line end", { stagedName: "a\nb", content }, /no name of a file/],
    ["a huge name", { stagedName: "n".repeat(100_000), content }, /\(100000 characters\)", which is no name/],
    [
      "a type that is not known",
      { stagedName: "a", content, type: "pypi" },
      /type "beam:artifact:type:pypi:v1"/,
    ],
  ])("with %s are refused", async (_, artifact, message) => {
    await expect(fetchAll([artifact])).rejects.toMatchObject({
      code: "RUNNER_ARTIFACT_REFUSED",
      message: expect.stringMatching(message),
    });
    expect(readdirSync(folder).every((name) => name === "a")).toBe(true);
  });

  test("of one name twice are refused", async () => {
    const twice = [
      { stagedName: "x/a", content },
      { stagedName: "y/a", content },
    ];
    await expect(fetchAll(twice)).rejects.toThrow(/two files with the name "a"/);
  });

  test("that the service does not send are missed by name", async () => {
    await expect(fetchAll([{ stagedName: "a", content, failure: "gone" }])).rejects.toMatchObject({
      code: "RUNNER_BOOT_FAILED",
      message: expect.stringMatching(/did not send the file "a": .*gone/),
    });
  });

  test("that never come are given up", async () => {
    const silent = [{ stagedName: "a", content, isSilent: true }];
    await expect(fetchAll(silent, { stallMs: 500 })).rejects.toMatchObject({
      code: "RUNNER_BOOT_FAILED",
      message: expect.stringMatching(/did not send the file "a" within 0.5 s: /),
    });
  });

  test("that can't be written are told by their path", async () => {
    await expect(fetchAll([{ stagedName: "a", content }], { folder: "/dev/null" })).rejects.toMatchObject({
      code: "FILE_WRITE_FAILED",
      file: "/dev/null/a",
    });
  });

  test("without a service are missed", async () => {
    await expect(fetchAll([{ stagedName: "a", content }], { address: "" })).rejects.toThrow(
      /has 1 files, but the runner names no artifact service/,
    );
  });
});

test("a worker's file is known by its name only", () => {
  const name = workerBundleName("a".repeat(64));
  expect(name).toBe(`beam-indexeddb-worker-${"a".repeat(64)}.mjs`);
});

describe("what the runner says of itself", () => {
  const flags = () =>
    bootFlags([
      "--id=w1",
      `--provision_endpoint=${service.address}`,
      "--control_endpoint=flag:1",
      "--artifact_endpoint=flag:2",
      "--logging_endpoint=flag:3",
    ]);

  test("wins over the command line", async () => {
    const logging = { url: "l:1" };
    service.info = { ...service.info, loggingEndpoint: logging, siblingWorkerIds: ["w2", "w1", "w2"] };
    await expect(fetchProvision(flags())).resolves.toMatchObject({
      control: "c:1",
      artifacts: service.address,
      logging: "l:1",
      workerIds: ["w1", "w2"],
    });
  });

  test("is completed by the command line", async () => {
    service.info = { artifactEndpoint: undefined };
    await expect(fetchProvision(flags())).resolves.toMatchObject({
      control: "flag:1",
      artifacts: "flag:2",
      logging: "flag:3",
      workerIds: ["w1"],
    });
  });

  test("has to be enough", async () => {
    service.info = {};
    const short = bootFlags(["--id=w1", `--provision_endpoint=${service.address}`]);
    await expect(fetchProvision(short)).rejects.toThrow(/names no control endpoint/);
    service.info = { siblingWorkerIds: Array.from({ length: 2000 }, (_, i) => `s${i}`) };
    await expect(fetchProvision(flags())).rejects.toThrow(/asks for 2001 workers in one place; at most 1024/);
    service.close();
    await expect(fetchProvision(short)).rejects.toMatchObject({
      code: "RUNNER_BOOT_FAILED",
      message: expect.stringMatching(/provision service at .* does not answer/),
    });
  });
});
