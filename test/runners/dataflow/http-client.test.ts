import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createHttpClient, pauseMs } from "../../../runners/dataflow/http-client.js";
import { withoutSecrets } from "../../../runners/dataflow/http-error.js";

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
}

const token = "ya29.a0AfSecretToken";

function client(waits: number[] = [], signal?: AbortSignal) {
  return createHttpClient({
    authorize: () => Promise.resolve({ authorization: `Bearer ${token}` }),
    signal,
    wait: async (ms) => {
      waits.push(ms);
    },
  });
}

test("waits as long as the service asks", async () => {
  let n = 0;
  const url = await serve((_, response) => {
    response.writeHead(n++ === 0 ? 429 : 200, { "retry-after": "7" });
    response.end("{}");
  });
  const waits: number[] = [];
  await client(waits).sendForJson({ method: "GET", url, what: "tell" });
  expect(waits).toEqual([7000]);
});

test("pauses grow, have chance in them, and end at half a minute", () => {
  for (const [attempt, most] of [
    [1, 500],
    [2, 1000],
    [5, 8000],
    [9, 32_000],
    [60, 32_000],
  ] as const) {
    const pauses = Array.from({ length: 50 }, () => pauseMs(attempt));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(most / 2);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(most);
    expect(new Set(pauses).size).toBeGreaterThan(1);
  }
});

test.each([400, 401, 403, 404, 412])("asks once when the answer is %i", async (status) => {
  let n = 0;
  const url = await serve((_, response) => {
    n++;
    response.writeHead(status);
    response.end(JSON.stringify({ error: { code: status, message: "That is wrong." } }));
  });
  await expect(client().send({ method: "GET", url, what: "do it" })).rejects.toMatchObject({
    code: "RUNNER_SERVICE_FAILED",
    message: expect.stringContaining(
      `Google Cloud did not do it: 127.0.0.1:${new URL(url).port} says: That is wrong (status ${status}).`,
    ),
  });
  expect(n).toBe(1);
});

test.each([408, 429, 500, 502, 503, 504])("asks eight times when the answer is %i", async (status) => {
  let n = 0;
  const url = await serve((_, response) => {
    n++;
    response.writeHead(status, { "content-type": "text/html" });
    response.end("<html>Bad gateway</html>");
  });
  await expect(client().send({ method: "GET", url, what: "do it" })).rejects.toThrow(`status ${status}`);
  expect(n).toBe(8);
});

test("says that nobody answers", async () => {
  const url = await serve((request) => request.socket.destroy());
  await expect(client().send({ method: "GET", url, what: "do it" })).rejects.toMatchObject({
    code: "RUNNER_ENDPOINT_UNREACHABLE",
    message: expect.stringMatching(/^Google Cloud did not do it: 127\.0\.0\.1:\d+ can't be reached/),
  });
});

test.each([["<html>Sign in</html>"], ['{"id": "cut o'], ["[]"], ["null"], ["7"]])(
  "does not take %s for an answer",
  async (text) => {
    let n = 0;
    const url = await serve((_, response) => {
      n++;
      response.end(text);
    });
    await expect(client().sendForJson({ method: "GET", url, what: "do it" })).rejects.toMatchObject({
      code: "RUNNER_SERVICE_FAILED",
      message: expect.stringContaining("Is a proxy between this machine and Google Cloud?"),
    });
    expect(n).toBe(8);
  },
);

test("does not follow redirections with its credentials", async () => {
  const came: (string | undefined)[] = [];
  const elsewhere = await serve((request, response) => {
    came.push(request.headers.authorization);
    response.end("{}");
  });
  const url = await serve((_, response) => {
    response.writeHead(302, { location: elsewhere });
    response.end();
  });
  await expect(client().send({ method: "GET", url, what: "do it" })).rejects.toThrow("status 302");
  expect(came).toEqual([]);
});

test("ends with the reason of its signal, also while the service keeps it waiting", async () => {
  const abort = new AbortController();
  const url = await serve(() => {
    abort.abort(new Error("enough"));
  });
  await expect(client([], abort.signal).send({ method: "GET", url, what: "do it" })).rejects.toThrow(
    "enough",
  );
});

test("gives up on an answer that does not come in time", async () => {
  const url = await serve(() => undefined);
  await expect(
    client().send({ method: "GET", url, what: "do it", timeoutMs: 5, attempts: 2 }),
  ).rejects.toMatchObject({
    code: "RUNNER_ENDPOINT_UNREACHABLE",
    message: expect.stringContaining("no answer in time"),
  });
});

test("tells no credentials, not even those that a service sends back", async () => {
  const url = await serve((request, response) => {
    response.writeHead(400);
    response.end(JSON.stringify({ error: { message: `Bad header ${request.headers.authorization!}` } }));
  });
  const error: unknown = await client()
    .send({ method: "GET", url, what: "do it" })
    .catch((e: unknown) => e);
  expect(inspect(error, { depth: 10 })).toContain("Bad header");
  expect(inspect(error, { depth: 10 })).not.toContain("Secret");
});

test.each([
  ["Authorization: Bearer abc.def-1", "Authorization: Bearer (token)"],
  ["token ya29.A_b-c.d expired", "token (token) expired"],
  ["https://x/o?upload_id=ABC_1&y=2", "https://x/o?upload_id=(secret)&y=2"],
  ['{"access_token":"abc","y":1}', '{"access_token":"(secret)","y":1}'],
  ["the key of the record", "the key of the record"],
])("of %j it leaves %j", (text, expected) => {
  expect(withoutSecrets(text)).toBe(expected);
});
