import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  endOf,
  finalFiles,
  litterIn,
  makeDevices,
  rowsOf,
  snapshotsOf,
  startSync,
  syncArguments,
} from "./sync-process.js";

interface Run {
  readonly out: string;
  readonly status: number | null;
  readonly said: string;
}

function shell(script: string, folder: string, commandLine: readonly string[], privileged: boolean): Run {
  const all = ["sh", "-c", script, folder, ...commandLine];
  const [command, ...rest] = privileged ? ["unshare", "--user", "--map-root-user", "--mount", ...all] : all;
  const { status, stderr } = spawnSync(command!, rest, { encoding: "utf8" });
  return { out: join(folder, "left"), status, said: stderr };
}

/** A disk of 4 MB with the old result, filled up to the given room; what is left on it is copied to "left". */
const onFullDisk = (freeKilobytes: number): string => `
set -e
mkdir -p "$0/disk" "$0/left"
mount -t tmpfs -o size=4m tmpfs "$0/disk"
mkdir "$0/disk/out"
cp -r "$0/old/." "$0/disk/out/"
free=$(df -k --output=avail "$0/disk" | tail -n 1)
head -c $(((free - ${freeKilobytes}) * 1024)) /dev/zero > "$0/disk/filler"
status=0
"$@" || status=$?
cp -r "$0/disk/out/." "$0/left/"
exit $status
`;

/** The same with the largest file a process may write as the limit. */
const underFileLimit = (kilobytes: number): string => `
set -e
mkdir -p "$0/disk/out"
cp -r "$0/old/." "$0/disk/out/"
ln -s disk/out "$0/left"
ulimit -f ${kilobytes * 2}
exec "$@"
`;

/** The file system is mounted in a namespace of its own; where the machine does not let its users do that, the limit of a file's size stands in for it. */
const canMount =
  spawnSync("unshare", [
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs -o size=1m tmpfs /mnt",
  ]).status === 0;

const noRoom = canMount
  ? [0, 4, 48, 128, 400].map((room) => ({ what: "free on the disk", room, script: onFullDisk(room) }))
  : [];
const noLength = [1, 16, 24].map((room) => ({
  what: "at most in a file",
  room,
  script: underFileLimit(room),
}));

describe("a run without room fails with a code, leaves the old result whole, and a rerun gives the undisturbed one", () => {
  let base: string;
  let after: string;
  let old: string;
  let undisturbed: string;
  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
    const before = await makeDevices(join(base, "before"), "old", 1);
    after = await makeDevices(join(base, "after"), "new", 2);
    [old, undisturbed] = [join(base, "old"), join(base, "undisturbed")];
    mkdirSync(old);
    expect(await endOf(startSync(before, old, 3))).toMatchObject({ code: 0 });
    cpSync(old, undisturbed, { recursive: true });
    expect(await endOf(startSync(after, undisturbed, 2))).toMatchObject({ code: 0 });
  });
  afterAll(() => {
    rmSync(base, { recursive: true, force: true });
  });

  test.each([...noRoom, ...noLength])("$room KB $what", { timeout: 120_000 }, async ({ what, script }) => {
    const isDisk = what === "free on the disk";
    const folder = mkdtempSync(join(base, "run-"));
    cpSync(old, join(folder, "old"), { recursive: true });
    const commandLine = [process.execPath, ...syncArguments(after, join(folder, "disk", "out"), 2)];
    const { out, status, said } = shell(script, folder, commandLine, isDisk);
    expect(said).toMatch(
      isDisk
        ? /^beam-indexeddb: FILE_DISK_FULL: [^\n]*\n$/
        : /^beam-indexeddb: FILE_(DISK_FULL|WRITE_FAILED): [^\n]*\n$/,
    );
    expect(status).toBe(1);
    const left = finalFiles(out);
    const [oldFiles, newFiles] = [finalFiles(old), finalFiles(undisturbed)];
    // The snapshots are published as one; the database and the summary are results of their own.
    expect([oldFiles, newFiles].map(snapshotsOf)).toContainEqual(snapshotsOf(left));
    expect([oldFiles, newFiles].map((files) => files["summary.json"])).toContain(left["summary.json"]);
    expect([rowsOf(old), rowsOf(undisturbed)]).toContainEqual(rowsOf(out));
    expect(litterIn(out)).toEqual([]);

    expect(await endOf(startSync(after, out, 2))).toMatchObject({ code: 0 });
    expect(finalFiles(out)).toEqual(newFiles);
    expect(rowsOf(out)).toEqual(rowsOf(undisturbed));
    expect(litterIn(out)).toEqual([]);
  });
});
