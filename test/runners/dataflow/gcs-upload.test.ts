import { randomFillSync } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { noAuth } from "../../../runners/dataflow/google-auth.js";
import { uploadObject, type UploadSettings } from "../../../runners/dataflow/gcs-upload.js";
import { createHttpClient } from "../../../runners/dataflow/http-client.js";
import { bytesSource, fileSource } from "../../../runners/dataflow/upload-source.js";
import { bucket, type FakeGcs, type GcsFault, startFakeGcs } from "./fake-gcs.js";
import { artifactFile } from "./test-job.js";

const unit = 256 * 1024;
let gcs: FakeGcs;
let serial = 0;
let waits: number[] = [];

beforeAll(async () => {
  gcs = await startFakeGcs();
});
afterAll(() => gcs.close());
beforeEach(() => {
  gcs.requests.length = 0;
  gcs.complaints.length = 0;
  waits = [];
});

function settings(further: Partial<UploadSettings> = {}): UploadSettings {
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  const http = createHttpClient({ authorize: noAuth, wait, signal: further.signal });
  return { http, endpoint: gcs.endpoint, chunkBytes: unit, wait, ...further };
}

function place() {
  return { bucket, path: `folder/${serial++}/file with ümlaut & more.bin` };
}

function someBytes(length: number): Uint8Array {
  return Buffer.alloc(
    length,
    Uint8Array.from({ length: 251 }, (_, i) => i + 1),
  );
}

describe("an upload", () => {
  test.each([0, 1, unit - 1, unit, unit + 1, 3 * unit])("of %i bytes arrives", async (length) => {
    const location = place();
    const bytes = someBytes(length);
    expect(await uploadObject(location, bytesSource("x", bytes), settings())).toBe(true);
    expect(Buffer.compare((await gcs.read(location.path))!, bytes)).toBe(0);
    expect(gcs.complaints).toEqual([]);
    expect(waits).toEqual([]);
  });

  test("goes in chunks, each after the other, and tells how far it is", async () => {
    const done: number[] = [];
    const onProgress = (bytes: number) => done.push(bytes);
    await uploadObject(place(), bytesSource("x", someBytes(2 * unit + 5)), settings({ onProgress }));
    expect(gcs.requests).toEqual([
      "metadata",
      "begin",
      `chunk 0-${unit - 1}/${2 * unit + 5}`,
      `chunk ${unit}-${2 * unit - 1}/${2 * unit + 5}`,
      `chunk ${2 * unit}-${2 * unit + 4}/${2 * unit + 5}`,
    ]);
    expect(done).toEqual([unit, 2 * unit, 2 * unit + 5]);
  });

  test("is not made again when the same bytes are there", async () => {
    const location = place();
    const source = bytesSource("x", someBytes(unit));
    expect(await uploadObject(location, source, settings())).toBe(true);
    gcs.requests.length = 0;
    expect(await uploadObject(location, source, settings())).toBe(false);
    expect(gcs.requests).toEqual(["metadata"]);
  });

  test("takes the place of other bytes under its name", async () => {
    const location = place();
    await uploadObject(location, bytesSource("x", someBytes(10)), settings());
    expect(await uploadObject(location, bytesSource("x", someBytes(11)), settings())).toBe(true);
    expect(await gcs.read(location.path)).toHaveLength(11);
  });

  test("of a file is that of its bytes", async () => {
    const { path, sha256 } = artifactFile("a".repeat(unit + 3));
    const source = await fileSource(path);
    expect(source.sha256).toBe(sha256);
    const location = place();
    await uploadObject(location, source, settings());
    expect(Buffer.from((await gcs.read(location.path))!).toString()).toBe("a".repeat(unit + 3));
  });
});

describe("an upload goes on", () => {
  const cases: [string, GcsFault, string[]][] = [
    ["after a connection that broke before the chunk", { drop: "before" }, ["status"]],
    ["after a connection that broke when all of the chunk was there", { drop: "after" }, ["status"]],
    ["in the middle of a chunk of which a part was kept", { keep: unit }, ["status"]],
    ["at its begin when nothing was kept", { keep: 0 }, ["status"]],
    ["after 429", { status: 429 }, ["status"]],
    ["after 500", { status: 500 }, ["status"]],
    ["after 503", { status: 503 }, ["status"]],
    ["in a new session when the service has forgotten it", { forget: true }, ["begin"]],
    ["in a new session when the service noticed damage", { damage: "noticed" }, ["begin"]],
    ["in a new session when what is there is not what was sent", { damage: "unnoticed" }, ["begin"]],
  ];
  test.each(cases)("%s", async (_, fault, then) => {
    const location = place();
    const bytes = someBytes(4 * unit + 7);
    gcs.fail("chunk", fault);
    await uploadObject(location, bytesSource("x", bytes), settings({ chunkBytes: 2 * unit }));
    expect(Buffer.compare((await gcs.read(location.path))!, bytes)).toBe(0);
    expect(gcs.complaints).toEqual([]);
    expect(gcs.requests.filter((one) => !one.startsWith("chunk")).slice(2)).toEqual(then);
  });

  test("sends only what is missing", async () => {
    const length = 4 * unit;
    gcs.fail("chunk", { keep: unit });
    await uploadObject(place(), bytesSource("x", someBytes(length)), settings({ chunkBytes: 2 * unit }));
    expect(gcs.requests.slice(2)).toEqual([
      `chunk 0-${2 * unit - 1}/${length}`,
      "status",
      `chunk ${unit}-${3 * unit - 1}/${length}`,
      `chunk ${3 * unit}-${4 * unit - 1}/${length}`,
    ]);
  });

  test("when the last answer got lost", async () => {
    gcs.fail("chunk", { drop: "after" });
    const location = place();
    await uploadObject(location, bytesSource("x", someBytes(100)), settings());
    expect(gcs.requests).toEqual(["metadata", "begin", "chunk 0-99/100", "status"]);
    expect(await gcs.read(location.path)).toHaveLength(100);
  });

  test("after faults of the requests around it", async () => {
    gcs.fail("metadata", { status: 503 }, { drop: "before" });
    gcs.fail("begin", { status: 429 }, { drop: "after" });
    const location = place();
    await uploadObject(location, bytesSource("x", someBytes(100)), settings());
    expect(await gcs.read(location.path)).toHaveLength(100);
    expect(waits).toHaveLength(4);
  });

  test("whatever happens, when it happens often", async () => {
    const fault = fc.constantFrom<GcsFault>(
      { status: 500 },
      { status: 429 },
      { drop: "before" },
      { drop: "after" },
      { keep: 0 },
      { keep: unit },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 5 }),
        fc.array(fc.constantFrom<GcsFault>({ status: 502 }, { drop: "before" }), { maxLength: 2 }),
        fc.integer({ min: 0, max: 5 * unit }),
        async (chunkFaults, statusFaults, length) => {
          const location = place();
          const bytes = Buffer.alloc(length);
          // Faults of the last round that were not used up.
          gcs.mend();
          randomFillSync(bytes);
          gcs.fail("chunk", ...chunkFaults);
          gcs.fail("status", ...statusFaults);
          await uploadObject(location, bytesSource("x", bytes), settings({ chunkBytes: 2 * unit }));
          expect(Buffer.compare((await gcs.read(location.path))!, bytes)).toBe(0);
        },
      ),
      { seed: 4, numRuns: 15 },
    );
    expect(gcs.complaints).toEqual([]);
  });
});

describe("an upload ends with", () => {
  let ownGcs: FakeGcs;
  beforeAll(async () => {
    ownGcs = await startFakeGcs();
  });
  afterAll(() => ownGcs.close());
  const own = (further: Partial<UploadSettings> = {}) => settings({ endpoint: ownGcs.endpoint, ...further });

  test("the sentence of a service that fails and fails, and without the address of the session", async () => {
    ownGcs.fail("chunk", ...Array<GcsFault>(1).fill({ status: 503 }));
    ownGcs.fail("status", ...Array<GcsFault>(7).fill({ status: 503 }));
    const error = await uploadObject(place(), bytesSource("x", someBytes(9)), own()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "RUNNER_SERVICE_FAILED" });
    expect(String(error)).toMatch(
      /did not take the upload of gs:\/\/my-bucket\/folder.*Injected \(status 503\)/,
    );
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/session\/|upload_id/);
  });

  test("a sentence that names the bucket's owner's duty on 403", async () => {
    ownGcs.fail("begin", { status: 403 });
    await expect(uploadObject(place(), bytesSource("x", someBytes(9)), own())).rejects.toThrow(
      /did not begin the upload of gs:\/\/my-bucket.*Injected \(status 403\)\. Does the account have the roles/,
    );
  });

  test("a sentence for a bucket that is not there", async () => {
    await expect(
      uploadObject({ bucket: "no-such-bucket", path: "x" }, bytesSource("x", someBytes(9)), own()),
    ).rejects.toThrow(
      /did not begin the upload of gs:\/\/no-such-bucket\/x.*Check project, region and bucket/,
    );
  });

  test("a sentence when what arrives is never what was sent", async () => {
    ownGcs.fail("chunk", ...Array<GcsFault>(3).fill({ damage: "unnoticed" }));
    await expect(uploadObject(place(), bytesSource("x", someBytes(9)), own())).rejects.toThrow(
      /what it holds now is not what was sent/,
    );
  });

  test("RUNNER_ARTIFACT_REFUSED when a file is gone or shorter", async () => {
    const { path } = artifactFile("a".repeat(1000));
    const source = await fileSource(path);
    writeFileSync(path, "short");
    await expect(uploadObject(place(), source, own())).rejects.toMatchObject({
      code: "RUNNER_ARTIFACT_REFUSED",
    });
    rmSync(path);
    await expect(uploadObject(place(), source, own())).rejects.toMatchObject({
      code: "RUNNER_ARTIFACT_REFUSED",
    });
  });

  test("a refusal by the service when a file has other bytes of the same length", async () => {
    const { path } = artifactFile("a".repeat(1000));
    const source = await fileSource(path);
    writeFileSync(path, "b".repeat(1000));
    await expect(uploadObject(place(), source, own())).rejects.toThrow(/not what was sent/);
  });

  test("the reason of its signal", async () => {
    const abort = new AbortController();
    const onProgress = () => {
      abort.abort(new Error("enough"));
    };
    await expect(
      uploadObject(place(), bytesSource("x", someBytes(3 * unit)), own({ onProgress, signal: abort.signal })),
    ).rejects.toThrow("enough");
  });
});
