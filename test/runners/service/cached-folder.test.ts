import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { cachedFolder, defaultCacheFolder } from "../../../runners/service/cached-folder.js";
import { temporaryFolder } from "../../temporary-folder.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("is filled once", async () => {
  const path = join(temporaryFolder(), "a/b");
  let fills = 0;
  const fill = async (draft: string) => {
    fills++;
    writeFileSync(join(draft, "x"), "content");
  };
  for (let i = 0; i < 3; i++) expect(await cachedFolder(path, fill)).toBe(path);
  expect([fills, readFileSync(join(path, "x"), "utf8")]).toEqual([1, "content"]);
});

test("is not there when it could not be filled, and nothing else is", async () => {
  const parent = temporaryFolder();
  const failing = cachedFolder(join(parent, "b"), async (draft) => {
    writeFileSync(join(draft, "half"), "");
    throw new Error("no network");
  });
  await expect(failing).rejects.toThrow("no network");
  expect(readdirSync(parent)).toEqual([]);
});

test("that another process filled in the meantime is taken", async () => {
  const parent = temporaryFolder();
  const path = join(parent, "b");
  await cachedFolder(path, async () => {
    mkdirSync(path);
    writeFileSync(join(path, "theirs"), "");
  });
  expect([readdirSync(parent), readdirSync(path)]).toEqual([["b"], ["theirs"]]);
});

test("leaves nothing for good of a process that was killed while it filled it", async () => {
  const parent = temporaryFolder();
  const path = join(parent, "b");
  const module = pathToFileURL(
    join(import.meta.dirname, "../../../dist/runners/service/cached-folder.js"),
  ).href;
  const filling = spawn(process.execPath, [
    ...["--input-type=module", "-e"],
    `import { cachedFolder } from ${JSON.stringify(module)};
     await cachedFolder(${JSON.stringify(path)}, () => { console.log("filling"); setInterval(() => {}, 1000); return new Promise(() => {}); });`,
  ]);
  await once(filling.stdout, "data");
  const [draft] = readdirSync(parent);
  // One that is being filled stays.
  await cachedFolder(path, async () => undefined);
  expect(readdirSync(parent).sort()).toEqual([draft, "b"].sort());
  filling.kill("SIGKILL");
  await once(filling, "close");
  await cachedFolder(join(parent, "c"), async () => undefined);
  expect(readdirSync(parent)).toContain(draft);
  rmSync(path, { recursive: true });
  await cachedFolder(path, async () => undefined);
  expect(readdirSync(parent)).toEqual(["b", "c"]);
});

test("leaves drafts of other machines alone for a day", async () => {
  const parent = temporaryFolder();
  const path = join(parent, "b");
  const [late, early] = [".b~elsewhere~1~x", ".b~elsewhere~2~y"] as const;
  for (const name of [late, early]) mkdirSync(join(parent, name));
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  utimesSync(join(parent, early), twoDaysAgo, twoDaysAgo);
  await cachedFolder(path, async () => undefined);
  expect(readdirSync(parent)).toEqual([late, "b"]);
});

test("lies where the system keeps caches", () => {
  vi.stubEnv("XDG_CACHE_HOME", "/caches");
  expect(defaultCacheFolder()).toBe("/caches/beam-indexeddb");
  vi.stubEnv("XDG_CACHE_HOME", "");
  expect(defaultCacheFolder()).toMatch(/\/\.cache\/beam-indexeddb$/);
});
