import { randomUUID } from "node:crypto";
import { SnapshotError } from "../../../snapshot/index.js";
import type { StoreAnswer } from "../http/http-client.js";
import { encodePart } from "../object-store/object-place.js";
import type { ObjectPlace, ObjectUpload } from "../object-store/object-store.js";
import { type GcsConnection, gcsPath, tokenName } from "./gcs-connection.js";

/** A multiple of 256 KiB, as the service wants. */
const partBytes = 8 << 20;
/** So often in a row may a part bring nothing forward. */
const mostStalls = 8;

/** Address to which objects are uploaded. */
export function uploadUrl(
  endpoint: string,
  { bucket, name }: ObjectPlace,
  type: "multipart" | "resumable",
): string {
  return `${endpoint}/upload/storage/v1/b/${encodePart(bucket)}/o?uploadType=${type}&name=${encodePart(name)}`;
}

function metadataOf({ name }: ObjectPlace, token: string): Buffer {
  return Buffer.from(
    JSON.stringify({ name, contentType: "application/octet-stream", metadata: { [tokenName]: token } }),
  );
}

/** An object and what is told of it, in one body. */
export function uploadBody(
  place: ObjectPlace,
  bytes: Uint8Array,
  token: string,
): { readonly body: Uint8Array; readonly contentType: string } {
  const boundary = randomUUID();
  const body = Buffer.concat([
    Buffer.from(`--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n`),
    metadataOf(place, token),
    Buffer.from(`\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { body, contentType: `multipart/related; boundary=${boundary}` };
}

/** A resumable upload: one part after the other. What the service has of a part that was cut is asked, and only the rest is sent again. */
export async function startGcsUpload(
  { http, endpoint }: GcsConnection,
  place: ObjectPlace,
  token: string,
): Promise<ObjectUpload> {
  const path = gcsPath(place);
  const { headers } = await http.send({
    method: "POST",
    url: uploadUrl(endpoint, place, "resumable"),
    headers: {
      "content-type": "application/json; charset=UTF-8",
      "x-upload-content-type": "application/octet-stream",
    },
    body: metadataOf(place, token),
    path,
    doing: "write",
  });
  const session = headers.location ?? "";
  // The address is the permission to write: it gets into no message, and to no other host in the clear.
  const isSafe = URL.canParse(session) && (session.startsWith("https:") || endpoint.startsWith("http:"));
  if (!isSafe) throw failed(path, "Cloud Storage named no address for the upload");
  let at = 0;
  let turn = Promise.resolve();

  const put = (range: string, body: Uint8Array): Promise<StoreAnswer> =>
    http.send({
      method: "PUT",
      url: session,
      headers: { "content-range": range },
      body,
      path,
      doing: "write",
      accept: [308],
    });

  const send = async (bytes: Uint8Array, total: number | undefined): Promise<void> => {
    const end = at + bytes.length;
    let sent = at;
    for (let stalls = 0; ;) {
      const size = total === undefined ? "*" : String(total);
      const rest = bytes.subarray(sent - at);
      // Sent again, these bytes are taken once: the service knows which it has.
      const answer = await put(
        rest.length === 0 ? `bytes */${size}` : `bytes ${sent}-${end - 1}/${size}`,
        rest,
      );
      if (answer.status !== 308) {
        if (total === undefined)
          throw failed(path, "Cloud Storage ended the upload before all of it was sent");
        break;
      }
      const arrived = arrivedBytes(answer);
      if (arrived === end && total === undefined) break;
      if (arrived < at || arrived > end)
        throw failed(
          path,
          `Cloud Storage says that it has ${arrived} bytes of the upload, when ${end} were sent`,
        );
      stalls = arrived > sent ? 0 : stalls + 1;
      if (stalls === mostStalls) throw failed(path, "Cloud Storage takes no more of the upload");
      sent = arrived;
    }
    at = end;
  };
  // Parts are taken in their order alone.
  const inOrder = (bytes: Uint8Array, isLast: boolean): Promise<void> => {
    const done = turn.then(() => send(bytes, isLast ? at + bytes.length : undefined));
    turn = done;
    turn.catch(() => undefined);
    return done;
  };

  return {
    partBytes,
    parallel: 2,
    part: (_number, bytes) => inOrder(bytes, false),
    finish: (_number, bytes) => inOrder(bytes, true),
    async abort() {
      await http.send({ method: "DELETE", url: session, path, doing: "write", accept: [404, 410, 499] });
    },
  };
}

function arrivedBytes({ headers }: StoreAnswer): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.range ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

function failed(path: string, what: string): SnapshotError {
  return new SnapshotError(
    "FILE_WRITE_FAILED",
    `${JSON.stringify(path)} can't be written: ${what}. Run it again.`,
    {
      file: path,
    },
  );
}
