import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileSystemOf } from "../../../io/file/file-system.js";
import { listFiles, localFileSystem } from "../../../io/file/local-file-system.js";
import { splitPattern } from "../../../io/file/split-pattern.js";
import { temporaryFolder } from "../../temporary-folder.js";

test("patterns match files by name, through folders with **, and never hidden ones", () => {
  const folder = temporaryFolder();
  for (const name of [
    "a.idbsnap",
    "b.idbsnap",
    "c.txt",
    ".a.idbsnap",
    "x/d.idbsnap",
    "x/y/e.idbsnap",
    ".git/f.idbsnap",
  ]) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  const match = (pattern: string) =>
    listFiles(`${folder}/${pattern}`).map(({ path }) => path.slice(folder.length + 1));
  expect(match("*.idbsnap")).toEqual(["a.idbsnap", "b.idbsnap"]);
  expect(match("**/*.idbsnap")).toEqual(["a.idbsnap", "b.idbsnap", "x/d.idbsnap", "x/y/e.idbsnap"]);
  expect(match("{a,x/d}.idbsnap")).toEqual(["a.idbsnap", "x/d.idbsnap"]);
  expect(match("[bc].*")).toEqual(["b.idbsnap", "c.txt"]);
  expect(match("a.idbsnap")).toEqual(["a.idbsnap"]);
  expect(match("nothing*")).toEqual([]);
  expect(match("missing/*.idbsnap")).toEqual([]);
});

test("a file appears under its name only when it is closed", async () => {
  const folder = temporaryFolder();
  const writer = await localFileSystem.create(join(folder, "deep/file"));
  await writer.write(Buffer.from("half"));
  expect(readdirSync(join(folder, "deep")).filter((name) => name === "file")).toEqual([]);
  await writer.close();
  expect(readdirSync(join(folder, "deep"))).toEqual(["file"]);
  const aborted = await localFileSystem.create(join(folder, "deep/other"));
  await aborted.write(Buffer.from("half"));
  await aborted.abort();
  expect(readdirSync(join(folder, "deep"))).toEqual(["file"]);
});

test("of many that create one file at the same time exactly one succeeds", async () => {
  const path = join(temporaryFolder(), "lock");
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) => localFileSystem.createIfAbsent(path, Buffer.from(String(i)))),
  );
  expect(results.filter((identity) => identity !== undefined)).toHaveLength(1);
});

test("each fault of the system has a code and says what to do", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "x");
  await expect(localFileSystem.open(join(folder, "missing"))).rejects.toMatchObject({
    code: "FILE_NOT_FOUND",
    file: join(folder, "missing"),
  });
  await expect(localFileSystem.open(folder)).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
  await expect(localFileSystem.create(join(folder, "file/below"))).rejects.toMatchObject({
    code: "FILE_NOT_WRITABLE",
  });
});

test("a folder that can't be made is told at once", async () => {
  for (const path of ["/proc/nothing/file", "/proc/nothing/deeper/file"]) {
    await expect(localFileSystem.create(path)).rejects.toMatchObject({
      code: "FILE_NOT_WRITABLE",
      file: path,
    });
  }
});

test("a full disk is told as such", async () => {
  const writer = await fullDevice();
  expect(() => writer.write(Buffer.alloc(1 << 16))).toThrow(
    expect.objectContaining({ code: "FILE_DISK_FULL" }) as Error,
  );
});

/** /dev/full refuses every byte as a full disk does. */
async function fullDevice() {
  const { fileError } = await import("../../../io/file/file-error.js");
  const { openSync, writeSync } = await import("node:fs");
  const fd = openSync("/dev/full", "w");
  return {
    write(bytes: Uint8Array) {
      try {
        writeSync(fd, bytes);
      } catch (cause) {
        throw fileError(cause, "/dev/full", "write");
      }
    },
  };
}

test("a scheme that is not known is refused with what works", () => {
  expect(() => fileSystemOf("ftp://host/file")).toThrow(/local file/);
});

test("names that look like patterns are found as they are, and parentheses are no wildcards", () => {
  const folder = temporaryFolder();
  for (const name of ["notes (1).idbsnap", "notes 1.idbsnap", "a[b].idbsnap", "!x.idbsnap"])
    writeFileSync(join(folder, name), "");
  const match = (pattern: string) =>
    listFiles(join(folder, pattern)).map(({ path }) => path.slice(folder.length + 1));
  expect(match("notes (1).idbsnap")).toEqual(["notes (1).idbsnap"]);
  expect(match("notes (1)*")).toEqual(["notes (1).idbsnap"]);
  expect(match("notes (2).idbsnap")).toEqual([]);
  expect(match("a[b].idbsnap")).toEqual(["a[b].idbsnap"]);
  expect(match("!x*")).toEqual(["!x.idbsnap"]);
});

test.each([
  ["a/b/*.x", "a/b", "*.x"],
  ["/*.x", "/", "*.x"],
  ["*.x", "", "*.x"],
  ["./a/**/b.x", "./a", "**/b.x"],
  ["a/b.x", "a", ""],
  ["a\\[1\\]/b\\*.x", "a[1]", ""],
  ["a\\[1\\]/*.x", "a[1]", "*.x"],
])("the pattern %s is in the folder %s", (pattern, folder, glob) => {
  expect(splitPattern(pattern)).toEqual({ folder, glob });
});
