import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export const bucket = "bench";

/** Cloud Storage on this machine. */
export interface StorageServer {
  readonly endpoint: string;
  upload(name: string, content: Blob): Promise<void>;
  stop(): Promise<void>;
}

/** @throws when fake-gcs-server is not installed */
export async function startStorage(): Promise<StorageServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const args = `-scheme http -backend memory -host 127.0.0.1 -port ${port} -public-host 127.0.0.1:${port} -log-level error`;
  const server = spawn(program(), args.split(" "), { stdio: "ignore" });
  const ended = new Promise<void>((done) => {
    server.once("close", () => {
      done();
    });
  });
  const stop = async (): Promise<void> => {
    server.kill();
    await ended;
  };
  try {
    await makeBucket(endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint,
    async upload(name, content) {
      const answer = await fetch(
        `${endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${name}`,
        {
          method: "POST",
          body: content,
        },
      );
      if (!answer.ok) throw new Error(`fake-gcs-server did not take ${name}: ${await answer.text()}`);
    },
    stop,
  };
}

function program(): string {
  const found = [
    process.env.BEAM_INDEXEDDB_FAKE_GCS_SERVER,
    join(process.cwd(), ".cache/go-bin/fake-gcs-server"),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "fake-gcs-server")),
  ].find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    "This bench needs fake-gcs-server: go install github.com/fsouza/fake-gcs-server@v1.56.1 (or BEAM_INDEXEDDB_FAKE_GCS_SERVER names it).",
  );
}

/** A server that starts refuses connections at first. */
async function makeBucket(endpoint: string): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      await fetch(`${endpoint}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: bucket }) });
      return;
    } catch (error) {
      if (n === 200) throw error;
      await delay(50);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
