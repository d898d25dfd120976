import { inTurns } from "../object-store/in-turns.js";
import { encodeName, encodePart } from "../object-store/object-place.js";
import type { Expected, ObjectInfo, ObjectPlace, ObjectUpload } from "../object-store/object-store.js";
import { escapeXml, xmlText } from "../object-store/xml-text.js";
import { conditions, type S3Connection, s3Path } from "./s3-connection.js";

/** Under which an object keeps the token of the write that made it. */
export const tokenHeader = "x-amz-meta-beam-indexeddb-write";

const firstPartBytes = 8 << 20;
/** The service takes 10,000 parts: later ones are larger, so that 5 TiB fit. */
const partsOfOneSize = 1000;
const copyPartBytes = 1 << 30;

type Stat = (place: ObjectPlace) => Promise<ObjectInfo | undefined>;

/** A multipart upload. What is not ended stays until the bucket's lifecycle rule removes it: `abort` ends it. */
export async function startS3Upload(
  connection: S3Connection,
  place: ObjectPlace,
  token: string,
  stat: Stat,
): Promise<ObjectUpload & { readonly id: string }> {
  const { http, url } = connection;
  const path = s3Path(place);
  const begun = await http.send({
    method: "POST",
    url: `${url(place)}?uploads=`,
    headers: { "content-type": "application/octet-stream", [tokenHeader]: token },
    path,
    doing: "write",
  });
  const id = xmlText(begun.body.toString("utf8"), "UploadId")!;
  const etags: string[] = [];

  const part = async (number: number, bytes: Uint8Array): Promise<void> => {
    const { headers } = await http.send({
      method: "PUT",
      url: `${url(place)}?partNumber=${number + 1}&uploadId=${encodePart(id)}`,
      body: bytes,
      path,
      doing: "write",
    });
    etags[number] = headers.etag!;
  };
  return {
    id,
    get partBytes() {
      return firstPartBytes * 2 ** Math.floor(etags.length / partsOfOneSize);
    },
    parallel: 4,
    part,
    async finish(number, bytes) {
      if (bytes.length > 0) await part(number, bytes);
      await completeUpload(connection, place, { id, etags, token, stat });
    },
    async abort() {
      await http.send({
        method: "DELETE",
        url: `${url(place)}?uploadId=${encodePart(id)}`,
        path,
        doing: "write",
        accept: [404],
      });
    },
  };
}

/** False when something else was there than expected. */
async function completeUpload(
  { http, url }: S3Connection,
  place: ObjectPlace,
  {
    id,
    etags,
    token,
    stat,
    expected,
  }: {
    readonly id: string;
    readonly etags: readonly string[];
    readonly token: string | undefined;
    readonly stat: Stat;
    readonly expected?: Expected;
  },
): Promise<boolean> {
  const parts = etags.map(
    (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  const request = {
    method: "POST",
    url: `${url(place)}?uploadId=${encodePart(id)}`,
    headers: { "content-type": "application/xml", ...conditions(expected) },
    body: Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`,
    ),
    path: s3Path(place),
    doing: "write",
    passing: [409],
  } as const;
  const answer = await http.send({ ...request, accept: [404, 412] });
  if (answer.status === 412) return false;
  if (answer.status !== 404) return true;
  // The upload is over: with the attempt whose answer was lost, or otherwise.
  const there = await stat(place);
  if (answer.repeated && token !== undefined && there?.token === token) return true;
  await http.send(request);
  return true;
}

/** Names the source of a copy, and keeps what is told of it. */
export function copyHeaders({ bucket, name }: ObjectPlace, version: string): Record<string, string> {
  return {
    "x-amz-copy-source": `/${bucket}/${encodeName(name)}`,
    "x-amz-copy-source-if-match": version,
  };
}

/** For what is too large for one copy. */
export async function copyInParts(
  connection: S3Connection,
  from: ObjectPlace,
  source: ObjectInfo,
  to: ObjectPlace,
  expected: Expected,
  stat: Stat,
  partBytes = copyPartBytes,
): Promise<boolean> {
  const { http, url } = connection;
  const { token, size, version } = source;
  const upload = await startS3Upload(connection, to, token ?? "", stat);
  try {
    const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, i) => i);
    const etags: string[] = [];
    await inTurns(numbers, async (number) => {
      const answer = await http.send({
        method: "PUT",
        url: `${url(to)}?partNumber=${number + 1}&uploadId=${encodePart(upload.id)}`,
        headers: {
          ...copyHeaders(from, version),
          "x-amz-copy-source-range": `bytes=${number * partBytes}-${Math.min(size, (number + 1) * partBytes) - 1}`,
        },
        path: s3Path(from),
        doing: "write",
      });
      etags[number] = xmlText(answer.body.toString("utf8"), "ETag")!;
    });
    const done = await completeUpload(connection, to, { id: upload.id, etags, token, stat, expected });
    if (!done) await upload.abort();
    return done;
  } catch (error) {
    await upload.abort().catch(() => undefined);
    throw error;
  }
}
