import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { publish, settleFolder } from "../../../io/file/publication.js";
import { removeAbandoned, tempFolderFor } from "../../../io/file/temp-folder.js";
import { temporaryFolder } from "../../temporary-folder.js";

const isStale = (name: string) => /^out-\d-of-\d$/.test(name);

function tempFiles(folder: string, contents: Readonly<Record<string, string>>) {
  mkdirSync(join(folder, "temp"), { recursive: true });
  return Object.entries(contents).map(([name, content]) => {
    const from = join(folder, "temp", `new-${name}`);
    writeFileSync(from, content);
    return { from, to: join(folder, name) };
  });
}

function visible(folder: string): Record<string, string> {
  const names = readdirSync(folder)
    .filter((name) => name.startsWith("out"))
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

test("new files replace the old ones, and old ones with other names go", async () => {
  const folder = temporaryFolder();
  for (const name of ["out-0-of-3", "out-1-of-3", "out-2-of-3", "outer", "out-x-of-3"])
    writeFileSync(join(folder, name), "old");
  await publish({
    prefix: join(folder, "out"),
    renames: tempFiles(folder, { "out-0-of-2": "a", "out-1-of-2": "b" }),
    isStale,
  });
  expect(visible(folder)).toEqual({
    "out-0-of-2": "a",
    "out-1-of-2": "b",
    "out-x-of-3": "old",
    outer: "old",
  });
  expect(readdirSync(folder).filter((name) => name.endsWith(".publication"))).toEqual([]);
});

/** A process number that no process has. */
const deadPid = 2 ** 22 + 1;

function journal(
  folder: string,
  owner: { host: string; pid: number },
  renames: readonly { from: string; to: string }[],
): void {
  const inside = renames.map(({ from, to }) => ({
    from: relative(folder, resolve(folder, from)),
    to: relative(folder, resolve(folder, to)),
  }));
  writeFileSync(join(folder, ".out.publication"), JSON.stringify({ renames: inside, deletes: [], owner }));
}

test.each([0, 1, 2])(
  "a publication whose process died after %i of 2 renames is completed by the next reader",
  async (done) => {
    const folder = temporaryFolder();
    const renames = tempFiles(folder, { "out-0-of-2": "a", "out-1-of-2": "b" });
    journal(folder, { host: hostname(), pid: deadPid }, renames);
    const { renameSync } = await import("node:fs");
    for (const { from, to } of renames.slice(0, done)) renameSync(from, to);
    await settleFolder(folder);
    expect(visible(folder)).toEqual({ "out-0-of-2": "a", "out-1-of-2": "b" });
    expect(existsSync(join(folder, ".out.publication"))).toBe(false);
  },
);

test("a publication that was interrupted is completed before the next one", async () => {
  const folder = temporaryFolder();
  journal(
    folder,
    { host: hostname(), pid: deadPid },
    tempFiles(folder, { "out-0-of-2": "a", "out-1-of-2": "b" }),
  );
  await publish({ prefix: join(folder, "out"), renames: tempFiles(folder, { "out-0-of-1": "c" }), isStale });
  expect(visible(folder)).toEqual({ "out-0-of-1": "c" });
});

test("a stale file that was replaced after the journal was written stays", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "out-0-of-1"), "another result");
  const deletes = [{ path: "out-0-of-1", identity: "1:2:3" }];
  writeFileSync(
    join(folder, ".out.publication"),
    JSON.stringify({ renames: [], deletes, owner: { host: hostname(), pid: deadPid } }),
  );
  await settleFolder(folder);
  expect(visible(folder)).toEqual({ "out-0-of-1": "another result" });
});

test("many publications of one prefix at the same time leave one of the results, whole", async () => {
  const folder = temporaryFolder();
  const attempts = ["a", "b", "c", "d"].map((name, i) => {
    const count = i + 1;
    const files = Object.fromEntries(Array.from({ length: count }, (_, n) => [`out-${n}-of-${count}`, name]));
    const renames = tempFiles(join(folder), files).map(({ from, to }) => ({ from, to }));
    return publish({ prefix: join(folder, "out"), renames, isStale });
  });
  await Promise.all(attempts);
  const left = visible(folder);
  const [content] = Object.values(left);
  const count = "abcd".indexOf(content!) + 1;
  expect(left).toEqual(
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`out-${n}-of-${count}`, content])),
  );
});

test("a folder whose name has wildcards is a folder like any other", async () => {
  const folder = join(temporaryFolder(), "out [1] {a} (x)*");
  mkdirSync(folder);
  writeFileSync(join(folder, "out-1-of-2"), "old");
  await publish({
    prefix: join(folder, "out"),
    renames: tempFiles(folder, { "out-0-of-1": "new" }),
    isStale,
  });
  expect(visible(folder)).toEqual({ "out-0-of-1": "new" });
});

test("a temporary folder of a killed run is removed only after its publication is completed", async () => {
  const folder = temporaryFolder();
  const temp = tempFolderFor(join(folder, "out"), deadPid);
  mkdirSync(temp);
  writeFileSync(join(temp, "shard"), "new");
  writeFileSync(join(folder, "out-0-of-1"), "old");
  journal(folder, { host: hostname(), pid: deadPid }, [
    { from: `${basename(temp)}/shard`, to: "out-0-of-1" },
  ]);
  await removeAbandoned(join(folder, "out"));
  expect(visible(folder)).toEqual({ "out-0-of-1": "new" });
  expect(existsSync(temp)).toBe(false);
});

test("temporary folders of live runs, of other machines and of other prefixes stay", async () => {
  const folder = temporaryFolder();
  const make = (prefix: string, pid?: number, host?: string) => {
    const temp = tempFolderFor(join(folder, prefix), pid, host);
    mkdirSync(temp);
    return basename(temp);
  };
  const kept = [
    make("out", process.ppid),
    make("out", process.pid),
    make("out", deadPid, "another"),
    make("outer", deadPid),
  ];
  make("out", deadPid);
  const old = make("out", 1, "another");
  utimesSync(join(folder, old), 1, 1);
  mkdirSync(join(folder, ".out.temp-unsigned"));
  await removeAbandoned(join(folder, "out"));
  expect(readdirSync(folder).sort()).toEqual([...kept, ".out.temp-unsigned"].sort());
});

test("a worker leaves the temporary folder of its own run alone, although the process that built the pipeline is gone", async () => {
  const folder = temporaryFolder();
  const [own, other] = [1, 2].map(() => {
    const temp = tempFolderFor(join(folder, "out"), deadPid);
    mkdirSync(temp);
    return temp;
  });
  await removeAbandoned(join(folder, "out"), own);
  expect([existsSync(own!), existsSync(other!)]).toEqual([true, false]);
});

test("a process that died before it had listed the old files leaves the old result", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "out-0-of-1"), "old");
  journal(folder, { host: hostname(), pid: deadPid }, []);
  await settleFolder(folder);
  expect(visible(folder)).toEqual({ "out-0-of-1": "old" });
  expect(existsSync(join(folder, ".out.publication"))).toBe(false);
});

test.each([
  ["a file is taken from elsewhere", { renames: [{ from: "../secret", to: "out-0-of-1" }], deletes: [] }],
  ["a file goes elsewhere", { renames: [{ from: "temp/new", to: "../../etc/passwd" }], deletes: [] }],
  ["a file has an absolute path", { renames: [{ from: "/etc/passwd", to: "out-0-of-1" }], deletes: [] }],
  ["another folder's file is deleted", { renames: [], deletes: [{ path: "../secret", identity: "1:2:3" }] }],
  ["it is no journal at all", { a: 1 }],
  ["it is null", null],
])("a journal of somebody else's making moves and deletes nothing: %s", async (_, content) => {
  const parent = temporaryFolder();
  const folder = join(parent, "in");
  mkdirSync(folder);
  writeFileSync(join(parent, "secret"), "kept");
  const owner = { host: hostname(), pid: deadPid };
  writeFileSync(join(folder, ".out.publication"), JSON.stringify(content && { ...content, owner }));
  await expect(settleFolder(folder)).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
  expect(readFileSync(join(parent, "secret"), "utf8")).toBe("kept");
  expect(visible(folder)).toEqual({});
});
