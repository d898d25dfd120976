import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { StoreAnswer } from "../http/http-client.js";
import { changedError, strangeAnswer } from "../http/service-error.js";
import { inTurns } from "../object-store/in-turns.js";
import { encodePart } from "../object-store/object-place.js";
import type { Expected, ObjectInfo, ObjectPlace, ObjectStore } from "../object-store/object-store.js";
import { escapeXml, fitsXml, xmlElements, xmlText } from "../object-store/xml-text.js";
import { conditions, type S3Connection, s3Connection, s3Path } from "./s3-connection.js";
import { copyHeaders, copyInParts, startS3Upload, tokenHeader } from "./s3-upload.js";

/** More is copied in parts: the service copies no more at once. */
const mostCopyBytes = 5 * 2 ** 30;
const mostDeletes = 1000;

const settings = [
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_PROFILE",
];

/** Amazon S3, and services that speak its protocol. */
export function s3Store(env: NodeJS.ProcessEnv = process.env): ObjectStore {
  const connections = new Map<string, S3Connection>();
  const connection = (): S3Connection => {
    const key = JSON.stringify(settings.map((name) => env[name]));
    let found = connections.get(key);
    if (!found) connections.set(key, (found = s3Connection(env)));
    return found;
  };

  const stat = async (place: ObjectPlace): Promise<ObjectInfo | undefined> => {
    const { http, url } = connection();
    const answer = await http.send({
      method: "HEAD",
      url: url(place),
      path: s3Path(place),
      doing: "read",
      accept: [404],
    });
    if (answer.status === 404) return undefined;
    const { headers } = answer;
    return {
      name: place.name,
      size: Number(headers["content-length"]),
      lastModified: Date.parse(headers["last-modified"] ?? ""),
      version: headers.etag!,
      token: single(headers[tokenHeader]),
    };
  };

  const deleteOne = async (place: ObjectPlace, version?: string): Promise<void> => {
    const { http, url } = connection();
    // Where a service does not know conditions of deletes, what it has is looked at just before.
    if (version !== undefined && (await stat(place))?.version !== version) return;
    await http.send({
      method: "DELETE",
      url: url(place),
      headers: version === undefined ? {} : { "if-match": version },
      path: s3Path(place),
      doing: "write",
      accept: version === undefined ? [404] : [404, 409, 412],
    });
  };

  return {
    scheme: "s3",
    stat,

    read(place, version, start, end) {
      const { http, url } = connection();
      return http.readRange(
        {
          method: "GET",
          url: url(place),
          headers: { "if-match": version },
          path: s3Path(place),
          doing: "read",
          pinned: true,
        },
        { start, end, check: (headers) => checkVersion(headers, version, s3Path(place)) },
      );
    },

    async *list(bucket, prefix, delimited) {
      const { http, url } = connection();
      let next: string | undefined;
      do {
        const query = [
          ...(next === undefined ? [] : [`continuation-token=${encodePart(next)}`]),
          ...(delimited ? ["delimiter=%2F"] : []),
          "encoding-type=url",
          "list-type=2",
          `prefix=${encodePart(prefix)}`,
        ];
        const answer = await http.send({
          method: "GET",
          url: `${url({ bucket, name: "" })}?${query.join("&")}`,
          path: s3Path({ bucket, name: "" }),
          doing: "read",
        });
        const xml = answer.body.toString("utf8");
        if (!xml.includes("<ListBucketResult"))
          throw strangeAnswer(s3Path({ bucket, name: "" }), "read", "S3");
        yield {
          objects: xmlElements(xml, "Contents").map((entry) => ({
            name: decodeName(xmlText(entry, "Key")!),
            size: Number(xmlText(entry, "Size")),
            lastModified: Date.parse(xmlText(entry, "LastModified") ?? ""),
            version: xmlText(entry, "ETag") ?? "",
          })),
          folders: xmlElements(xml, "CommonPrefixes").map((entry) => decodeName(xmlText(entry, "Prefix")!)),
        };
        next = xmlText(xml, "IsTruncated") === "true" ? xmlText(xml, "NextContinuationToken") : undefined;
      } while (next !== undefined);
    },

    async put(place, bytes, { token, expected }) {
      const { http, url } = connection();
      const answer = await http.send({
        method: "PUT",
        url: url(place),
        headers: {
          "content-type": "application/octet-stream",
          [tokenHeader]: token,
          ...conditions(expected),
        },
        body: bytes,
        path: s3Path(place),
        doing: "write",
        // Of two at the same time, one is told to try again; then it finds the other's.
        passing: [409],
        accept: expected ? refusals(expected) : [],
      });
      if (answer.status !== 412 && answer.status !== 404) return answer.headers.etag!;
      const there = answer.repeated ? await stat(place) : undefined;
      return there?.token === token ? there.version : false;
    },

    startUpload: (place, token) => startS3Upload(connection(), place, token, stat),

    async copy(from, source, to, expected) {
      const { http, url } = connection();
      if (source.size > mostCopyBytes) return copyInParts(connection(), from, source, to, expected, stat);
      const answer = await http.send({
        method: "PUT",
        url: url(to),
        headers: { ...copyHeaders(from, source.version), ...conditions(expected) },
        path: s3Path(from),
        doing: "write",
        passing: [409],
        accept: [412],
      });
      return answer.status !== 412;
    },

    delete: deleteOne,

    async deleteAll(bucket, names) {
      const plain = names.filter(fitsXml);
      for (let at = 0; at < plain.length; at += mostDeletes)
        await deleteMany(connection(), bucket, plain.slice(at, at + mostDeletes));
      await inTurns(
        names.filter((name) => !fitsXml(name)),
        (name) => deleteOne({ bucket, name }),
      );
    },
  };
}

async function deleteMany(
  { http, url }: S3Connection,
  bucket: string,
  names: readonly string[],
): Promise<void> {
  const objects = names.map((name) => `<Object><Key>${escapeXml(name)}</Key></Object>`).join("");
  const body = Buffer.from(
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  const answer: StoreAnswer = await http.send({
    method: "POST",
    url: `${url({ bucket, name: "" })}?delete=`,
    headers: {
      "content-type": "application/xml",
      "content-md5": createHash("md5").update(body).digest("base64"),
    },
    body,
    path: s3Path({ bucket, name: "" }),
    doing: "write",
  });
  const refused = xmlElements(answer.body.toString("utf8"), "Error").map(
    (error) => xmlText(error, "Key") ?? "",
  );
  // What was not deleted with the others says why when it is asked for alone.
  for (const name of refused)
    await http.send({
      method: "DELETE",
      url: url({ bucket, name }),
      path: s3Path({ bucket, name }),
      doing: "write",
      accept: [404],
    });
}

/** What is gone does not match either. */
function refusals(expected: Expected): number[] {
  return "absent" in expected ? [412] : [404, 412];
}

function checkVersion(headers: IncomingHttpHeaders, version: string, path: string): void {
  if (headers.etag !== undefined && headers.etag !== version) throw changedError(path);
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function decodeName(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll("+", " "));
}
