import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { main } from "../../cli/main.js";
import { createProgress } from "../../cli/progress.js";
import { printable, textTable } from "../../cli/table.js";
import type { DatabaseSchema } from "../../snapshot/index.js";
import { deviceSnapshot } from "../device-snapshot.js";
import { sampleSnapshot } from "../snapshot/sample-snapshot.js";
import { temporaryFolder } from "../temporary-folder.js";

async function call(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: "", err: "" };
  const code = await main(args, {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    isInteractive: false,
  });
  return { code, ...result };
}

let folder: string;
let file: string;
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, "notes.idbsnap");
  writeFileSync(file, (await sampleSnapshot({ blockBytes: 1024, stores: 60 })).bytes);
});

/** The file cut in the middle. */
function cutFile(): string {
  const bytes = readFileSync(file);
  const cut = join(folder, "cut.idbsnap");
  writeFileSync(cut, bytes.subarray(0, bytes.length >> 1));
  return cut;
}

describe("help", () => {
  test.each(["run", "inspect", "cat", "verify", "recover", "convert", "job"])(
    "%s --help and -h tell of the command and its options",
    async (command) => {
      for (const flag of ["--help", "-h"]) {
        const { code, out, err } = await call(command, flag);
        expect([code, err]).toEqual([0, ""]);
        expect(out).toContain(`Usage: beam-indexeddb ${command}`);
        expect(out).toContain("--json");
      }
    },
  );

  test("run sync --help tells of the pipeline's options", async () => {
    const { out } = await call("run", "sync", "--help");
    for (const option of ["--input", "--output", "--by", "--stores", "--database", "--numShards", "--runner"])
      expect(out).toContain(option);
  });

  test.each([["--help"], ["-h"], ["help"]])("%s lists the commands", async (flag) => {
    const { code, out } = await call(flag);
    expect(code).toBe(0);
    expect(out).toMatch(/run .*inspect .*cat .*verify .*recover .*convert .*job .*boot /s);
  });

  test("no command at all is a wrong call that shows the help", async () => {
    expect(await call()).toMatchObject({ code: 2, out: expect.stringContaining("Commands:") as string });
  });
});

describe("mistakes in the call get exit code 2 and the valid choices", () => {
  test.each([
    [["inspct", "x"], /no command "inspct". Did you mean inspect\? Commands are: run, inspect/],
    [["cat", "x", "--jsn"], /no option --jsn. Did you mean --json\? Options are: --stores/],
    [["run", "synch"], /no pipeline "synch". Did you mean sync\? Pipelines are: sync/],
    [["run", "--runner=flnk"], /no runner "flnk". Runners are: direct/],
    [["run", "--jobEndpoint=localhost:1"], /direct runner has no option jobEndpoint/],
    [["run", "--runner=direct", "--detach"], /--detach is for the others/],
    [["run", "--runner=portable"], /portable needs jobEndpoint/],
    [["run", "--runner=prism", "--flinkMaster=a:1"], /flinkMaster is an option of the runner flink/],
    [["run", "--runner=flink", "--timeout=0"], /timeoutMs is a whole number of at least 1/],
    [["run", "--runner=flink", "--environmentType=EXTERNAL"], /EXTERNAL needs environmentConfig/],
    [["run", "--runner=prism", "--detach"], /name it with jobEndpoint/],
    [["job"], /job needs one of: status, cancel, metrics/],
    [["job", "stop", "--jobEndpoint=a:1"], /job needs one of/],
    [["job", "cancel", "--jobEndpoint=a:1"], /job cancel needs the id of a job/],
    [["job", "status", "a", "b", "--jobEndpoint=a:1"], /one job too many/],
    [["job", "status"], /job needs --jobEndpoint/],
    [["run", "sync", "other"], /"other" is one name too many/],
    [["run", "--numShards=two"], /--numShards needs a whole number, not "two"/],
    [["run", "--numShards=-1"], /--numShards needs a whole number/],
    [["run", "--input"], /--input needs a value/],
    [["run", "--output="], /--output needs a value/],
    [["run", "--json=maybe"], /--json takes no value/],
    [["inspect"], /inspect needs a file/],
    [["verify"], /verify needs a file/],
    [["cat"], /cat needs one file/],
    [["cat", "a", "b"], /cat needs one file/],
    [["recover", "a", "b"], /recover needs one file/],
    [["recover", "a", "--output=a"], /must be another file/],
    [["convert", "a"], /convert needs one file and an output/],
    [["convert", "a", "--output=a"], /must be another file/],
    [["cat", "a", "--key=note"], /is a key as JSON/],
    [["cat", "a", "--key={}"], /key/],
    [["cat", "a", "--from=2", "--to=1"], /range is empty/],
    [["cat", "a", "--key=1", "--to=2"], /without --from and --to/],
    [["cat", "a", "--limit=1.5"], /whole number/],
    [["inspect", "ftp://host/a.idbsnap"], /not supported/],
  ])("%j", async (args, message) => {
    const { code, out, err } = await call(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("faults in the data get exit code 1 and one sentence with a code", () => {
  test.each([["inspect"], ["cat"], ["verify"], ["recover"], ["convert", "--output=never"]])(
    "%s of a file that is not there",
    async (command, ...more) => {
      const { code, err } = await call(command, join(folder, "gone"), ...more);
      expect(code).toBe(1);
      expect(err).toMatch(/^beam-indexeddb: FILE_NOT_FOUND: .*gone.*\n$/);
    },
  );

  test("run without any input", async () => {
    const { code, err } = await call("run", `--input=${folder}/*.nothing`, `--output=${folder}/out`);
    expect([code, err.startsWith("beam-indexeddb: FILE_NO_MATCH: ")]).toEqual([1, true]);
  });

  test("--json gives the error as an object, too", async () => {
    const { code, out } = await call("inspect", cutFile(), "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: "SNAPSHOT_TRUNCATED", file: join(folder, "cut.idbsnap") },
    });
  });
});

describe("inspect", () => {
  test("shows schema, counts and origin", async () => {
    const { code, out } = await call("inspect", file);
    expect(code).toBe(0);
    for (const text of [
      "notes, version 3",
      "on device phone",
      "by_tag multiEntry",
      "out-of-line, autoIncrement (next 42)",
      "62 records",
    ])
      expect(out).toContain(text);
  });

  test("--json parses, for one file and for several", async () => {
    const one = JSON.parse((await call("inspect", file, "--json")).out) as {
      records: number;
      schema: { name: string };
    };
    expect([one.records, one.schema.name]).toEqual([62, "notes"]);
    expect(JSON.parse((await call("inspect", file, file, "--json")).out)).toHaveLength(2);
  });
});

describe("cat", () => {
  test.each([
    [[], 62],
    [["--stores=outbox"], 2],
    [["--limit=5"], 5],
    [["--limit=0"], 0],
    [['--key="note 0007"'], 1],
    [['--key="nothing"'], 0],
    [["--stores=notes", '--from="note 0010"', '--to="note 0019"'], 10],
  ])("%j prints %i lines, readable or as JSON", async (options, lines) => {
    const text = await call("cat", file, ...options);
    const json = await call("cat", file, ...options, "--json");
    const split = (out: string) => out.split("\n").filter((line) => line !== "");
    expect([text.code, json.code, split(text.out).length]).toEqual([0, 0, lines]);
    expect(split(json.out).map((line) => (JSON.parse(line) as { database: string }).database)).toEqual(
      Array<string>(lines).fill("notes"),
    );
  });

  test("a store that is not there is told with those that are", async () => {
    const { code, err } = await call("cat", file, "--stores=Notes");
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/SNAPSHOT_STORE_UNKNOWN: .*stores are: notes, outbox, empty/),
    ]);
  });
});

describe("verify", () => {
  test("a whole file", async () => {
    expect(await call("verify", file)).toMatchObject({
      code: 0,
      out: expect.stringContaining("whole, 62 records") as string,
    });
    expect(JSON.parse((await call("verify", file, "--json")).out)).toMatchObject({ ok: true, records: 62 });
  });

  test("one altered byte anywhere is found", async () => {
    const bytes = readFileSync(file);
    const altered = join(folder, "altered.idbsnap");
    for (let at = 0; at < bytes.length; at += 97) {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 0x10;
      writeFileSync(altered, copy);
      expect((await call("verify", altered)).code).toBe(1);
    }
  });

  test("every file is checked, and one fault is enough for exit code 1", async () => {
    const { code, out } = await call("verify", cutFile(), file, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject([
      { ok: false, error: { code: "SNAPSHOT_TRUNCATED" } },
      { ok: true },
    ]);
  });
});

describe("recover", () => {
  test("a cut file gives its intact records and exit code 3", async () => {
    const saved = join(folder, "saved.idbsnap");
    const { code, out } = await call("recover", cutFile(), `--output=${saved}`, "--json");
    const report = JSON.parse(out) as { complete: boolean; records: number };
    expect([code, report.complete]).toEqual([3, false]);
    expect(report.records).toBeGreaterThan(0);
    expect((await call("verify", saved)).code).toBe(0);
  });

  test("a whole file loses nothing", async () => {
    expect(await call("recover", file)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing is missing.") as string,
    });
  });
});

describe("run", () => {
  async function devices(schema?: DatabaseSchema): Promise<string> {
    mkdirSync(join(folder, "in"));
    for (const [i, device] of ["phone", "laptop"].entries()) {
      const notes = [
        { id: "a", updatedAt: i, text: device },
        { id: device, updatedAt: 1, text: device },
      ];
      writeFileSync(
        join(folder, "in", `${device}.idbsnap`),
        await deviceSnapshot({ device, capturedAt: 1, notes, ...(schema ? { schema } : {}) }),
      );
    }
    return `--input=${folder}/in/*.idbsnap`;
  }

  test("sync is the default, wherever its name stands, and shows counts", async () => {
    const input = await devices();
    const output = `--output=${folder}/out`;
    for (const args of [
      ["run", input, output],
      ["run", "sync", input, output],
      ["run", input, output, "sync", "--runner", "direct"],
    ]) {
      const { code, out } = await call(...args);
      expect(code).toBe(0);
      expect(out).toMatch(/2 devices merged/);
      expect(out).toMatch(/notes +2 +4 +1 +3 +0/);
      expect(out).not.toContain("Beware");
    }
  });

  test("--json gives summary and metrics", async () => {
    const { out } = await call(
      "run",
      await devices(),
      `--output=${folder}/out`,
      "--by=capturedAt",
      "--numShards=2",
      "--json",
    );
    expect(JSON.parse(out)).toMatchObject({
      pipeline: "sync",
      runner: "direct",
      summary: [{ store: "notes", read: 4, merged: 3, superseded: 1, generatedKeyCollisions: 0 }],
      metrics: { counters: { "recordsRead/notes": 4 } },
    });
  });

  test("generated keys that collided between devices are told", async () => {
    const schema = {
      name: "notes",
      version: 1,
      objectStores: [{ name: "notes", keyPath: null, autoIncrement: true, indexes: [] }],
    };
    const { code, out } = await call("run", await devices(schema), `--output=${folder}/out`);
    expect(code).toBe(0);
    expect(out).toMatch(/Beware: .* in notes \(1 keys?\)/);
    expect(out).toContain("--stores=");
  });

  test("an option that the pipeline refuses is a mistake in the call", async () => {
    const { code, err } = await call("run", await devices(), `--output=${folder}/out`, "--numShards=100000");
    expect([code, err]).toEqual([2, expect.stringContaining("numShards")]);
  });

  test("a failure leaves nothing behind", async () => {
    const input = await devices();
    writeFileSync(join(folder, "in", "empty.idbsnap"), "");
    const { code, err } = await call("run", input, `--output=${folder}/out`);
    expect([code, err]).toEqual([1, expect.stringContaining("SNAPSHOT_EMPTY")]);
    const { readdirSync, existsSync } = await import("node:fs");
    expect(
      existsSync(join(folder, "out"))
        ? readdirSync(join(folder, "out")).filter((name) => /temp|idbsnap|part/.test(name))
        : [],
    ).toEqual([]);
  });
});

describe("what reaches a terminal", () => {
  test.each([
    ["\x1b[2J\x07", "\\u001b[2J\\u0007"],
    ["a\nb\r\t", "a\\u000ab\\u000d\\u0009"],
    ["\u202eevil", "\\u202eevil"],
    ["\x9b31m", "\\u009b31m"],
    ["\ud800", "\\ud800"],
    ["größe 日本 😀", "größe 日本 😀"],
  ])("%j is printed as %s", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("tables align, numbers to the right, names made printable", () => {
    expect(
      textTable(
        ["name", "n"],
        [
          ["a\x1b", 1],
          ["bcd", 1000],
        ],
      ),
    ).toBe("  name         n\n  a\\u001b      1\n  bcd      1,000\n");
  });

  test("progress rewrites a line on a terminal and is a line every few seconds elsewhere", () => {
    for (const [isInteractive, expected] of [
      [true, "\r\x1b[Kb\r\x1b[Kc\r\x1b[Kd\r\x1b[K"],
      [false, "d\n"],
    ] as const) {
      let time = 0;
      let err = "";
      const progress = createProgress(
        { isInteractive, out: () => undefined, err: (text) => void (err += text) },
        () => time,
      );
      for (const [at, text] of [
        [50, "a"],
        [150, "b"],
        [1000, "c"],
        [6000, "d"],
        [6001, "e"],
      ] as const) {
        time = at;
        progress.update(text);
      }
      progress.end();
      expect(err).toBe(expected);
    }
  });
});
