/** A place in Google Cloud Storage. */
export interface GcsLocation {
  readonly bucket: string;
  /** Name of an object, or of what objects there begin with: without a "/" at its ends. */
  readonly path: string;
}

const bucketName = /^[a-z0-9](?:[a-z0-9._-]{1,220}[a-z0-9])$/;
/** Names of objects are longer than what they begin with, and the service takes 1024 bytes of UTF-8. */
const mostPathBytes = 800;

/** Takes a `gs://bucket/path` apart; undefined for anything that is none. A "/" at its end does not matter. */
export function parseGcsLocation(url: string): GcsLocation | undefined {
  const [, bucket, rest = ""] = /^gs:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket === undefined || !bucketName.test(bucket)) return undefined;
  const path = rest.replace(/\/$/, "");
  const isPlain =
    path === "" || path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

  if (!isPlain || /[\x00-\x1f\x7f#?*[\]]/.test(path) || Buffer.byteLength(path) > mostPathBytes)
    return undefined;
  return { bucket, path };
}

/** A place below another one. */
export function below({ bucket, path }: GcsLocation, ...names: readonly string[]): GcsLocation {
  return { bucket, path: [path, ...names].filter((part) => part !== "").join("/") };
}

/** As `gs://bucket/path`. */
export function gcsUrl({ bucket, path }: GcsLocation): string {
  return path === "" ? `gs://${bucket}` : `gs://${bucket}/${path}`;
}

/** As Dataflow's job descriptions name places. */
export function storagePath({ bucket, path }: GcsLocation): string {
  return path === "" ? `storage.googleapis.com/${bucket}` : `storage.googleapis.com/${bucket}/${path}`;
}
