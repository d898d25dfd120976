import type { HttpClient } from "../http/http-client.js";
import type { ObjectPlace } from "../object-store/object-store.js";

/** What requests to Cloud Storage need: who sends them, and where to. */
export interface GcsConnection {
  readonly http: HttpClient;
  readonly endpoint: string;
}

/** Under which an object keeps the token of the write that made it. */
export const tokenName = "beam-indexeddb-write";

/** As the user writes it. */
export function gcsPath({ bucket, name }: ObjectPlace): string {
  return `gs://${bucket}/${name}`;
}
