import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { isPattern } from "../../../../io/file/file-system.js";
import { webFileSystem } from "../../../../io/file/web/web-file-system.js";
import { keepWhole } from "../../../../io/file/web/keep-whole.js";
import { readFromIndexedDB, writeToIndexedDB } from "../../../../io/index.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(() => done()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server as most are. */
function ranges(state: { bytes: Buffer; etag?: string }): Handler {
  return (request, response) => {
    const { bytes, etag } = state;
    if (
      etag !== undefined &&
      request.headers["if-match"] !== undefined &&
      request.headers["if-match"] !== etag
    ) {
      response.writeHead(412).end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (Number(first) >= bytes.length) {
      response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
      return;
    }
    const end = Math.min(Number(last), bytes.length - 1);
    response.writeHead(206, {
      "content-range": `bytes ${first!}-${end}/${bytes.length}`,
      "content-length": String(end - Number(first) + 1),
      ...(etag === undefined ? { "last-modified": "Tue, 24 Nov 2026 10:00:00 GMT" } : { etag }),
    });
    response.end(bytes.subarray(Number(first), end + 1));
  };
}

async function all(path: string): Promise<Buffer> {
  const file = await webFileSystem.open(path);
  const bytes = Buffer.from(await file.slice(0, file.byteLength));
  await file.close();
  return bytes;
}

test.each([0, 1, 100_000])("a file of %i bytes is read by ranges", async (length) => {
  const bytes = randomBytes(length);
  const host = await serve(ranges({ bytes, etag: '"1"' }));
  expect((await all(`${host}/a.idbsnap`)).equals(bytes)).toBe(true);
  expect(await webFileSystem.stat(`${host}/a.idbsnap`)).toMatchObject({ size: length });
});

test("a server that knows no ranges is asked once for the file, cut or not", async () => {
  const bytes = randomBytes(500_000);
  let requests = 0;
  const host = await serve((_request, response) => {
    response.writeHead(200, { "content-length": String(bytes.length) });
    if (++requests === 2) {
      response.write(bytes.subarray(0, 1000));
      setImmediate(() => response.socket?.destroy());
    } else response.end(bytes);
  });
  const file = await webFileSystem.open(`${host}/a`);
  const before = requests;
  expect(Buffer.from(await file.slice(10, 400_000)).equals(bytes.subarray(10, 400_000))).toBe(true);
  expect(Buffer.from(await file.slice(0, 10)).equals(bytes.subarray(0, 10))).toBe(true);
  await file.close();
  await file.close();
  expect([before, requests]).toEqual([3, 3]);
  await expect(keepWhole({ url: `${host}/a`, headers: {} }, "a", 1000)).rejects.toMatchObject({
    code: "FILE_READ_FAILED",
  });
});

test.each(['"1"', undefined])("a file that changes while it is read is an error (ETag %j)", async (etag) => {
  const state = { bytes: randomBytes(100_000), ...(etag === undefined ? {} : { etag }) };
  const host = await serve(ranges(state));
  const file = await webFileSystem.open(`${host}/a`);
  await file.slice(0, 10);
  state.bytes = randomBytes(99_999);
  if (etag !== undefined) state.etag = '"2"';
  await expect(file.slice(50_000, 60_000)).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
});

describe("redirections", () => {
  test("are followed, and credentials stay with their server", async () => {
    const seen: (string | undefined)[] = [];
    const target = await serve((request, response) => {
      seen.push(request.headers.authorization);
      ranges({ bytes: Buffer.from("content"), etag: '"1"' })(request, response);
    });
    const host = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `${target}/b?sig=secret` }).end();
    });
    expect((await all(`${host.replace("//", "//user:secret@")}/a`)).toString()).toBe("content");
    expect(seen[0]).toMatch(/^Basic /);
    expect(new Set(seen.slice(1))).toEqual(new Set([undefined]));
  });

  test("in a circle are an error", async () => {
    const host = await serve(
      (_request, response) => void response.writeHead(302, { location: "/again" }).end(),
    );
    await expect(all(`${host}/a`)).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
  });
});

test("nothing secret of an address gets into an error or the name of the file", async () => {
  let status = 403;
  const host = await serve((_request, response) => void response.writeHead(status).end("secret"));
  const path = `${host.replace("//", "//user:secret@")}/a.idbsnap?X-Amz-Signature=secret#secret`;
  for (status of [400, 401, 403, 404]) {
    const error: unknown = await webFileSystem.open(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "SnapshotError", file: `${host}/a.idbsnap?(hidden)` });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toContain("secret");
  }
  const good = await serve(ranges({ bytes: Buffer.from("x"), etag: '"1"' }));
  const file = await webFileSystem.open(`${good}/a?sig=secret`);
  expect(file.name).toBe(`${good}/a?(hidden)`);
  // What records call their file leads to it again.
  expect((await all(file.name!)).toString()).toBe("x");
});

test("patterns and writes are refused while the pipeline is built", () => {
  expect(() => readFromIndexedDB("https://host/*.idbsnap")).toThrow(TypeError);
  expect(() => readFromIndexedDB("https://host/a.idbsnap?x=[1]&y=*")).not.toThrow();
  expect(() => writeToIndexedDB("https://host/out")).toThrow(/only read/);
  expect(isPattern("https://host/a?b=c")).toBe(false);
});

test("writes, renames and deletes are errors with a code", async () => {
  for (const attempt of [
    webFileSystem.create("https://host/a"),
    webFileSystem.delete("https://host/a"),
    webFileSystem.rename("https://host/a", "https://host/b"),
  ])
    await expect(attempt).rejects.toMatchObject({ code: "FILE_NOT_WRITABLE" });
});
