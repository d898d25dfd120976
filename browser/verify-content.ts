import { SnapshotError } from "../snapshot/error.js";
import { describeKey } from "../snapshot/key.js";
import { sameContent } from "./plan-import.js";
import { requested } from "./request.js";
import type { StoreBatch } from "./write-records.js";

/** Reads the content of stored Blobs back and compares hashes; possible only after the transaction that stored them. */
export async function verifyContent(db: IDBDatabase, { store, records }: StoreBatch): Promise<void> {
  for (const record of records) {
    if (record.blobs.length === 0) continue;
    const transaction = db.transaction(store, "readonly");
    const stored: unknown = await requested(transaction.objectStore(store).get(record.key as IDBValidKey));
    if (await sameContent(stored, record)) continue;
    throw new SnapshotError(
      "IMPORT_VERIFY_FAILED",
      `The content of a Blob in the record ${describeKey(record.key)} of "${store}" is not what was stored. Import the same file once more.`,
      { store, key: describeKey(record.key) },
    );
  }
}
