import { sameContent } from "./plan-import.js";
import { recordError } from "../snapshot/record-error.js";
import { requested } from "./request.js";
import type { StoreBatch } from "./write-records.js";

/** Reads the content of stored Blobs back and compares hashes; possible only after the transaction that stored them. */
export async function verifyContent(db: IDBDatabase, { store, records }: StoreBatch): Promise<void> {
  for (const record of records) {
    if (record.blobs.length === 0) continue;
    const transaction = db.transaction(store, "readonly");
    const stored: unknown = await requested(transaction.objectStore(store).get(record.key as IDBValidKey));
    if (await sameContent(stored, record)) continue;
    throw recordError(
      "IMPORT_VERIFY_FAILED",
      store,
      record.key,
      "has a Blob whose content is not what was stored. Import the same file once more.",
    );
  }
}
