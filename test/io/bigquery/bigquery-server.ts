/** A stand-in for BigQuery's REST API: loads really read Parquet from Cloud Storage (its emulator), and statements really run, in DuckDB. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { FieldSchema, TableResource } from "../../../io/bigquery/table-resource.js";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** What goes wrong with one request; `drop`: the answer is lost, before or after the work is done; `job`: the job fails. */
export type ApiFault =
  | { readonly status: number; readonly reason: string; readonly message?: string }
  | { readonly drop: "before" | "after" }
  | { readonly job: { readonly reason: string; readonly message: string } };

export interface BigQueryServer {
  readonly env: Readonly<Record<string, string>>;
  readonly connection: DuckDBConnection;
  readonly requests: ApiRequest[];
  /** Ids of all jobs that ever ran, in their order. */
  readonly jobIds: () => string[];
  readonly resource: (dataset: string, table: string) => TableResource | undefined;
  readonly tableNames: (dataset: string) => string[];
  /** The next requests that match get these faults, one each. */
  readonly fail: (matches: (request: ApiRequest) => boolean, ...faults: ApiFault[]) => void;
  /** Called with each request before it is answered. */
  onRequest: ((request: ApiRequest) => void | Promise<void>) | undefined;
  /** Jobs answer at once that they run, and are done later. */
  slow: boolean;
  readonly addDataset: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Job {
  readonly resource: Record<string, unknown>;
  readonly done: Promise<void>;
  isDone: boolean;
  failure?: Problem;
  rows: unknown[][];
}

interface Problem {
  readonly reason: string;
  readonly message: string;
  readonly location?: string;
}

class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

const types: Readonly<Record<string, string>> = {
  BOOLEAN: "BOOLEAN",
  INTEGER: "BIGINT",
  FLOAT: "DOUBLE",
  STRING: "VARCHAR",
  TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
  BYTES: "BLOB",
};

const reservedColumns =
  /^(_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_(SEQUENCE_NUMBER|TYPE)$)/i;
export const project = "test-project";

export async function startBigQueryServer(): Promise<BigQueryServer> {
  const folder = mkdtempSync(join(tmpdir(), "bigquery-server-"));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const datasets = new Map<string, Map<string, TableResource>>();
  const jobs = new Map<string, Job>();
  let faults: { matches: (request: ApiRequest) => boolean; fault: ApiFault }[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let serial = 0;

  /** One after the other, as transactions of one dataset would be serialized. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const run = async (sql: string): Promise<unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS();
  const tablesOf = (dataset: string): Map<string, TableResource> => {
    const found = datasets.get(dataset);
    if (!found) throw new Refusal(404, "notFound", `Not found: Dataset ${project}:${dataset}`);
    return found;
  };
  const nameIn = (dataset: string, table: string): string => `"${dataset}"."${table}"`;
  const tableOf = (dataset: string, table: string): TableResource => {
    const found = tablesOf(dataset).get(table);
    if (!found) throw new Refusal(404, "notFound", `Not found: Table ${project}:${dataset}.${table}`);
    return found;
  };
  const keep = (dataset: string, resource: TableResource): TableResource => {
    const kept = { ...resource, etag: `"${++serial}"` };
    tablesOf(dataset).set(resource.tableReference.tableId, kept);
    return kept;
  };

  const checkFields = (fields: readonly FieldSchema[]): void => {
    const names = new Set<string>();
    for (const { name, description = "" } of fields) {
      const refuse = (why: string): Refusal => new Refusal(400, "invalid", `Field ${name}: ${why}`);
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,299}$/.test(name) || reservedColumns.test(name))
        throw refuse("the name is not allowed");
      if (names.has(name.toLowerCase())) throw refuse("the name is there twice");
      if (description.length > 1024) throw refuse("the description is too long");
      names.add(name.toLowerCase());
    }
  };
  const declare = ({ name, type, mode }: FieldSchema): string => {
    if (!Object.hasOwn(types, type)) throw new Refusal(400, "invalid", `There is no type ${type}`);
    return `"${name}" ${types[type]!}${mode === "REQUIRED" ? " NOT NULL" : ""}`;
  };

  const insertTable = async (dataset: string, given: TableResource): Promise<TableResource> => {
    const { tableId } = given.tableReference;
    if (!/^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd} ]{1,1024}$/u.test(tableId))
      throw new Refusal(400, "invalid", `Invalid table ID "${tableId}"`);
    if ((given.description ?? "").length > 16_384)
      throw new Refusal(400, "invalid", "The description is too long");
    if (tablesOf(dataset).has(tableId)) throw new Refusal(409, "duplicate", `Already Exists: ${tableId}`);
    const fields = given.schema?.fields ?? [];
    checkFields(fields);
    await run(`CREATE TABLE ${nameIn(dataset, tableId)} (${fields.map(declare).join(", ")})`);
    return keep(dataset, { ...given, creationTime: String(1_700_000_000_000 + ++serial) });
  };

  const updateTable = async (
    dataset: string,
    tableId: string,
    given: TableResource,
    etag: string | undefined,
  ): Promise<TableResource> => {
    const before = tableOf(dataset, tableId);
    if (etag !== undefined && etag !== before.etag)
      throw new Refusal(412, "conditionNotMet", "Precondition Failed");
    const old = before.schema?.fields ?? [];
    const fields = given.schema?.fields ?? [];
    checkFields(fields);
    old.forEach((field, i) => {
      const now = fields[i];
      if (now?.name !== field.name || now.type !== field.type || now.mode !== field.mode)
        throw new Refusal(400, "invalid", `Provided Schema does not match Table: field ${field.name}`);
    });
    for (const field of fields.slice(old.length)) {
      if (field.mode === "REQUIRED")
        throw new Refusal(400, "invalid", `Cannot add the required column ${field.name}`);
      await run(`ALTER TABLE ${nameIn(dataset, tableId)} ADD COLUMN ${declare(field)}`);
    }
    return keep(dataset, given);
  };

  const load = async (config: Record<string, unknown>): Promise<void> => {
    const { datasetId, tableId } = config.destinationTable as { datasetId: string; tableId: string };
    const { fields } = config.schema as { fields: FieldSchema[] };
    if (config.sourceFormat !== "PARQUET" || config.writeDisposition !== "WRITE_TRUNCATE")
      throw new Refusal(400, "invalid", "The stand-in knows no other loads");
    const resource = tableOf(datasetId, tableId);
    checkFields(fields);
    const files: string[] = [];
    for (const uri of config.sourceUris as string[]) {
      const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri)!;
      const answer = await fetch(
        `${process.env.STORAGE_EMULATOR_HOST!}/storage/v1/b/${bucket!}/o/${encodeURIComponent(name!)}?alt=media`,
      );
      if (!answer.ok) throw new Refusal(404, "notFound", `Not found: URI ${uri}`);
      const file = join(folder, `${++serial}.parquet`);
      writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
      files.push(file);
    }
    const source = `read_parquet([${files.map((file) => `'${file}'`).join(", ")}])`;
    const found = (await run(`DESCRIBE SELECT * FROM ${source}`)).map(([name, type]) => [name, type]);
    const wanted = fields.map(({ name, type }) => [name, types[type]]);
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      throw new Refusal(400, "invalid", `The file's columns are ${JSON.stringify(found)}`);
    await run(
      `CREATE OR REPLACE TABLE ${nameIn(datasetId, tableId)} (${fields.map(declare).join(", ")}); INSERT INTO ${nameIn(datasetId, tableId)} SELECT * FROM ${source}`,
    );
    for (const file of files) rmSync(file);
    keep(datasetId, { ...resource, schema: { fields } });
  };

  const query = async ({ query: sql, useLegacySql }: Record<string, unknown>): Promise<unknown[][]> => {
    if (useLegacySql !== false) throw new Refusal(400, "invalidQuery", "That is legacy SQL");
    const text = (sql as string).replace(/`([^`]*)`/g, (_, name: string) => {
      const parts = name.split(".");
      if (parts.length === 1) return `"${name}"`;
      if (parts[0] !== project) throw new Refusal(403, "accessDenied", `No such project ${parts[0]!}`);
      tableOf(parts[1]!, parts[2]!);
      return nameIn(parts[1]!, parts[2]!);
    });
    const [, dataset, table, column] =
      /^ALTER TABLE "(\w+)"\."(\w+)" ALTER COLUMN "(\w+)" SET DATA TYPE FLOAT64$/.exec(text) ?? [];
    if (dataset === undefined)
      return run(text.replace(/COUNTIF\(([^()]*)\)/g, "count(CASE WHEN $1 THEN 1 END)"));
    await run(text.replace("FLOAT64", "DOUBLE"));
    const resource = tableOf(dataset, table!);
    const fields = resource.schema!.fields!.map((field) =>
      field.name === column ? { ...field, type: "FLOAT" } : field,
    );
    keep(dataset, { ...resource, schema: { fields } });
    return [];
  };

  const insertJob = async (body: Record<string, unknown>, fault: ApiFault | undefined): Promise<Job> => {
    const { jobId, location } = body.jobReference as { jobId: string; location?: string };
    if (!/^[\w-]{1,1024}$/.test(jobId)) throw new Refusal(400, "invalid", `Invalid job ID ${jobId}`);
    if (location !== "EU") throw new Refusal(404, "notFound", `Nothing of the job is in ${String(location)}`);
    if (jobs.has(jobId)) throw new Refusal(409, "duplicate", `Already Exists: Job ${project}:EU.${jobId}`);
    const { labels = {}, ...configuration } = body.configuration as Record<string, Record<string, unknown>>;
    for (const [key, value] of Object.entries(labels))
      if (!/^[a-z][a-z0-9_-]{0,62}$/.test(key) || !/^[a-z0-9_-]{0,63}$/.test(value as string))
        throw new Refusal(400, "invalid", `The label ${key} is not allowed`);
    const job: Job = {
      resource: { ...body },
      isDone: false,
      rows: [],
      done: inTurn(async () => {
        try {
          if (fault && "job" in fault) throw new Refusal(400, fault.job.reason, fault.job.message);
          if (configuration.load) await load(configuration.load);
          else job.rows = await query(configuration.query!);
        } catch (error) {
          const reason = error instanceof Refusal ? error.reason : "invalidQuery";
          job.failure = { reason, message: (error as Error).message, location: "query" };
        }
        job.isDone = true;
      }),
    };
    jobs.set(jobId, job);
    if (!server.slow) await job.done;
    return job;
  };
  const tell = ({ resource, isDone, failure }: Job): object => ({
    ...resource,
    status: {
      state: isDone ? "DONE" : "RUNNING",
      ...(failure ? { errorResult: failure, errors: [failure] } : {}),
    },
  });

  const answer = async (
    { method, path, body }: ApiRequest,
    etag: string | undefined,
    fault: ApiFault | undefined,
  ): Promise<object | undefined> => {
    const url = new URL(path, "http://x");
    const [, , , , owner, kind, first, , table] = url.pathname.split("/");
    if (owner !== project) throw new Refusal(403, "accessDenied", "Access Denied: another project");
    if (kind === "jobs" && method === "POST") return tell(await insertJob(body, fault));
    if (kind === "jobs" || kind === "queries") {
      const job = url.searchParams.get("location") === "EU" ? jobs.get(first!) : undefined;
      if (!job) throw new Refusal(404, "notFound", `Not found: Job ${first!}`);
      if (kind === "jobs") return tell(job);
      return { rows: job.rows.map((row) => ({ f: row.map((cell) => ({ v: String(cell) })) })) };
    }
    if (url.pathname.endsWith(`/datasets/${first!}`)) {
      tablesOf(first!);
      return { location: "EU" };
    }
    if (table === undefined && method === "GET") {
      // Pages of two, so that there are some.
      const all = [...tablesOf(first!).values()].map(({ tableReference, labels }) => ({
        tableReference,
        labels,
      }));
      const from = Number(url.searchParams.get("pageToken") ?? 0);
      return {
        tables: all.slice(from, from + 2),
        ...(all.length > from + 2 ? { nextPageToken: String(from + 2) } : {}),
      };
    }
    if (method === "POST") return inTurn(() => insertTable(first!, body as unknown as TableResource));
    const found = tableOf(first!, table!);
    if (method === "PUT")
      return inTurn(() => updateTable(first!, table!, body as unknown as TableResource, etag));
    if (method === "DELETE") {
      tablesOf(first!).delete(table!);
      await inTurn(() => run(`DROP TABLE ${nameIn(first!, table!)}`));
      return undefined;
    }
    const [[rows]] = (await inTurn(() => run(`SELECT count(*) FROM ${nameIn(first!, table!)}`))) as [
      [bigint],
    ];
    return { ...found, numRows: String(rows) };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const seen = {
      method: request.method!,
      path: request.url!,
      body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
    server.requests.push(seen);
    await server.onRequest?.(seen);
    const index = faults.findIndex(({ matches }) => matches(seen));
    const fault = index < 0 ? undefined : faults.splice(index, 1)[0]!.fault;
    const send = (status: number, body: object | undefined): void => {
      if (fault && "drop" in fault) request.socket.destroy();
      else
        response.writeHead(status, { "content-type": "application/json" }).end(body && JSON.stringify(body));
    };
    const refuse = (status: number, reason: string, message: string): void => {
      send(status, { error: { code: status, message, errors: [{ reason, message }] } });
    };
    if (fault && "status" in fault) {
      refuse(fault.status, fault.reason, fault.message ?? "");
      return;
    }
    if (fault && "drop" in fault && fault.drop === "before") {
      request.socket.destroy();
      return;
    }
    try {
      send(200, await answer(seen, request.headers["if-match"], fault));
    } catch (error) {
      if (error instanceof Refusal) refuse(error.status, error.reason, error.message);
      else refuse(400, "invalid", String(error));
    }
  };
  const http = createServer((request, response) => {
    void handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  const server: BigQueryServer = {
    env: { BIGQUERY_EMULATOR_HOST: `http://127.0.0.1:${(http.address() as AddressInfo).port}` },
    connection,
    requests: [],
    jobIds: () => [...jobs.keys()],
    resource: (dataset, table) => datasets.get(dataset)?.get(table),
    tableNames: (dataset) => [...tablesOf(dataset).keys()],
    fail: (matches, ...given) => {
      faults = [...faults, ...given.map((fault) => ({ matches, fault }))];
    },
    onRequest: undefined,
    slow: false,
    addDataset: async (name) => {
      datasets.set(name, new Map());
      await inTurn(() => run(`CREATE SCHEMA "${name}"`));
    },
    close: async () => {
      await new Promise<void>((done) => {
        http.close(() => {
          done();
        });
        http.closeAllConnections();
      });
      connection.closeSync();
      instance.closeSync();
      rmSync(folder, { recursive: true });
    },
  };
  return server;
}
