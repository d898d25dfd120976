import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create, runDirect } from "../../../beam/index.js";
import {
  type FailedRecord,
  type TableCounts,
  writeToBigQuery,
  type WriteToBigQueryOptions,
} from "../../../io/index.js";
import { toWarehouse } from "../../../pipelines/index.js";
import { isSnapshotError, type SnapshotRecord } from "../../../snapshot/index.js";
import { assertElements } from "../../../testing/index.js";
import { restoreValues } from "../../suites/stored-row.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { startGcsServer } from "../file/servers/gcs-server.js";
import type { StoreServer } from "../file/servers/store-server.js";
import { origin, put, tombstone } from "../record-files/written-records.js";
import { type ApiRequest, type BigQueryServer, project, startBigQueryServer } from "./bigquery-server.js";
import { readBigQueryTable } from "./bigquery-store.js";

let storage: StoreServer;
let server: BigQueryServer;
let dataset: string;
let staging: string;
let datasets = 0;
const before = { ...process.env };

beforeAll(async () => {
  storage = await startGcsServer();
  server = await startBigQueryServer();
  Object.assign(process.env, storage.env, server.env);
}, 60_000);

afterAll(async () => {
  process.env = before;
  await server.close();
  await storage.close();
});

beforeEach(async () => {
  dataset = `pipeline_${++datasets}`;
  staging = `${storage.folder}/${dataset}/`;
  await server.addDataset(dataset);
  server.requests.length = 0;
});

afterEach(() => {
  server.slow = false;
  server.onRequest = undefined;
});

type Options = Partial<WriteToBigQueryOptions> & { readonly failures?: readonly string[] };

/** One run; the counts of each table are compared when they are given. */
async function write(
  records: readonly SnapshotRecord[],
  { failures = [], ...options }: Options = {},
  counts?: readonly Partial<TableCounts>[],
): Promise<void> {
  await runDirect((root) => {
    const written = root
      .apply(create([...records]))
      .apply(writeToBigQuery({ project, dataset }, { staging, maxAttempts: 3, ...options }));
    written.failedRecords.map(codeOf).apply(assertElements([...failures]));
    if (counts)
      written.tables
        .map(countsOf)
        .apply(assertElements(counts.map((one): Partial<TableCounts> => ({ table: "notes", ...one }))));
  });
}

function codeOf({ error }: FailedRecord): string {
  return error.code;
}

function countsOf({ table, upserted, deleted, unchanged }: TableCounts): Partial<TableCounts> {
  return { table, upserted, deleted, unchanged };
}

const read = (store = "notes", database = "app") => readBigQueryTable(server, dataset, store, database);
const jobsOf = (kind: string): string[] => server.jobIds().filter((id) => id.includes(`_${kind}_`));
const isJob = ({ method, path }: ApiRequest): boolean => method === "POST" && path.endsWith("/jobs");
/** The jobs that a request starts: "load" and so on. */
const starts =
  (kind: string) =>
  (request: ApiRequest): boolean =>
    isJob(request) && (request.body.jobReference as { jobId: string }).jobId.includes(`_${kind}_`);

async function errorOf(run: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSnapshotError(error)) throw new Error(`no SnapshotError, but ${String(error)}`);
  return error;
}

async function filesLeft(): Promise<string[]> {
  const answer = await fetch(
    `${storage.env.STORAGE_EMULATOR_HOST!}/storage/v1/b/my-bucket/o?prefix=${encodeURIComponent(`in/${dataset}/`)}`,
  );
  const { items = [] } = (await answer.json()) as { items?: { name: string }[] };
  return items.map(({ name }) => name);
}

const notes = [
  put(1, { title: "Milk", price: 1.5, at: new Date("2024-05-01T10:00:00Z") }),
  put(2, { title: "Bread", price: 2 }),
  tombstone(3, origin(1)),
];

describe("a pipeline into BigQuery", () => {
  test("loads every store into its table, says what it has written, and leaves nothing else", async () => {
    const tags = [put("a", { label: "x" }, origin(1), "tags"), put("b", 5, origin(1), "tags")];
    await write([...notes, ...tags], {}, [
      { upserted: 2, deleted: 1, unchanged: 0 },
      { table: "tags", upserted: 2, deleted: 0, unchanged: 0 },
    ]);
    const table = await read();
    expect(table.rows.map(({ cells }) => cells.title)).toEqual(["Milk", "Bread", null]);
    expect(restoreValues(await read("tags"))).toEqual([{ label: "x" }, 5]);
    expect(server.tableNames(dataset).sort()).toEqual(["beam_indexeddb_deletions", "notes", "tags"]);
    expect(await filesLeft()).toEqual([]);
  });

  test("waits for jobs that take longer", async () => {
    server.slow = true;
    await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
    expect((await read()).rows).toHaveLength(3);
  });

  test("divides large stores into several files of one load", async () => {
    const many = Array.from({ length: 500 }, (_, i) => put(i, { n: i, text: "x".repeat(50) }));
    await write(many, { maxBytesPerShard: 4_000, memoryBytes: 8_000 }, [
      { upserted: 500, deleted: 0, unchanged: 0 },
    ]);
    const load = server.requests.find(starts("load"))!;
    const { sourceUris } = (load.body.configuration as { load: { sourceUris: string[] } }).load;
    expect(sourceUris.length).toBeGreaterThan(4);
    expect(restoreValues(await read())).toEqual(many.map(({ value }) => value));
  });

  test("does nothing for no records", async () => {
    await write([], {}, []);
    expect(server.tableNames(dataset)).toEqual([]);
  });

  test("runs no job again for the same records, and tells what their load did", async () => {
    const counts = [{ upserted: 2, deleted: 1, unchanged: 0 }];
    await write(notes, {}, counts);
    const ids = server.jobIds();
    server.requests.length = 0;
    await write(notes, {}, counts);
    expect(server.jobIds()).toEqual(ids);
    expect(server.requests.filter(isJob)).toEqual([]);
  });

  test("loads again into a table that was deleted, and with another load id", async () => {
    await write(notes);
    await fetch(
      `${server.env.BIGQUERY_EMULATOR_HOST!}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/notes`,
      {
        method: "DELETE",
      },
    );
    await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
    expect((await read()).rows).toHaveLength(3);
    await write(notes, { loadId: "second" }, [{ upserted: 0, deleted: 0, unchanged: 3 }]);
  });

  test("an older redelivery and newer versions end as they should", async () => {
    await write([put(1, { v: 2 }, origin(2000)), put(2, { v: 1 }, origin(1000))]);
    const later = [
      put(1, { v: 1 }, origin(1000)),
      put(2, { v: 2 }, origin(2000)),
      put(2, { v: 0 }, origin(1)),
    ];
    await write(later, {}, [{ upserted: 1, deleted: 0, unchanged: 1 }]);
    expect(restoreValues(await read())).toEqual([{ v: 2 }, { v: 2 }]);
  });

  test("hard deletions take rows away for good, and tell how many", async () => {
    await write([put(1, { v: 1 }, origin(1000)), put(2, { v: 2 }, origin(1000))], { deletes: "hard" });
    await write([tombstone(1, origin(2000)), tombstone(9, origin(2000))], { deletes: "hard" }, [
      { upserted: 0, deleted: 1, unchanged: 1 },
    ]);
    await write([put(1, { v: 1 }, origin(1000))], { deletes: "hard", loadId: "late" }, [
      { upserted: 0, deleted: 0, unchanged: 1 },
    ]);
    expect(restoreValues(await read())).toEqual([{ v: 2 }]);
  });

  test("records that cannot be written are handed out", async () => {
    const far = put(7, { a: 2 }, origin(1e300));
    await write([...notes, put(5, {}, origin(-1e15)), far], {
      onError: "failedRecords",
      failures: ["STORE_CONSTRAINT", "STORE_CONSTRAINT"],
    });
    expect((await read()).rows).toHaveLength(3);
  });

  test("names of stores and properties, whatever they are, become names that BigQuery takes", async () => {
    const names = [
      "",
      "größe",
      "a b`c",
      "_TABLE_x",
      "1st",
      "_PARTITIONTIME",
      "__root__x",
      "beam_indexeddb_x",
    ];
    const value = Object.fromEntries([...names, "x".repeat(2000), "\ud800"].map((name, i) => [name, i]));
    await write([...names, "n".repeat(300)].map((store) => put(1, value, origin(1), store)));
    for (const store of names) expect(restoreValues(await read(store)), store).toEqual([value]);
    expect((await read("größe")).columns.map(({ name }) => name)).not.toContain("_PARTITIONTIME");
  });
});

test("toWarehouse loads the sample devices", async () => {
  const output = temporaryFolder();
  await runDirect(
    toWarehouse({
      input: "examples/devices/*.idbsnap",
      destinations: [`bigquery:${project}.${dataset}`],
      staging,
      output,
    }),
  );
  const lines = JSON.parse(readFileSync(join(output, "summary.json"), "utf8")) as {
    kind: string;
    written: number;
  }[];
  expect(lines.length).toBeGreaterThan(0);
  for (const { kind, written } of lines) expect([kind, written > 0]).toEqual(["bigquery", true]);
});

describe("the schema", () => {
  test("of a frozen table stays: what does not fit is named, and nothing is written", async () => {
    await write([put(1, { n: 1 })], { schemaUpdate: "freeze" });
    const { code, message } = await errorOf(
      write([put(2, { n: 1.5, fresh: "x" })], { schemaUpdate: "freeze" }),
    );
    expect([code, message]).toEqual([
      "STORE_CONSTRAINT",
      expect.stringMatching(/lacks the columns fresh \(text\); .* widened: n \(number\)/),
    ]);
    expect(restoreValues(await read())).toEqual([{ n: 1 }]);
    await write([put(3, { n: 2 })], { schemaUpdate: "freeze" });
    expect(restoreValues(await read())).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("takes columns that somebody else adds at the same time", async () => {
    await write([put(1, { n: 1 })]);
    let others = 1;
    server.onRequest = async ({ method }) => {
      if (method !== "PUT" || others-- !== 1) return;
      await write([put(2, { theirs: true })]);
    };
    await write([put(3, { ours: "x" })]);
    const { columns } = await read();
    expect(columns.map(({ name }) => name).sort()).toEqual(["n", "ours", "theirs"]);
    expect(restoreValues(await read())).toEqual([{ n: 1 }, { theirs: true }, { ours: "x" }]);
  });

  test("given columns have to name every store", async () => {
    const columns = { notes: { title: "text" } } as const;
    await write(notes, { columns });
    expect((await read()).rows[0]!.rest).toBe('{"price":1.5,"at":{"$date":"2024-05-01T10:00:00.000Z"}}');
    const other = errorOf(write([put(1, {}, origin(1), "tags")], { columns }));
    expect(await other).toMatchObject({ code: "STORE_CONSTRAINT" });
  });
});

describe("when something goes wrong", () => {
  test.each([
    { status: 503, reason: "backendError" },
    { status: 429, reason: "rateLimitExceeded" },
    { status: 403, reason: "rateLimitExceeded" },
    { drop: "before" } as const,
    { drop: "after" } as const,
  ])("%j passes, wherever it comes", async (fault) => {
    server.fail(() => true, fault);
    server.fail(isJob, fault);
    server.fail(starts("merge"), fault, fault);
    server.fail(({ method }) => method === "DELETE", fault);
    await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
    expect((await read()).rows).toHaveLength(3);
    expect(server.tableNames(dataset)).toEqual(["beam_indexeddb_deletions", "notes"]);
  });

  test.each(["backendError", "rateLimitExceeded"])(
    "a job that fails of %s runs again as another",
    async (reason) => {
      server.fail(starts("merge"), { job: { reason, message: "try again" } });
      await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
      const merge = server.requests.find(starts("merge"))!.body.jobReference as { jobId: string };
      const run = merge.jobId.replace(/_\d+$/, "");
      expect(jobsOf("merge").filter((id) => id.startsWith(run))).toEqual([`${run}_0`, `${run}_1`]);
    },
  );

  test("a job that fails again and again says so", async () => {
    const fault = { job: { reason: "backendError", message: "no luck" } };
    server.fail(starts("load"), fault, fault, fault);
    const { code, message } = await errorOf(write(notes));
    expect([code, message]).toEqual(["STORE_UNAVAILABLE", expect.stringContaining("no luck (backendError")]);
  });

  test("a job that fails for good is one readable error, without secrets; the next run goes on", async () => {
    server.fail(starts("load"), {
      job: { reason: "invalid", message: "Bad file https://x/y?X-Goog-Signature=abc123 bearer ya29.secret" },
    });
    const { code, message } = await errorOf(write(notes));
    expect(code).toBe("STORE_CONSTRAINT");
    expect(message).toMatch(/load files for the table notes: Bad file/);
    expect(message).not.toMatch(/abc123|ya29/);
    await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
  });

  test("no dataset, no permission, and no answer are told apart", async () => {
    const missing = errorOf(
      runDirect((root) => {
        root
          .apply(create([...notes]))
          .apply(writeToBigQuery({ project, dataset: "nowhere" }, { staging, maxAttempts: 1 }));
      }),
    );
    expect(await missing).toMatchObject({
      code: "STORE_CONSTRAINT",
      message: expect.stringContaining("nowhere") as string,
    });
    server.fail(() => true, { status: 403, reason: "accessDenied", message: "no" });
    expect(await errorOf(write(notes))).toMatchObject({
      code: "STORE_CONSTRAINT",
      message: expect.stringContaining("roles/bigquery.dataEditor") as string,
    });
    server.fail(() => true, { status: 503, reason: "backendError" });
    expect(await errorOf(write(notes, { maxAttempts: 1 }))).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("a staging table that somebody deletes is loaded again", async () => {
    let pending = true;
    server.onRequest = async (request) => {
      if (!pending || !starts("merge")(request)) return;
      pending = false;
      const table = server.tableNames(dataset).find((name) => name.startsWith("beam_indexeddb_stage_"))!;
      await fetch(
        `${server.env.BIGQUERY_EMULATOR_HOST!}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/${table}`,
        { method: "DELETE" },
      );
    };
    await write(notes, {}, [{ upserted: 2, deleted: 1, unchanged: 0 }]);
    expect((await read()).rows).toHaveLength(3);
  });
});

describe("a run that ends at any request", () => {
  const first = [put(1, { v: 1, gone: true }, origin(1000)), put(2, { v: 2 }, origin(1000))];
  const second = [
    tombstone(1, origin(2000)),
    put(2, { v: 2.5, fresh: "x" }, origin(2000)),
    put(3, { v: 3 }, origin(2000)),
    put("a", { label: "x" }, origin(2000), "tags"),
  ];
  const expected = [{ v: 2.5, fresh: "x" }, { v: 3 }];

  async function requestsOf(deletes: "soft" | "hard"): Promise<number> {
    await write(first, { deletes });
    server.requests.length = 0;
    await write(second, { deletes, maxAttempts: 1 });
    return server.requests.length;
  }

  test.each(["soft", "hard"] as const)(
    "is completed by the next run exactly (%s deletions)",
    async (deletes) => {
      const requests = await requestsOf(deletes);
      expect(requests).toBeGreaterThan(15);
      for (let at = 0; at < requests; at++) {
        dataset = `pipeline_${++datasets}`;
        staging = `${storage.folder}/${dataset}/`;
        await server.addDataset(dataset);
        await write(first, { deletes });
        let seen = 0;
        // The last request is done and its answer lost; nothing comes through any more, as from a process that is gone.
        server.onRequest = () => {
          if (seen >= at) server.fail(() => true, { drop: seen === at ? "after" : "before" });
          seen++;
        };
        await write(second, { deletes, maxAttempts: 1 }).catch(() => undefined);
        server.onRequest = undefined;
        await write(second, { deletes });
        const table = await read();
        const rows = table.rows.filter(({ deleted }) => !deleted);
        expect(restoreValues({ ...table, rows }), String(at)).toEqual(expected);
        expect(table.rows.length, String(at)).toBe(deletes === "hard" ? 2 : 3);
        expect(restoreValues(await read("tags"))).toEqual([{ label: "x" }]);
        expect(server.tableNames(dataset).sort()).toEqual(["beam_indexeddb_deletions", "notes", "tags"]);
      }
    },
    300_000,
  );
});

describe("options", () => {
  const place = { project: "my-project", dataset: "devices" };
  test.each([
    [{ ...place, project: "x`; DROP" }, {}, /project is/],
    [{ ...place, dataset: "a.b" }, {}, /dataset/],
    [{ ...place, location: "../x" }, {}, /location/],
    [place, { staging: "out/" }, /gs:/],
    [place, { staging: "gs://b/*" }, /wildcards/],
    [place, { children: "tables" }, /no option "children"/],
    [place, { schemaUpdate: "never" }, /schemaUpdate/],
    [place, { loadId: "\ud800" }, /loadId/],
    [place, { columns: { a: { ["x".repeat(1100)]: "text" } } }, /bookkeeping/],
    [place, { typo: 1 }, /no option "typo"/],
  ])("%j with %j are refused", (where, options, message) => {
    const given = { staging: "gs://bucket/x/", ...options } as unknown as WriteToBigQueryOptions;
    expect(() => writeToBigQuery(where, given)).toThrow(message);
  });
});
