/** Whole pipelines, publications and the command on files in object stores. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runDirect } from "../../../../beam/index.js";
import { main } from "../../../../cli/main.js";
import { fileSystemOf } from "../../../../io/file/file-system.js";
import { joinPath } from "../../../../io/file/join-path.js";
import { publish, settleFolder } from "../../../../io/file/publication.js";
import { openSnapshot, readFromIndexedDB } from "../../../../io/index.js";
import { sync } from "../../../../pipelines/index.js";
import { createRunner } from "../../../../runners/index.js";
import { assertElements } from "../../../../testing/index.js";
import { deviceSnapshot } from "../../../device-snapshot.js";
import { readBytes, readText, writeText } from "../../../suites/file-system-suite.js";
import { withStore } from "../../../suites/object-store-suite.js";
import { temporaryFolder } from "../../../temporary-folder.js";
import { startGcsServer } from "../servers/gcs-server.js";
import { startS3Server } from "../servers/s3-server.js";

async function call(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: "", err: "" };
  const code = await main(args, {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    isInteractive: false,
  });
  return { code, ...result };
}

const note = (number: number, device: string) => ({
  id: `note-${String(number).padStart(6, "0")}`,
  updatedAt: new Date(1_700_000_000_000 + ((number * 7919) % 1000) * (device === "phone" ? 1 : 2)),
  text: `${device} ${number} ${"some words that fill a block ".repeat(6)}`,
});

const notesOf = (device: string, count: number) =>
  Array.from({ length: count }, (_, i) => note(i * (device === "phone" ? 2 : 3), device));

describe("gs://", () => {
  const store = withStore(startGcsServer);
  const at = (file: string): string => joinPath(store.folder(), file);

  test("sync gives the bytes that it gives on this machine, also when requests fail", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "in"));
    for (const device of ["phone", "laptop"]) {
      const bytes = await deviceSnapshot({ device, capturedAt: 1, notes: notesOf(device, 3000) });
      writeFileSync(join(folder, "in", `${device}.idbsnap`), bytes);
      await writeText(at(`in/${device}.idbsnap`), bytes);
    }
    const options = { by: "updatedAt", numShards: 3 };
    await createRunner().run(
      sync({ ...options, input: join(folder, "in/*.idbsnap"), output: join(folder, "out") }),
    );
    let count = 0;
    store.server.onRequest = () => {
      if (++count % 10 === 0) store.server.fail(() => true, { status: 503 });
    };
    await createRunner().run(sync({ ...options, input: at("in/*.idbsnap"), output: at("out/") }));
    store.server.reset();
    const files = await fileSystemOf(store.folder()).list(at("out/**"));
    const names = [0, 1, 2].map((i) => `merged-0000${i}-of-00003.idbsnap`);
    expect(files.map(({ path }) => path)).toEqual(
      [...names, "summary.json"].map((name) => at(`out/${name}`)),
    );
    for (const name of [...names, "summary.json"])
      expect((await readBytes(at(`out/${name}`))).equals(readFileSync(join(folder, "out", name))), name).toBe(
        true,
      );
    // Nothing is left of temporary files and journals.
    expect(await fileSystemOf(store.folder()).listFolders(at("out"), ".")).toEqual([]);
    expect(await fileSystemOf(store.folder()).list(at("out/.*"))).toEqual([]);
  });

  test("a range of keys fetches less than twice the bytes of its blocks", async () => {
    const notes = Array.from({ length: 20_000 }, (_, i) => note(i, "phone"));
    await writeText(
      at("big.idbsnap"),
      await deviceSnapshot({ device: "phone", capturedAt: 1, notes, blockBytes: 64 << 10 }),
    );
    const snapshot = await openSnapshot(at("big.idbsnap"));
    const isRead = ({ url }: { url: string }): boolean => url.includes("alt=media");
    const sizeOf = (part: readonly { answerBytes: number }[]): number =>
      part.reduce((sum, { answerBytes }) => sum + answerBytes, 0);
    for (const [lower, upper] of [
      [5000, 5000],
      [5000, 5100],
      [5000, 9000],
      [0, 19_999],
    ] as const) {
      const keyRange = { lower: notes[lower]!.id, upper: notes[upper]!.id };
      const blockBytes = snapshot
        .blocksOf({ keyRange })
        .reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      store.server.reset();
      await openSnapshot(at("big.idbsnap")).then((opened) => opened.close());
      const opening = sizeOf(store.server.requests.filter(isRead));
      // Another state of the file, so that nobody has it open.
      await fileSystemOf(store.folder()).rename(at("big.idbsnap"), at("again.idbsnap"));
      await fileSystemOf(store.folder()).rename(at("again.idbsnap"), at("big.idbsnap"));
      store.server.reset();
      await runDirect((root) => {
        root
          .apply(readFromIndexedDB(at("big.idbsnap"), { keyRange }))
          .map((record) => record.key as string)
          .apply(assertElements(notes.slice(lower, upper + 1).map(({ id }) => id)));
      });
      const fetched = sizeOf(store.server.requests.filter(isRead)) - opening;
      expect(fetched / blockBytes, `${lower} to ${upper}`).toBeLessThan(2);
      expect(fetched).toBeGreaterThanOrEqual(blockBytes);
    }
    await snapshot.close();
  });

  test("a publication that ends after any of its requests leaves the old result or, completed, the new one", async () => {
    const outcomes = new Set<string>();
    for (let last = 1; ; last++) {
      const folder = at(`step-${last}`);
      const files = fileSystemOf(folder);
      const names = [0, 1, 2].map((i) => joinPath(folder, `out-${i}-of-3`));
      for (const name of names) await writeText(name, "old");
      const renames = ["out-0-of-2", "out-1-of-2"].map((name) => ({
        from: joinPath(folder, `.out.temp/${name}`),
        to: joinPath(folder, name),
      }));
      for (const { from } of renames) await writeText(from, "new");
      store.server.reset();
      let count = 0;
      store.server.onRequest = () => {
        // From here on nothing gets through: to the store the process is gone.
        if (++count > last) store.server.fail(() => true, { status: 403 });
      };
      const isStale = (name: string): boolean => /^out-\d-of-\d$/.test(name);
      const ended = await publish({ prefix: joinPath(folder, "out"), renames, isStale }).then(
        () => true,
        () => false,
      );
      store.server.reset();
      await settleFolder(folder);
      const visible: Record<string, string> = {};
      for (const { path } of await files.list(joinPath(folder, "out-*")))
        visible[path.slice(folder.length + 1)] = await readText(path);
      const old = { "out-0-of-3": "old", "out-1-of-3": "old", "out-2-of-3": "old" };
      const fresh = { "out-0-of-2": "new", "out-1-of-2": "new" };
      expect([old, fresh], `after ${last} requests`).toContainEqual(visible);
      expect(await files.list(joinPath(folder, ".*"))).toEqual([]);
      outcomes.add(Object.keys(visible).length === 3 ? "old" : "new");
      if (!ended) continue;
      expect(visible).toEqual(fresh);
      break;
    }
    expect([...outcomes].sort()).toEqual(["new", "old"]);
  });

  test("many publications of one prefix at the same time leave one of the results, whole", async () => {
    const folder = at("race");
    await Promise.all(
      ["a", "b", "c"].map(async (name, i) => {
        const renames = Array.from({ length: i + 1 }, (_, n) => ({
          from: joinPath(folder, `.out.temp-${name}/${n}`),
          to: joinPath(folder, `out-${n}-of-${i + 1}`),
        }));
        for (const { from } of renames) await writeText(from, name);
        await publish({
          prefix: joinPath(folder, "out"),
          renames,
          isStale: (file) => /^out-\d-of-\d$/.test(file),
        });
      }),
    );
    const left = await fileSystemOf(folder).list(joinPath(folder, "out-*"));
    const contents = await Promise.all(left.map(({ path }) => readText(path)));
    expect(new Set(contents).size).toBe(1);
    expect(left.length).toBe("abc".indexOf(contents[0]!) + 1);
    expect(left.every(({ path }) => path.endsWith(`-of-${left.length}`))).toBe(true);
  });
});

describe("s3://", () => {
  const store = withStore(startS3Server);

  test("the command inspects, prints, verifies and merges files there", async () => {
    const input = joinPath(store.folder(), "phone.idbsnap");
    const bytes = await deviceSnapshot({ device: "phone", capturedAt: 1, notes: notesOf("phone", 50) });
    await writeText(input, bytes);
    const inspected = await call("inspect", "--json", input);
    expect(inspected.code).toBe(0);
    expect(JSON.parse(inspected.out)).toMatchObject({ file: input, records: 50 });
    const printed = await call("cat", input, '--key="note-000004"', "--json");
    expect(JSON.parse(printed.out)).toMatchObject({ key: "note-000004", store: "notes" });
    expect(await call("verify", input)).toMatchObject({ code: 0, err: "" });
    await writeText(joinPath(store.folder(), "cut.idbsnap"), bytes.subarray(0, bytes.length >> 1));
    expect((await call("verify", joinPath(store.folder(), "cut.idbsnap"))).code).not.toBe(0);
    const output = joinPath(store.folder(), "out");
    const merged = await call("run", "sync", `--input=${input}`, `--output=${output}`);
    expect(merged).toMatchObject({ code: 0, err: "" });
    expect(merged.out).toContain(`${output}/merged-*.idbsnap`);
    expect(merged.out).toContain("no merged.sqlite");
    expect((await call("verify", `${output}/merged-00000-of-00001.idbsnap`)).code).toBe(0);
  });

  test("a file that is not there is told by the command, with nothing secret", async () => {
    const { code, err } = await call("inspect", joinPath(store.folder(), "missing.idbsnap"));
    expect(code).not.toBe(0);
    expect(err).toContain("does not exist");
    expect(err).not.toContain("test-secret-of-s3");
  });
});
