import { SnapshotError } from "../../snapshot/index.js";
import { gcsUrl, type GcsLocation } from "./gcs-location.js";
import { type HttpAnswer, type HttpClient, mayPass, pauseMs, type Wait } from "./http-client.js";
import { refusal } from "./http-error.js";
import type { UploadSource } from "./upload-source.js";

/** Where and how objects are written. */
export interface UploadSettings {
  readonly http: HttpClient;
  /** Default: Google's. */
  readonly endpoint?: string | undefined;
  /** Bytes a request, a multiple of 256 KiB. Default 8 MiB. */
  readonly chunkBytes?: number | undefined;
  /** Called with the bytes that have arrived. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly wait: Wait;
  readonly signal?: AbortSignal | undefined;
}

const defaultEndpoint = "https://storage.googleapis.com";
const defaultChunkBytes = 8 * 1024 * 1024;
const chunkTimeoutMs = 300_000;
/** So often in a row may a chunk bring nothing forward. */
const mostFailures = 8;
const mostSessions = 3;

/**
 * Writes an object of Cloud Storage, unless the same bytes are there already. Uploads go on where they were interrupted. When it resolves, the service has told
 * the length and the MD5 of what it holds, and they are those of the source.
 *
 * @returns whether anything was sent
 * @throws SnapshotError RUNNER_SERVICE_FAILED, RUNNER_ENDPOINT_UNREACHABLE; RUNNER_ARTIFACT_REFUSED when the source has changed since its checksums
 * were taken
 */
export async function uploadObject(
  location: GcsLocation,
  source: UploadSource,
  settings: UploadSettings,
): Promise<boolean> {
  if (isSame(await existing(location, settings), source)) return false;
  for (let n = 1; n <= mostSessions; n++) {
    const session = await openSession(location, source, settings);
    const object = await sendAll(session, location, source, settings);
    if (object && isSame(object, source)) return true;
    // A session that the service has forgotten, or bytes damaged on the way.
  }
  throw failed(location, "took the bytes, but what it holds now is not what was sent. Run it again");
}

interface StoredObject {
  readonly size?: string;
  /** Missing only of objects that were composed of several: those of uploads have it. */
  readonly md5Hash?: string;
}

function isSame(object: StoredObject | undefined, { length, md5 }: UploadSource): boolean {
  return object?.size === String(length) && object.md5Hash === md5;
}

async function existing(
  location: GcsLocation,
  { http, endpoint = defaultEndpoint }: UploadSettings,
): Promise<StoredObject | undefined> {
  const { bucket, path } = location;
  const answer = await http.send({
    method: "GET",
    url: `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(path)}?fields=size,md5Hash`,
    what: `tell about ${gcsUrl(location)}`,
    accept: [200, 404],
  });
  return answer.status === 200 ? objectOf(answer) : undefined;
}

/** An upload's URL is the permission to write to it: it gets into no message. */
async function openSession(
  location: GcsLocation,
  source: UploadSource,
  { http, endpoint = defaultEndpoint }: UploadSettings,
): Promise<string> {
  const { bucket, path } = location;
  const { headers } = await http.send({
    method: "POST",
    url: `${endpoint}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?uploadType=resumable&name=${encodeURIComponent(path)}`,
    headers: {
      "content-type": "application/json; charset=UTF-8",
      "x-upload-content-type": "application/octet-stream",
      "x-upload-content-length": String(source.length),
    },
    // The service itself refuses bytes with another checksum.
    body: Buffer.from(JSON.stringify({ name: path, md5Hash: source.md5 })),
    what: `begin the upload of ${gcsUrl(location)}`,
  });
  const session = headers.get("location") ?? "";
  const isSafe = URL.canParse(session) && (session.startsWith("https:") || endpoint.startsWith("http:"));
  if (!isSafe) throw failed(location, "named no address for it");
  return session;
}

/** Undefined when the session has ended without its object. */
async function sendAll(
  session: string,
  location: GcsLocation,
  source: UploadSource,
  settings: UploadSettings,
): Promise<StoredObject | undefined> {
  const { length } = source;
  const { chunkBytes = defaultChunkBytes, wait, signal } = settings;
  let offset = 0;
  let failures = 0;
  let isLost = false;
  while (true) {
    signal?.throwIfAborted();
    const end = Math.min(offset + chunkBytes, length);
    const range = isLost || length === 0 ? `bytes */${length}` : `bytes ${offset}-${end - 1}/${length}`;
    const body = isLost || length === 0 ? new Uint8Array() : await readChunk(source, offset, end);
    const answer = await put(session, location, range, body, settings);
    if (answer instanceof SnapshotError || mayPass(answer.status)) {
      isLost = true;
      if (++failures === mostFailures)
        throw answer instanceof SnapshotError ? answer : refusal(uploading(location), session, answer);
      await wait(pauseMs(failures), signal);
      continue;
    }
    const wasLost = isLost;
    isLost = false;
    if (answer.status === 404 || answer.status === 410 || isDamaged(answer)) return undefined;
    if (answer.status === 400) throw refusal(uploading(location), session, answer);
    if (answer.status !== 308) {
      settings.onProgress?.(length, length);
      return objectOf(answer);
    }
    const arrived = arrivedBytes(answer, location, length);
    if (arrived > offset) failures = 0;
    else if (!wasLost && ++failures === mostFailures)
      throw failed(location, "takes no more of it. Try again later");
    offset = arrived;
    settings.onProgress?.(arrived, length);
  }
}

/** The answer, or why there is none. Whether the bytes have arrived is not known then, so nothing is sent again blindly. */
async function put(
  session: string,
  location: GcsLocation,
  range: string,
  body: Uint8Array,
  { http, signal }: UploadSettings,
): Promise<HttpAnswer | SnapshotError> {
  try {
    return await http.send({
      method: "PUT",
      url: session,
      headers: { "content-range": range },
      body,
      what: uploading(location),
      accept: [200, 201, 308, 400, 404, 408, 410, 429, 500, 502, 503, 504],
      authorized: false,
      timeoutMs: chunkTimeoutMs,
      attempts: 1,
      signal,
    });
  } catch (error) {
    if (error instanceof SnapshotError && error.code === "RUNNER_ENDPOINT_UNREACHABLE") return error;
    throw error;
  }
}

async function readChunk(source: UploadSource, start: number, end: number): Promise<Uint8Array> {
  const chunk = await source.read(start, end).catch(() => undefined);
  if (chunk?.length === end - start) return chunk;
  throw new SnapshotError(
    "RUNNER_ARTIFACT_REFUSED",
    `${JSON.stringify(source.title)} has changed since the job was prepared, so the job was not started. Run it again.`,
    { file: source.title },
  );
}

function arrivedBytes({ headers }: HttpAnswer, location: GcsLocation, length: number): number {
  const range = headers.get("range");
  if (range === null) return 0;
  const last = Number(/^bytes=0-(\d+)$/.exec(range)?.[1]);
  if (last + 1 <= length) return last + 1;
  throw failed(location, `says that it has ${JSON.stringify(range)} of ${length} bytes`);
}

/** The service has compared what came with the MD5 that was told at the begin. */
function isDamaged({ status, text }: HttpAnswer): boolean {
  return status === 400 && /md5|checksum|hash/i.test(text);
}

function objectOf({ text }: HttpAnswer): StoredObject {
  try {
    return (JSON.parse(text) as StoredObject | null) ?? {};
  } catch {
    return {};
  }
}

function uploading(location: GcsLocation): string {
  return `take the upload of ${gcsUrl(location)}`;
}

function failed(location: GcsLocation, what: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `The upload of ${gcsUrl(location)} failed: Cloud Storage ${what}.`,
  );
}
