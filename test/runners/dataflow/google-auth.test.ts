import { inspect } from "node:util";
import { expect, test } from "vitest";
import { type AuthLibrary, googleAuth } from "../../../runners/dataflow/google-auth.js";

function library(getRequestHeaders: () => Promise<unknown>): () => Promise<AuthLibrary> {
  class GoogleAuth {
    getRequestHeaders = getRequestHeaders;
  }
  return () => Promise.resolve({ GoogleAuth } as unknown as AuthLibrary);
}

test.each([
  ["an object, as older releases give it", { Authorization: "Bearer t", "x-goog-user-project": "p" }],
  ["Headers", new Headers({ Authorization: "Bearer t", "x-goog-user-project": "p" })],
])("takes headers as %s", async (_, headers) => {
  expect(await googleAuth(library(() => Promise.resolve(headers)))()).toEqual({
    authorization: "Bearer t",
    "x-goog-user-project": "p",
  });
});

test("loads the library once, and asks it for every request", async () => {
  let loaded = 0;
  let asked = 0;
  const load = library(() => Promise.resolve({ authorization: String(++asked) }));
  const authorize = googleAuth(() => {
    loaded++;
    return load();
  });
  expect([await authorize(), await authorize()]).toEqual([{ authorization: "1" }, { authorization: "2" }]);
  expect(loaded).toBe(1);
});

test("says how the library is installed", async () => {
  const authorize = googleAuth(() => Promise.reject(new Error("Cannot find package")));
  await expect(authorize()).rejects.toMatchObject({
    code: "RUNNER_PROGRAM_MISSING",
    message:
      "The runner dataflow needs the package google-auth-library. Install it with: npm install google-auth-library@10",
  });
});

test("says how one signs in, and nothing of the request that failed", async () => {
  const failure = Object.assign(new Error("invalid_grant: refresh_token=1//secret was refused"), {
    config: {
      data: "refresh_token=1//secret&client_secret=GOCSPX-secret",
      headers: { Authorization: "Bearer ya29.secret" },
    },
  });
  const error: unknown = await googleAuth(library(() => Promise.reject(failure)))().catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "RUNNER_SERVICE_FAILED" });
  expect((error as Error).message).toContain("gcloud auth application-default login");
  expect(inspect(error, { depth: 10 })).not.toContain("secret was");
  expect(inspect(error, { depth: 10 })).not.toMatch(/GOCSPX|ya29|1\/\//);
});

test("is what the installed library has", async () => {
  const { GoogleAuth } = await import("google-auth-library");
  expect(new GoogleAuth()).toHaveProperty("getRequestHeaders", expect.any(Function));
});
