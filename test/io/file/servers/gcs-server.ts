import type { IncomingMessage, ServerResponse } from "node:http";
import { behindProxy, programPath, startServer, type StoreServer } from "./store-server.js";

const bucket = "my-bucket";

/** An upload as the real service keeps it: fake-gcs-server ends one when it is asked for its state. */
interface Session {
  readonly url: string;
  parts: Buffer[];
  length: number;
  /** When the object is there. */
  final?: { readonly status: number; readonly text: string };
}

/** Cloud Storage by fake-gcs-server. */
export async function startGcsServer(): Promise<StoreServer> {
  const started = await startServer(
    "fake-gcs-server",
    programPath("fake-gcs-server", "BEAM_INDEXEDDB_FAKE_GCS_SERVER", "go-bin/fake-gcs-server"),
    (port) =>
      `-scheme http -backend memory -host 127.0.0.1 -port ${port} -public-host 127.0.0.1:${port} -log-level error`.split(
        " ",
      ),
    async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/storage/v1/b`, {
        method: "POST",
        body: JSON.stringify({ name: bucket }),
      });
      await answer.text();
    },
  );
  const sessions = new Map<string, Session>();
  const own = `http://127.0.0.1:${started.port}`;
  const resumable = async (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): Promise<boolean> => {
    const url = request.url!;
    if (request.method === "POST" && url.includes("uploadType=resumable")) {
      const answer = await fetch(own + url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: Uint8Array.from(body),
      });
      const id = `session-${sessions.size}`;
      sessions.set(id, { url: answer.headers.get("location")!, parts: [], length: 0 });
      response.writeHead(answer.status, {
        location: `http://${request.headers.host!}/${id}?upload_id=secret-upload-id`,
      });
      response.end(await answer.text());
      return true;
    }
    // The fake deletes whatever the condition says.
    const condition = /^(.*)\?ifGenerationMatch=(\d+)$/.exec(url);
    if (request.method === "DELETE" && condition) {
      const answer = await fetch(`${own}${condition[1]!}?fields=generation`);
      const { generation } = (await answer.json()) as { generation?: string };
      if (generation === condition[2]) return false;
      response.writeHead(answer.ok ? 412 : 404).end();
      return true;
    }
    const session = sessions.get(/^\/(session-\d+)/.exec(url)?.[1] ?? "");
    if (!session) return false;
    if (request.method === "DELETE") {
      response.writeHead(499).end();
      return true;
    }
    const [, from, total] =
      /^bytes (\*|\d+-\d+)\/(\*|\d+)$/.exec(request.headers["content-range"] ?? "") ?? [];
    if (from !== "*" && !session.final) {
      const start = Number(from!.split("-")[0]);
      // What is there already is passed over, and a gap is refused.
      if (start > session.length) {
        response.writeHead(400).end("a gap");
        return true;
      }
      const fresh = body.subarray(session.length - start);
      if (total === "*" && (session.length + fresh.length) % (256 * 1024) !== 0) {
        response.writeHead(400).end("not a multiple of 256 KiB");
        return true;
      }
      session.parts.push(fresh);
      session.length += fresh.length;
    }
    if (!session.final && session.length === Number(total)) {
      const all = Buffer.concat(session.parts);
      const answer = await fetch(session.url, {
        method: "PUT",
        headers: {
          "content-range": all.length === 0 ? "bytes */0" : `bytes 0-${all.length - 1}/${all.length}`,
        },
        body: Uint8Array.from(all),
      });
      session.parts = [];
      session.final = { status: answer.status, text: await answer.text() };
    }
    if (session.final) response.writeHead(session.final.status).end(session.final.text);
    else response.writeHead(308, session.length > 0 ? { range: `bytes=0-${session.length - 1}` } : {}).end();
    return true;
  };
  return behindProxy(
    started,
    (endpoint) => ({ scheme: "gs", folder: `gs://${bucket}/in`, env: { STORAGE_EMULATOR_HOST: endpoint } }),
    resumable,
  );
}
