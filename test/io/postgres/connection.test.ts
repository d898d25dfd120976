import { describe, expect, test } from "vitest";
import { type PostgresConnection, postgresPlace } from "../../../io/postgres/connection.js";
import { withRetries } from "../../../io/postgres/retry.js";
import { writeToPostgres } from "../../../io/postgres/write.js";
import { loadPg } from "../../../io/postgres/load-pg.js";

describe("a connection", () => {
  test.each<[PostgresConnection, unknown]>([
    ["postgres://", {}],
    ["postgresql://me@db.example:5433/app", { host: "db.example", port: 5433, user: "me", database: "app" }],
    ["postgres://a%40b@[::1]/x%20y", { host: "::1", user: "a@b", database: "x y" }],
    [
      "postgres://me@/app?host=%2Frun%2Fpg&sslmode=require&application_name=seed&connect_timeout=5",
      {
        host: "/run/pg",
        user: "me",
        database: "app",
        sslMode: "verify-full",
        applicationName: "seed",
        connectTimeoutMs: 5000,
      },
    ],
    [
      { host: "h", sslMode: "no-verify" },
      { host: "h", sslMode: "no-verify" },
    ],
  ])("%j is understood", (connection, place) => {
    expect(postgresPlace("x", connection, undefined)).toEqual(place);
  });

  test.each<[unknown, RegExp]>([
    ["mysql://localhost/a", /does not begin with postgres/],
    ["nothing", /no URL/],
    ["postgres://h/d?sslmode=maybe", /SSL mode is "maybe"/],
    ["postgres://h/d?options=-c", /parameter "options".*host, port/],
    [{ hostname: "h" }, /no option "hostname"/],
    [{ port: 70_000 }, /port/],
    [{ connectTimeoutMs: 0 }, /connectTimeoutMs/],
    [5, /give a URL/],
    [null, /give a URL/],
  ])("%j is refused", (connection, message) => {
    const check = (): unknown => postgresPlace("x", connection as PostgresConnection, undefined);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(message);
  });
});

describe("misuse is a TypeError when the pipeline is built", () => {
  test.each<[object, RegExp]>([
    [{ schema: "" }, /schema/],
    [{ schema: "pg_catalog" }, /pg_/],
    [{ schema: "s".repeat(64) }, /63 bytes/],
    [{ maxAttempts: 0 }, /maxAttempts/],
    [{ loadId: "a\0" }, /loadId/],
    [{ tabels: {} }, /no option "tabels"/],
    [{ children: "rows" }, /"json" or "tables"/],
    [{ children: "tables", columns: { notes: {} } }, /Leave out columns/],
  ])("%j", (options, message) => {
    const build = (): unknown => writeToPostgres("postgres://localhost/a", options);
    expect(build).toThrow(TypeError);
    expect(build).toThrow(message);
  });
});

describe("what may pass is tried again", () => {
  const failing = (code: string, times: number): (() => Promise<string>) => {
    let left = times;
    return () =>
      left-- > 0 ? Promise.reject(Object.assign(new Error("no"), { code })) : Promise.resolve("done");
  };

  test.each(["40001", "40P01", "08006", "57P01", "53300", "ECONNRESET"])("%s", async (code) => {
    const waits: number[] = [];
    const pause = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
    expect(await withRetries(10, failing(code, 9), pause)).toBe("done");
    const bounds = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
    waits.forEach((ms, i) => {
      expect(ms).toBeGreaterThanOrEqual(bounds[i]! / 2);
      expect(ms).toBeLessThanOrEqual(bounds[i]!);
    });
    expect(waits).toHaveLength(9);
    await expect(withRetries(3, failing(code, 3), pause)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("3 times") as string,
    });
  });

  test.each([
    ["23505", "STORE_CONSTRAINT"],
    ["28P01", "STORE_UNAVAILABLE"],
    ["42501", "STORE_CONSTRAINT"],
    ["53100", "STORE_UNAVAILABLE"],
  ])("%s is not", async (code, ours) => {
    const pause = (): Promise<never> => Promise.reject(new Error("waited"));
    await expect(withRetries(10, failing(code, 1), pause)).rejects.toMatchObject({ code: ours });
  });
});

test("without the package pg the error says how to install it", async () => {
  const missing = (): Promise<never> => Promise.reject(new Error("Cannot find package 'pg'"));
  await expect(loadPg(missing)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/npm install pg@8/) as string,
  });
});
