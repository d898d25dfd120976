import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { buildPipeline, create, runDirect } from "../../../beam/index.js";
import { type PostgresConnection } from "../../../io/postgres/connection.js";
import { readFromPostgres } from "../../../io/postgres/read.js";
import { writeToPostgres } from "../../../io/postgres/write.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";

const secret = "Tr0ub4dor&3 geheim";
const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];

const leaks = (text: string): string[] => forms.filter((form) => text.includes(form));

/** Data in a pipeline is base64: that is in clear, too. */
const withDecoded = (text: string): string =>
  [
    text,
    ...(text.match(/[A-Za-z0-9+/]{8,}={0,2}/g) ?? []).map((data) =>
      Buffer.from(data, "base64").toString("latin1"),
    ),
  ].join("\n");

const everything = (error: unknown): string => {
  const parts: unknown[] = [];
  for (let at = error; at instanceof Error; at = at.cause)
    parts.push(at.message, at.stack, JSON.stringify(Object.getOwnPropertyDescriptors(at)));
  return parts.map(String).join("\n");
};

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ password: secret });
});
afterAll(() => server.stop());
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const note = SnapshotRecord.of({ store: "notes", key: 1, value: { a: 1 } });
const read = { table: "notes", store: "notes", key: "_key_json" };

describe("the password", () => {
  test.each<[string, { passwordFrom?: string }, string]>([
    ["the variable that passwordFrom names", { passwordFrom: "NOTES_SECRET" }, "NOTES_SECRET"],
    ["PGPASSWORD", {}, "PGPASSWORD"],
  ])("comes from %s, and is in no pipeline, log, or metric", async (_, options, variable) => {
    vi.stubEnv(variable, secret);
    const logged: string[] = [];
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, "write").mockImplementation((text) => logged.push(String(text)) > 0);
    const written = (root: Parameters<Parameters<typeof runDirect>[0]>[0]) =>
      root.apply(create([note])).apply(writeToPostgres(server.url(), options)).tables;
    const readBack = (root: Parameters<Parameters<typeof runDirect>[0]>[0]) =>
      root.apply(readFromPostgres(server.url(), { ...read, ...options }));
    const results = [await runDirect(written), await runDirect(readBack)];
    for (const build of [written, readBack]) {
      const { proto } = await buildPipeline(build);
      const text = withDecoded(
        JSON.stringify(proto, (__, value: unknown) =>
          value instanceof Uint8Array
            ? Buffer.from(value).toString("latin1")
            : typeof value === "bigint"
              ? String(value)
              : value,
        ),
      );
      // The place of the server is in there, so the password would have been found.
      expect(text.includes("localhost")).toBe(true);
      expect(leaks(text)).toEqual([]);
    }
    expect(results[1]!.metrics.counters["recordsRead/notes"]).toBe(1);
    expect(leaks(JSON.stringify(results) + logged.join(""))).toEqual([]);
  });

  test.each<[string, PostgresConnection]>([
    ["a URL", `postgres://me:${encodeURIComponent(secret)}@localhost/app`],
    ["a parameter of a URL", `postgres://me@localhost/app?password=${encodeURIComponent(secret)}`],
    ["an object", { host: "localhost", password: secret } as PostgresConnection],
  ])("in %s is refused when the pipeline is built, without being repeated", (_, connection) => {
    for (const build of [() => writeToPostgres(connection), () => readFromPostgres(connection, read)]) {
      let failure: unknown;
      try {
        build();
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(TypeError);
      expect((failure as Error).message).toMatch(/PGPASSWORD or PGPASSFILE.*passwordFrom/);
      expect(leaks(everything(failure))).toEqual([]);
    }
  });

  test("in place of the variable's name is refused, without being repeated", () => {
    const build = (): unknown => writeToPostgres("postgres://localhost/app", { passwordFrom: secret });
    expect(build).toThrow(/name of an environment variable/);
    expect(build).not.toThrow(secret);
  });

  test("that is wrong is told apart from a server that is not there, and is not in the error", async () => {
    vi.stubEnv("PGPASSWORD", `${secret}!`);
    const failure: unknown = await runDirect(
      (root) => root.apply(create([note])).apply(writeToPostgres(server.url())).tables,
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/password authentication failed.*PGPASSFILE/s) as string,
    });
    expect(leaks(everything(failure))).toEqual([]);
  });

  test("whose variable is not set is named by the variable", async () => {
    const failure: unknown = await runDirect(
      (root) =>
        root.apply(create([note])).apply(writeToPostgres(server.url(), { passwordFrom: "NOT_SET_HERE" }))
          .tables,
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((failure as Error).message).toContain("NOT_SET_HERE");
  });
});

test("a server that is not there is STORE_UNAVAILABLE after the last attempt", async () => {
  const failure: unknown = await runDirect(
    (root) =>
      root.apply(create([note])).apply(writeToPostgres("postgres://me@localhost:1/app", { maxAttempts: 2 }))
        .tables,
  ).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/2 times.*ECONNREFUSED/) as string,
  });
});
