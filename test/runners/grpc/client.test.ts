import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callForStream, connect, messagesOf } from "../../../runners/grpc/client.js";
import { artifactRetrieval } from "../../../runners/grpc/method.js";
import { type RunningServer, serve, serverStream } from "../../../runners/grpc/server.js";

let server: RunningServer;
let messages: number;
let fails: boolean;

beforeAll(async () => {
  server = await serve([
    serverStream(artifactRetrieval.getArtifact, (stream) => {
      for (let i = 0; i < messages; i++) stream.write({ data: Uint8Array.of(i) });
      if (fails) stream.emit("error", { code: status.DATA_LOSS, details: "the rest is gone" });
      else stream.end();
    }),
  ]);
});

afterAll(() => {
  server.close();
});

/** The messages that came. */
async function readAll(beforeLoop?: (stream: NodeJS.EventEmitter) => Promise<unknown>): Promise<number[]> {
  const client = connect(server.address);
  try {
    const stream = callForStream(client, artifactRetrieval.getArtifact, {});
    const all = messagesOf(stream);
    await beforeLoop?.(stream);
    const read: number[] = [];
    for await (const { data } of all) read.push(...data);
    return read;
  } finally {
    client.close();
  }
}

describe("the messages of a call", () => {
  const failure = { code: status.DATA_LOSS, message: expect.stringMatching(/the rest is gone/) };

  test("end with the call", async () => {
    [messages, fails] = [3, false];
    expect(await readAll()).toEqual([0, 1, 2]);
  });

  test("never end as if they were whole when the call failed", async () => {
    [messages, fails] = [3, true];
    await expect(readAll()).rejects.toMatchObject(failure);
  });

  test("tell a failure that came before they were asked for", async () => {
    [messages, fails] = [0, true];
    await expect(
      readAll((stream) => new Promise((resolve) => stream.once("status", resolve))),
    ).rejects.toMatchObject(failure);
  });
});
