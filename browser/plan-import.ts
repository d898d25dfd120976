import { toHex } from "../snapshot/hex.js";
import { hashBlob } from "./blob-content.js";
import { type ConflictRule, blobsIn, decide } from "./conflict.js";
import { requested } from "./request.js";
import type { ImportRecord } from "./revive-record.js";
import { type Outcome, type StoreBatch, conflictError, noOutcome } from "./write-records.js";

/**
 * What storing a batch would do, without doing it. `db` may be undefined: then nothing is there yet.
 * @throws SnapshotError IMPORT_CONFLICT under the policy "fail".
 */
export async function planBatch(
  db: IDBDatabase | undefined,
  batch: StoreBatch,
  rule: ConflictRule,
): Promise<Outcome> {
  const outcome = noOutcome();
  if (!db || batch.wasEmpty) {
    for (const { deleted } of batch.records) outcome[deleted ? "unchanged" : "added"]++;
    return outcome;
  }
  const transaction = db.transaction(batch.store, "readonly");
  const store = transaction.objectStore(batch.store);
  const sameButForContent: [ImportRecord, unknown][] = [];
  const found = batch.records.map((record) => ({
    record,
    key: requested(store.getKey(record.key as IDBValidKey)),
    value: requested(store.get(record.key as IDBValidKey) as IDBRequest<unknown>),
  }));
  for (const { record, key, value } of found) {
    const [existingKey, existing] = await Promise.all([key, value]);
    if (existingKey === undefined) {
      outcome[record.deleted ? "unchanged" : "added"]++;
      continue;
    }
    const decision = decide(rule, existing, record);
    if (decision === "conflict") throw conflictError(batch.store, record);
    outcome[decision]++;
    if (rule.policy === "fail" && record.blobs.length > 0) sameButForContent.push([record, existing]);
  }
  for (const [record, existing] of sameButForContent) {
    if (!(await sameContent(existing, record))) throw conflictError(batch.store, record);
  }
  return outcome;
}

/** Do the Blobs of the value that is there have the content that the record refers to? Only possible outside the transaction. */
export async function sameContent(existing: unknown, record: ImportRecord): Promise<boolean> {
  const there = blobsIn(existing);
  if (there.length !== record.blobs.length) return false;
  for (const [at, blob] of there.entries()) {
    if (toHex(await hashBlob(blob)) !== toHex(record.blobs[at]!.sha256)) return false;
  }
  return true;
}
