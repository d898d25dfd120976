import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

test("lies where the system keeps caches", () => {
  vi.stubEnv("XDG_CACHE_HOME", "/caches");
  expect(defaultCacheFolder()).toBe("/caches/beam-indexeddb");
  vi.stubEnv("XDG_CACHE_HOME", "");
  expect(defaultCacheFolder()).toMatch(/\/\.cache\/beam-indexeddb$/);
});
