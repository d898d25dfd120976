import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../../snapshot/index.js";
import { createHttpClient, type HttpClient } from "../http/http-client.js";
import { changedError, type ServiceTexts, strangeAnswer } from "../http/service-error.js";
import { inTurns } from "../object-store/in-turns.js";
import { encodeName, encodePart } from "../object-store/object-place.js";
import type {
  Expected,
  ObjectInfo,
  ObjectPlace,
  ObjectStore,
  ObjectUpload,
} from "../object-store/object-store.js";
import { xmlElements, xmlText } from "../object-store/xml-text.js";
import { azureAccessAdvice, type AzureAccount, azureAccount } from "./azure-credentials.js";

/** What requests to Blob Storage need: who sends them, and where to. */
interface AzureConnection {
  readonly http: HttpClient;
  /** The address of a blob, or of a container for the name "". */
  readonly url: (place: ObjectPlace, ...query: readonly string[]) => string;
}

/** Under which a blob keeps the token of the write that made it. */
const tokenHeader = "x-ms-meta-beam_indexeddb_write";
const firstBlockBytes = 8 << 20;
/** A blob has 50,000 blocks: later ones are larger, so that terabytes fit. */
const blocksOfOneSize = 5000;
const copyPollMs = 200;

const texts: ServiceTexts = {
  service: "Blob Storage",
  accessAdvice: azureAccessAdvice,
  messageOf(body) {
    const message = xmlText(body, "Message")?.split("\n", 1)[0];
    return [xmlText(body, "Code"), message].filter((part) => part !== undefined && part !== "").join(": ");
  },
};

const settings = [
  "AZURE_STORAGE_CONNECTION_STRING",
  "AZURE_STORAGE_ACCOUNT",
  "AZURE_STORAGE_KEY",
  "AZURE_STORAGE_SAS_TOKEN",
];

/** Azure Blob Storage, as block blobs. */
export function azureStore(env: NodeJS.ProcessEnv = process.env): ObjectStore {
  const connections = new Map<string, AzureConnection>();
  const connection = (): AzureConnection => {
    const key = JSON.stringify(settings.map((name) => env[name]));
    let found = connections.get(key);
    if (!found) connections.set(key, (found = connectionTo(azureAccount(env))));
    return found;
  };

  const stat = async (place: ObjectPlace): Promise<ObjectInfo | undefined> => {
    const headers = await headersOf(connection(), place);
    return headers && infoOf(place.name, headers);
  };

  const deleteOne = async (place: ObjectPlace, version?: string): Promise<void> => {
    const { http, url } = connection();
    await http.send({
      method: "DELETE",
      url: url(place),
      headers: version === undefined ? {} : { "if-match": version },
      path: azurePath(place),
      doing: "write",
      accept: version === undefined ? [404] : [404, 412],
    });
  };

  return {
    scheme: "az",
    stat,

    read(place, version, start, end) {
      const { http, url } = connection();
      const path = azurePath(place);
      return http.readRange(
        {
          method: "GET",
          url: url(place),
          headers: { "if-match": version },
          path,
          doing: "read",
          pinned: true,
        },
        {
          start,
          end,
          check(headers) {
            if (headers.etag !== undefined && headers.etag !== version) throw changedError(path);
          },
        },
      );
    },

    async *list(bucket, prefix, delimited) {
      const { http, url } = connection();
      let marker = "";
      do {
        const query = [
          "restype=container",
          "comp=list",
          `prefix=${encodePart(prefix)}`,
          ...(delimited ? ["delimiter=%2F"] : []),
          ...(marker === "" ? [] : [`marker=${encodePart(marker)}`]),
        ];
        const answer = await http.send({
          method: "GET",
          url: url({ bucket, name: "" }, ...query),
          path: `az://${bucket}`,
          doing: "read",
        });
        const xml = answer.body.toString("utf8");
        if (!xml.includes("<EnumerationResults"))
          throw strangeAnswer(`az://${bucket}`, "read", texts.service);
        yield {
          objects: xmlElements(xml, "Blob").map((entry) => ({
            name: nameIn(entry),
            size: Number(xmlText(entry, "Content-Length")),
            lastModified: Date.parse(xmlText(entry, "Last-Modified") ?? ""),
            version: xmlText(entry, "Etag") ?? "",
          })),
          folders: xmlElements(xml, "BlobPrefix").map(nameIn),
        };
        marker = xmlText(xml, "NextMarker") ?? "";
      } while (marker !== "");
    },

    async put(place, bytes, { token, expected }) {
      const { http, url } = connection();
      const answer = await http.send({
        method: "PUT",
        url: url(place),
        headers: { "x-ms-blob-type": "BlockBlob", [tokenHeader]: token, ...conditions(expected) },
        body: bytes,
        path: azurePath(place),
        doing: "write",
        accept: expected ? ("absent" in expected ? [409, 412] : [404, 412]) : [],
      });
      if (answer.status < 300) return answer.headers.etag!;
      const there = answer.repeated ? await stat(place) : undefined;
      return there?.token === token ? there.version : false;
    },

    startUpload: (place, token) => Promise.resolve(blockUpload(connection(), place, token)),

    async copy(from, source, to, expected) {
      const current = connection();
      const answer = await current.http.send({
        method: "PUT",
        url: current.url(to),
        headers: {
          "x-ms-copy-source": current.url(from),
          "x-ms-source-if-match": source.version,
          ...conditions(expected),
        },
        path: azurePath(from),
        doing: "write",
        accept: "absent" in expected ? [409, 412] : [412],
      });
      if (answer.status >= 400) return false;
      let state = answer.headers["x-ms-copy-status"];
      // Within an account most copies are done at once; large ones go on behind the answer.
      while (state === "pending") {
        await delay(copyPollMs);
        state = (await headersOf(current, to))?.["x-ms-copy-status"];
      }
      if (state !== undefined && state !== "success")
        throw new SnapshotError(
          "FILE_WRITE_FAILED",
          `${JSON.stringify(azurePath(to))} can't be written: Blob Storage ended the copy (${String(state)}). Run it again.`,
          { file: azurePath(to) },
        );
      return true;
    },

    delete: deleteOne,
    deleteAll: (bucket, names) => inTurns(names, (name) => deleteOne({ bucket, name })),
  };
}

function connectionTo({ endpoint, sas, authorize }: AzureAccount): AzureConnection {
  return {
    http: createHttpClient({ texts, authorize }),
    url({ bucket, name }, ...query) {
      const all = sas === "" ? query : [...query, sas];
      return `${endpoint}/${bucket}${name === "" ? "" : `/${encodeName(name)}`}${all.length === 0 ? "" : `?${all.join("&")}`}`;
    },
  };
}

async function headersOf(
  { http, url }: AzureConnection,
  place: ObjectPlace,
): Promise<IncomingHttpHeaders | undefined> {
  const answer = await http.send({
    method: "HEAD",
    url: url(place),
    path: azurePath(place),
    doing: "read",
    accept: [404],
  });
  return answer.status === 404 ? undefined : answer.headers;
}

function infoOf(name: string, headers: IncomingHttpHeaders): ObjectInfo {
  const token = headers[tokenHeader];
  return {
    name,
    size: Number(headers["content-length"]),
    lastModified: Date.parse(headers["last-modified"] ?? ""),
    version: headers.etag!,
    token: Array.isArray(token) ? token[0] : token,
  };
}

/** Blocks, in any order, and the list of them that makes the blob. Blocks that nobody lists are removed by the service after a week. */
function blockUpload({ http, url }: AzureConnection, place: ObjectPlace, token: string): ObjectUpload {
  const path = azurePath(place);
  const ids: string[] = [];
  const part = async (number: number, bytes: Uint8Array): Promise<void> => {
    // Of another upload to the same name, blocks have other ids: none takes the other's.
    const id = Buffer.from(`${token}-${String(number).padStart(6, "0")}`).toString("base64");
    ids[number] = id;
    await http.send({
      method: "PUT",
      url: url(place, "comp=block", `blockid=${encodePart(id)}`),
      body: bytes,
      path,
      doing: "write",
    });
  };
  return {
    get partBytes() {
      return firstBlockBytes * 2 ** Math.floor(ids.length / blocksOfOneSize);
    },
    parallel: 4,
    part,
    async finish(number, bytes) {
      if (bytes.length > 0) await part(number, bytes);
      const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
      await http.send({
        method: "PUT",
        url: url(place, "comp=blocklist"),
        headers: { [tokenHeader]: token },
        body: Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`),
        path,
        doing: "write",
      });
    },
    abort: () => Promise.resolve(),
  };
}

function conditions(expected: Expected | undefined): Record<string, string> {
  if (!expected) return {};
  return "absent" in expected ? { "if-none-match": "*" } : { "if-match": expected.version };
}

/** Names that XML can't write come percent-encoded. */
function nameIn(entry: string): string {
  const name = xmlText(entry, "Name") ?? "";
  return /<Name[^>]*\bEncoded="true"/i.test(entry) ? decodeURIComponent(name) : name;
}

function azurePath({ bucket, name }: ObjectPlace): string {
  return `az://${bucket}/${name}`;
}
