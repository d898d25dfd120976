import { createHttpClient, type StoreAnswer } from "../http/http-client.js";
import { changedError, type ServiceTexts, strangeAnswer } from "../http/service-error.js";
import { inTurns } from "../object-store/in-turns.js";
import { encodePart } from "../object-store/object-place.js";
import type {
  Expected,
  ObjectInfo,
  ObjectPlace,
  ObjectStore,
  PutOptions,
} from "../object-store/object-store.js";
import { gcsAccessAdvice, gcsAuth } from "./gcs-auth.js";
import { type GcsConnection, gcsPath, tokenName } from "./gcs-connection.js";
import { startGcsUpload, uploadBody, uploadUrl } from "./gcs-upload.js";

/** An object as the JSON API tells of it. */
interface GcsObject {
  readonly name: string;
  readonly size: string;
  readonly updated: string;
  readonly generation: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const fields = "name,size,updated,generation,metadata";

const texts: ServiceTexts = {
  service: "Cloud Storage",
  accessAdvice: gcsAccessAdvice,
  messageOf(body) {
    try {
      const { error } = JSON.parse(body) as { error?: { message?: unknown } | string };
      const message = typeof error === "object" ? error.message : error;
      return typeof message === "string" ? message : "";
    } catch {
      return /^\s*</.test(body) ? "" : body;
    }
  },
};

/** Google Cloud Storage by its JSON API; STORAGE_EMULATOR_HOST names an emulator, which gets no credentials. */
export function gcsStore(env: NodeJS.ProcessEnv = process.env): ObjectStore {
  const connections = new Map<string, GcsConnection>();
  const connection = (): GcsConnection => {
    const emulator = env.STORAGE_EMULATOR_HOST;
    const endpoint = emulator
      ? (/^https?:\/\//i.test(emulator) ? emulator : `http://${emulator}`).replace(/\/+$/, "")
      : "https://storage.googleapis.com";
    let found = connections.get(endpoint);
    if (!found) {
      const authorize = emulator
        ? (request: Parameters<ReturnType<typeof gcsAuth>>[0]) => Promise.resolve(request)
        : gcsAuth();
      found = { endpoint, http: createHttpClient({ texts, authorize }) };
      connections.set(endpoint, found);
    }
    return found;
  };

  const deleteOne = async (place: ObjectPlace, version?: string): Promise<void> => {
    const { http, endpoint } = connection();
    const condition = version === undefined ? "" : `?ifGenerationMatch=${encodePart(version)}`;
    await http.send({
      method: "DELETE",
      url: `${objectUrl(endpoint, place)}${condition}`,
      path: gcsPath(place),
      doing: "write",
      accept: version === undefined ? [404] : [404, 412],
    });
  };

  return {
    scheme: "gs",

    async stat(place) {
      const { http, endpoint } = connection();
      const answer = await http.send({
        method: "GET",
        url: `${objectUrl(endpoint, place)}?fields=${fields}`,
        path: gcsPath(place),
        doing: "read",
        accept: [404],
      });
      return answer.status === 404 ? undefined : infoOf(jsonOf(answer, gcsPath(place), "read") as GcsObject);
    },

    read(place, version, start, end) {
      const { http, endpoint } = connection();
      return http.readRange(
        {
          method: "GET",
          url: `${objectUrl(endpoint, place)}?alt=media&generation=${encodePart(version)}`,
          // Objects that are stored compressed come as they are stored: their size and ranges are those of the stored bytes.
          headers: { "accept-encoding": "gzip" },
          path: gcsPath(place),
          doing: "read",
          pinned: true,
        },
        {
          start,
          end,
          check(headers) {
            const generation = headers["x-goog-generation"];
            if (generation !== undefined && generation !== version) throw changedError(gcsPath(place));
          },
        },
      );
    },

    async *list(bucket, prefix, delimited) {
      const { http, endpoint } = connection();
      let pageToken: string | undefined;
      do {
        const query = [
          `prefix=${encodePart(prefix)}`,
          ...(delimited ? ["delimiter=%2F"] : []),
          ...(pageToken === undefined ? [] : [`pageToken=${encodePart(pageToken)}`]),
          "fields=nextPageToken,prefixes,items(name,size,updated,generation)",
        ];
        const answer = await http.send({
          method: "GET",
          url: `${endpoint}/storage/v1/b/${encodePart(bucket)}/o?${query.join("&")}`,
          path: `gs://${bucket}`,
          doing: "read",
        });
        const page = jsonOf(answer, `gs://${bucket}`, "read") as {
          items?: GcsObject[];
          prefixes?: string[];
          nextPageToken?: string;
        };
        yield { objects: (page.items ?? []).map(infoOf), folders: page.prefixes ?? [] };
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined && pageToken !== "");
    },

    async put(place, bytes, { token, expected }: PutOptions) {
      const { http, endpoint } = connection();
      const { body, contentType } = uploadBody(place, bytes, token);
      const answer = await http.send({
        method: "POST",
        url: `${uploadUrl(endpoint, place, "multipart")}${condition("&ifGenerationMatch=", expected)}`,
        headers: { "content-type": contentType },
        body,
        path: gcsPath(place),
        doing: "write",
        accept: expected ? [412] : [],
      });
      if (answer.status !== 412) return (jsonOf(answer, gcsPath(place), "write") as GcsObject).generation;
      // An attempt whose answer was lost may have won.
      const there = answer.repeated ? await this.stat(place) : undefined;
      return there?.token === token ? there.version : false;
    },

    startUpload: (place, token) => startGcsUpload(connection(), place, token),

    async copy(from, source, to, expected) {
      const { http, endpoint } = connection();
      const steps = `${objectUrl(endpoint, from)}/rewriteTo/b/${encodePart(to.bucket)}/o/${encodePart(to.name)}`;
      let rewriteToken: string | undefined;
      do {
        const answer = await http.send({
          method: "POST",
          url:
            `${steps}?sourceGeneration=${encodePart(source.version)}${condition("&ifGenerationMatch=", expected)}` +
            (rewriteToken === undefined ? "" : `&rewriteToken=${encodePart(rewriteToken)}`),
          path: gcsPath(from),
          doing: "write",
          accept: [412],
        });
        if (answer.status === 412) return false;
        const step = jsonOf(answer, gcsPath(from), "write") as { done?: boolean; rewriteToken?: string };
        rewriteToken = step.done === true ? undefined : step.rewriteToken;
      } while (rewriteToken !== undefined);
      return true;
    },

    delete: deleteOne,
    deleteAll: (bucket, names) => inTurns(names, (name) => deleteOne({ bucket, name })),
  };
}

function condition(name: string, expected: Expected | undefined): string {
  if (!expected) return "";
  return `${name}${"absent" in expected ? "0" : encodePart(expected.version)}`;
}

function infoOf({ name, size, updated, generation, metadata }: GcsObject): ObjectInfo {
  return {
    name,
    size: Number(size),
    lastModified: Date.parse(updated),
    version: generation,
    token: metadata?.[tokenName],
  };
}

/** An object's name is one part of the address there, slashes included. */
function objectUrl(endpoint: string, { bucket, name }: ObjectPlace): string {
  return `${endpoint}/storage/v1/b/${encodePart(bucket)}/o/${encodePart(name)}`;
}

function jsonOf(answer: StoreAnswer, path: string, doing: "read" | "write"): unknown {
  try {
    const value: unknown = JSON.parse(answer.body.toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw strangeAnswer(path, doing, texts.service);
}
