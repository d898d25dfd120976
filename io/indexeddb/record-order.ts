import { compareKeyBytes } from "../../snapshot/index.js";

/** The order of a snapshot's records: by object store (code units of the name), then by key. */
export function compareIdentity(a: Identity, b: Identity): number {
  if (a.store !== b.store) return a.store < b.store ? -1 : 1;
  return compareKeyBytes(a.keyBytes, b.keyBytes);
}

interface Identity {
  readonly store: string;
  readonly keyBytes: Uint8Array;
}
