/** What every file system has to do on a network where requests go wrong. */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type FileSystem, fileSystemOf } from "../../io/file/file-system.js";
import { joinPath } from "../../io/file/join-path.js";
import type { SeenRequest, StoreFault, StoreServer } from "../io/file/servers/store-server.js";
import { fileSystemSuite, readBytes, readText, writeText } from "./file-system-suite.js";

/** A store's server for all tests of a file, and a new folder in it for each. */
export function withStore(start: () => Promise<StoreServer>): {
  readonly server: StoreServer;
  readonly folder: () => string;
} {
  let server: StoreServer | undefined;
  let folder = "";
  let count = 0;
  beforeAll(async () => {
    server = await start();
  });
  beforeEach(() => {
    for (const [name, value] of Object.entries(server!.env)) vi.stubEnv(name, value);
    folder = `${server!.folder}-${process.pid}-${count++}`;
    server!.reset();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(() => server?.close());
  return {
    get server() {
      return server!;
    },
    folder: () => folder,
  };
}

const passing: readonly (readonly [string, StoreFault])[] = [
  ["500", { status: 500 }],
  ["503 with HTML of a proxy", { status: 503, body: "<html>Try later</html>" }],
  ["429 with Retry-After", { status: 429, headers: { "retry-after": "0" } }],
  ["408", { status: 408 }],
  ["a connection that breaks before", { drop: "before" }],
  ["a connection that breaks after", { drop: "after" }],
];

export function objectStoreSuite(
  name: string,
  start: () => Promise<StoreServer>,
  refused: readonly string[] = [],
): void {
  const store = withStore(start);
  const at = (file: string): string => joinPath(store.folder(), file);
  const files = (): FileSystem => fileSystemOf(store.folder());
  fileSystemSuite(name, store.folder, refused);

  describe(`${name} on a bad day`, () => {
    test.each(passing)("%s: everything is done in the end, once", async (_, fault) => {
      const { server } = store;
      const twice = (matches: (request: SeenRequest) => boolean): void => {
        server.reset();
        server.fail(matches, fault, fault);
      };
      const any = (): boolean => true;
      const bytes = randomBytes(17 << 20);
      twice(({ requestBytes }) => requestBytes > 1 << 20);
      await writeText(at("large"), bytes);
      twice(({ method }) => method !== "GET" && method !== "HEAD");
      await writeText(at("small"), "text");
      twice(any);
      expect((await readBytes(at("large"))).equals(bytes)).toBe(true);
      twice(any);
      expect((await files().list(joinPath(store.folder(), "*"))).length).toBe(2);
      twice(({ method }) => method === "PUT" || method === "POST");
      await files().rename(at("large"), at("renamed"));
      twice(any);
      expect((await readBytes(at("renamed"))).equals(bytes)).toBe(true);
      twice(({ method }) => method === "PUT" || method === "POST");
      const identity = await files().createIfAbsent(at("lock"), Buffer.from("own"));
      expect(identity).toBe(await files().identity(at("lock")));
      twice(({ method }) => method === "PUT" || method === "POST");
      const next = await files().replaceIfSame(at("lock"), identity!, Buffer.from("next"));
      expect(next).toBe(await files().identity(at("lock")));
      twice(({ method }) => method === "DELETE");
      await files().delete(at("lock"));
      twice(any);
      await files().deleteFolder(store.folder());
      server.reset();
      expect(await files().list(joinPath(store.folder(), "**"))).toEqual([]);
    });

    test("a read goes on where its answer was cut, and fetches nothing twice", async () => {
      const bytes = randomBytes(5 << 20);
      await writeText(at("cut"), bytes);
      const { server } = store;
      server.reset();
      const isRead = ({ method, headers }: SeenRequest): boolean =>
        method === "GET" && headers.range !== undefined;
      server.fail(isRead, { cutAt: 1_000_000 }, { cutAt: 2_000_000 }, { cutAt: 0 }, { pieces: 10_000 });
      expect((await readBytes(at("cut"))).equals(bytes)).toBe(true);
      const reads = server.requests.filter(isRead);
      expect(reads.length).toBe(4);
      expect(reads.reduce((sum, { answerBytes }) => sum + answerBytes, 0)).toBe(bytes.length);
    });

    test("what stays wrong is told, once it was tried often enough, without anything secret", async () => {
      await writeText(at("file"), "text");
      const { server } = store;
      server.fail(
        () => true,
        ...Array.from({ length: 50 }, () => ({
          status: 503,
          headers: { "retry-after": "0" },
          body: "busy ?sig=secret-signature",
        })),
      );
      const error: unknown = await files()
        .open(at("file"))
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "FILE_READ_FAILED", file: at("file") });
      expect((error as Error).message).toMatch(/503.*tried 8 times/);
      expect(JSON.stringify([error, (error as Error).stack])).not.toMatch(/secret|Eby8vdM|authorization/i);
    });

    test.each([400, 401, 403])("an answer of %i is final: it is asked once", async (status) => {
      const { server } = store;
      server.fail(() => true, { status });
      await expect(files().open(at("refused"))).rejects.toMatchObject({
        code: status === 400 ? "FILE_READ_FAILED" : "FILE_ACCESS_DENIED",
      });
      expect(server.requests.length).toBe(1);
      server.reset();
      server.fail(() => true, { status });
      await expect(writeText(at("refused"), "x")).rejects.toMatchObject({
        code: status === 400 ? "FILE_WRITE_FAILED" : "FILE_ACCESS_DENIED",
      });
      expect(server.requests.length).toBe(1);
    });

    test("a bucket that is not there is told by name", async () => {
      const path = `${store.server.scheme}://no-such-bucket/x`;
      await expect(writeText(path, "x")).rejects.toMatchObject({ code: "FILE_NOT_FOUND", file: path });
      await expect(files().list(`${store.server.scheme}://no-such-bucket/*`)).rejects.toMatchObject({
        code: "FILE_NOT_FOUND",
      });
      await expect(files().open(path)).rejects.toMatchObject({ code: "FILE_NOT_FOUND", file: path });
    });

    test("a part of a large file that can't be written fails the file, and leaves none", async () => {
      const { server } = store;
      server.fail(
        ({ requestBytes }) => requestBytes > 1 << 20,
        { status: 403 },
        { status: 403 },
        { status: 403 },
        { status: 403 },
      );
      const file = await files().create(at("part"));
      const writing = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) await file.write(randomBytes(1 << 20));
        await file.close();
      };
      await expect(writing()).rejects.toMatchObject({ code: "FILE_ACCESS_DENIED" });
      await file.abort();
      expect(await files().stat(at("part"))).toBeUndefined();
    });

    test.each([
      ["..", /"\.\."/],
      ["a/../b", /"\.\."/],
      ["a/./b", /"\.\."/],
      ["a\0b", /NUL/],
      ["a\nb", /line break/],
      ["half\ud800", /surrogate/],
      ["x".repeat(1025), /1024 bytes/],
      ["é".repeat(513), /1024 bytes/],
    ])("the name %j is refused before anything is sent", async (hostile, message) => {
      await expect(writeText(at(hostile), "x")).rejects.toThrow(message);
      await expect(files().open(at(hostile))).rejects.toThrow(TypeError);
      expect(store.server.requests).toEqual([]);
    });

    test("slashes at the beginning, in a row, and 1024 bytes of a name are a name like others", async () => {
      const { scheme, folder } = store.server;
      const bucket = folder.split("/")[2]!;
      const start = `${scheme}://${bucket}/`;
      const rest = store.folder().slice(start.length);
      for (const hostile of [
        `${rest}//twice//x`,
        `${rest}/${"é".repeat(Math.floor((1023 - rest.length) / 2))}`,
      ]) {
        await writeText(start + hostile, hostile);
        expect(await readText(start + hostile)).toBe(hostile);
        expect((await files().list(escapeStars(start + hostile))).map(({ path }) => path)).toEqual([
          start + hostile,
        ]);
        await files().delete(start + hostile);
      }
      expect(await files().list(`${store.folder()}/**`)).toEqual([]);
    });
  });
}

function escapeStars(path: string): string {
  return path.replace(/x$/, "[x]").replace(/é$/, "*");
}
