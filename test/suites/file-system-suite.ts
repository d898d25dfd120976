/** What every file system has to do, wherever its files are. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type FileSystem, fileSystemOf } from "../../io/file/file-system.js";
import { folderOf, joinPath, nameOf } from "../../io/file/join-path.js";
import { escapeGlob } from "../../io/file/split-pattern.js";

const hostileNames = [
  "plain",
  "with space",
  "ünïcödé-😀-日本",
  "a+b&c=d?e#f%41%2Fg",
  "quotes'\"<&>",
  "(1) [x] {y} !",
  "~tilde;semi:colon,comma@at$",
  "*star",
  "back\\slash",
  `long-${"x".repeat(200)}`,
];

export async function writeText(path: string, text: string | Uint8Array): Promise<void> {
  const file = await fileSystemOf(path).create(path);
  await file.write(typeof text === "string" ? Buffer.from(text) : text);
  await file.close();
}

export async function readBytes(path: string): Promise<Buffer> {
  const file = await fileSystemOf(path).open(path);
  try {
    return Buffer.from(await file.slice(0, file.byteLength));
  } finally {
    await file.close();
  }
}

export async function readText(path: string): Promise<string> {
  return (await readBytes(path)).toString();
}

/**
 * @param folder Path of a new, empty folder.
 * @param refused Names that the store can't have: they are refused instead.
 */
export function fileSystemSuite(name: string, folder: () => string, refused: readonly string[] = []): void {
  const at = (file: string): string => joinPath(folder(), file);
  const files = (): FileSystem => fileSystemOf(folder());
  const names = async (pattern: string, base = folder()): Promise<string[]> =>
    (await files().list(`${escapeGlob(base)}/${pattern}`)).map(({ path }) => path.slice(base.length + 1));

  describe(`files on ${name}`, () => {
    test.each(hostileNames.filter((hostile) => !refused.includes(hostile)))(
      "a file named %j is written, found, listed, renamed and deleted as it is",
      async (hostile) => {
        const path = at(hostile);
        await writeText(path, `content of ${hostile}`);
        expect(await readText(path)).toBe(`content of ${hostile}`);
        expect(await files().stat(path)).toMatchObject({
          path,
          size: Buffer.byteLength(`content of ${hostile}`),
        });
        expect(await names("*")).toEqual([hostile]);
        expect((await files().list(escapeGlob(path))).map((file) => file.path)).toEqual([path]);
        expect((await files().list(path)).map((file) => file.path)).toEqual([path]);
        expect([joinPath(folderOf(path), nameOf(path)), nameOf(path)]).toEqual([path, hostile]);
        await files().rename(path, at(`renamed ${hostile}`));
        expect(await names("*")).toEqual([`renamed ${hostile}`]);
        await files().delete(at(`renamed ${hostile}`));
        expect(await names("*")).toEqual([]);
      },
    );

    test.for(refused)("a file can't be named %j, and that is told", async (hostile) => {
      await expect(writeText(at(hostile), "x")).rejects.toThrow(TypeError);
      await expect(files().stat(at(hostile))).rejects.toThrow(TypeError);
    });

    test("patterns match names, through folders with **, and never hidden ones", async () => {
      for (const file of ["a.x", "b.x", "c.txt", ".a.x", "d/e.x", "d/f/g.x", ".git/h.x"])
        await writeText(at(file), "");
      expect(await names("*.x")).toEqual(["a.x", "b.x"]);
      expect(await names("**/*.x")).toEqual(["a.x", "b.x", "d/e.x", "d/f/g.x"]);
      expect(await names("{a,d/e}.x")).toEqual(["a.x", "d/e.x"]);
      expect(await names("[bc].*")).toEqual(["b.x", "c.txt"]);
      expect(await names("d/*/?.x")).toEqual(["d/f/g.x"]);
      expect(await names(".*.x")).toEqual([".a.x"]);
      expect(await names("missing/*.x")).toEqual([]);
      expect(await names("missing.x")).toEqual([]);
    });

    test("a list of more files than fit in one answer is whole and sorted", async () => {
      const all = Array.from({ length: 60 }, (_, i) => `many/${String((i * 37) % 60).padStart(4, "0")}`);
      await Promise.all(all.map((file) => writeText(at(file), "x")));
      expect(await names("many/*")).toEqual([...all].sort());
      await files().deleteFolder(at("many"));
      expect(await names("many/*")).toEqual([]);
    });

    test.each([0, 1, 5, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, (24 << 20) + 12345])(
      "a file of %i bytes comes back as it was, and is not seen before it is closed",
      async (length) => {
        const bytes = randomBytes(length);
        const path = at("big");
        const file = await files().create(path);
        const step = 3 << 20;
        for (let start = 0; start < length; start += step)
          await file.write(bytes.subarray(start, start + step));
        expect(await files().stat(path)).toBeUndefined();
        await file.close();
        expect((await readBytes(path)).equals(bytes)).toBe(true);
        expect((await files().stat(path))?.size).toBe(length);
      },
    );

    test("a writer may use its buffer again at once", async () => {
      const path = at("reused");
      const file = await files().create(path);
      const buffer = Buffer.alloc(1 << 20);
      for (let i = 0; i < 20; i++) {
        buffer.fill(i);
        await file.write(buffer);
      }
      await file.close();
      const read = await readBytes(path);
      for (let i = 0; i < 20; i++)
        expect(
          read.subarray(i << 20, (i + 1) << 20).every((byte) => byte === i),
          String(i),
        ).toBe(true);
    });

    test.each([10, 20 << 20])("a file of %i bytes that is given up was never there", async (length) => {
      const path = at("given up");
      const file = await files().create(path);
      await file.write(Buffer.alloc(length));
      await file.abort();
      expect(await files().stat(path)).toBeUndefined();
      expect(await names("*")).toEqual([]);
      await writeText(path, "another");
      expect(await readText(path)).toBe("another");
    });

    test("any ranges of a file, in any order and side by side, are its bytes", async () => {
      const bytes = randomBytes(3 << 20);
      await writeText(at("ranges"), bytes);
      const file = await files().open(at("ranges"));
      const ranges: [number, number][] = [
        [0, 0],
        [0, 1],
        [bytes.length - 1, bytes.length],
        [bytes.length, bytes.length],
        [100, 100],
      ];
      for (let i = 0; i < 200; i++) {
        const start = (i * 7919 * 131) % bytes.length;
        ranges.push([start, Math.min(bytes.length, start + ((i * 104729) % 70000))]);
      }
      // Somebody who reads on from where they were, among those who jump.
      for (let start = 0; start < bytes.length; start += 50_000)
        ranges.push([start, Math.min(bytes.length, start + 50_000)]);
      const read = await Promise.all(
        ranges.map(async ([start, end]) => Buffer.from(await file.slice(start, end))),
      );
      ranges.forEach(([start, end], i) =>
        expect(read[i]!.equals(bytes.subarray(start, end)), `${start}-${end}`).toBe(true),
      );
      for (const [start, end] of ranges)
        expect(
          Buffer.from(await file.slice(start, end)).equals(bytes.subarray(start, end)),
          `${start}-${end}`,
        ).toBe(true);
      await file.close();
      await file.close();
    });

    test("what is not there is told with its path", async () => {
      await expect(files().open(at("missing"))).rejects.toMatchObject({
        code: "FILE_NOT_FOUND",
        file: at("missing"),
      });
      await expect(files().rename(at("missing"), at("other"))).rejects.toMatchObject({
        name: "SnapshotError",
      });
      expect(await files().stat(at("missing"))).toBeUndefined();
      expect(await files().identity(at("missing"))).toBeUndefined();
      await files().delete(at("missing"));
      await files().deleteFolder(at("missing"));
      await files().deleteIfSame(at("missing"), "1");
      expect(await files().listFolders(at("missing"), "x")).toEqual([]);
      expect(await files().lastChange(at("missing"))).toBeUndefined();
    });

    test("of two that create one file at the same time exactly one succeeds, in 20 rounds", async () => {
      for (let round = 0; round < 20; round++) {
        const path = at(`lock-${round}`);
        const won = await Promise.all(
          ["a", "b", "c"].map((writer) => files().createIfAbsent(path, Buffer.from(writer))),
        );
        const winners = ["a", "b", "c"].filter((_, i) => won[i] !== undefined);
        expect(winners).toHaveLength(1);
        expect(await readText(path)).toBe(winners[0]);
        expect(await files().identity(path)).toBe(won.find((identity) => identity !== undefined));
      }
    });

    test("a file is replaced or deleted only while it is the same", async () => {
      const path = at("same");
      const first = await files().createIfAbsent(path, Buffer.from("first"));
      expect(await files().replaceIfSame(path, "1", Buffer.from("wrong"))).toBeUndefined();
      const second = await files().replaceIfSame(path, first!, Buffer.from("second"));
      expect([await readText(path), await files().identity(path)]).toEqual(["second", second]);
      expect(await files().replaceIfSame(path, first!, Buffer.from("late"))).toBeUndefined();
      await files().deleteIfSame(path, first!);
      expect(await readText(path)).toBe("second");
      await files().deleteIfSame(path, second!);
      expect(await files().stat(path)).toBeUndefined();
      expect(await files().replaceIfSame(path, second!, Buffer.from("gone"))).toBeUndefined();
      expect(await files().stat(path)).toBeUndefined();
    });

    test("a rename replaces what is there, also when it is large", async () => {
      const bytes = randomBytes(9 << 20);
      await writeText(at("from"), bytes);
      await writeText(at("to"), "old");
      await files().rename(at("from"), at("to"));
      expect((await readBytes(at("to"))).equals(bytes)).toBe(true);
      expect(await names("*")).toEqual(["to"]);
    });

    test("a file that is replaced while it is read gives its old bytes or an error, never some of both", async () => {
      const old = randomBytes(2 << 20);
      await writeText(at("pinned"), old);
      const file = await files().open(at("pinned"));
      await file.slice(0, 1000);
      await writeText(at("pinned"), randomBytes(2 << 20));
      const rest = await Promise.resolve(file.slice(1 << 20, 2 << 20)).then(
        (bytes) => Buffer.from(bytes),
        (error: unknown) => {
          expect(error).toMatchObject({ code: "FILE_READ_FAILED", file: at("pinned") });
          return undefined;
        },
      );
      if (rest) expect(rest.equals(old.subarray(1 << 20))).toBe(true);
      await file.close();
    });

    test("folders are found by how their names begin, and go with all that is in them", async () => {
      for (const file of [".t-1/a", ".t-1/b/c", ".t-2/a", ".u-1/a", "t", ".t-3"])
        await writeText(at(file), "x");
      expect([...(await files().listFolders(folder(), ".t-"))].sort()).toEqual([at(".t-1"), at(".t-2")]);
      expect(Math.abs((await files().lastChange(at(".t-1")))! - Date.now())).toBeLessThan(3_600_000);
      await files().deleteFolder(at(".t-1"));
      expect([...(await files().listFolders(folder(), ".t-"))]).toEqual([at(".t-2")]);
      expect(await readText(at(".t-3"))).toBe("x");
    });
  });
}
