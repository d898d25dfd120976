import { encodeValue } from "../snapshot/encode-value.js";
import { compareKeyBytes } from "../snapshot/key.js";
import { timeOf } from "../snapshot/record-time.js";
import type { ConflictPolicy } from "./import-options.js";
import { dropErrorStacks } from "./error-stacks.js";
import { describeHostObject, placeholder } from "./host-objects.js";
import { platformValueAt } from "./key-path.js";
import { blobForm } from "./record-stage.js";
import type { ImportRecord } from "./revive-record.js";

/** What to do with a record whose key is taken. */
export type Decision = "unchanged" | "skipped" | "overwritten" | "deleted" | "conflict";

export interface ConflictRule {
  readonly policy: ConflictPolicy;
  readonly newerBy: string;
}

/** Decides between the value that is there and the record that comes. An equal value is never a conflict, so an import can be repeated. */
export function decide({ policy, newerBy }: ConflictRule, existing: unknown, record: ImportRecord): Decision {
  if (!record.deleted && sameValue(existing, record)) {
    // The content of Blobs cannot be read inside a transaction; storing them once more is always right.
    return policy === "overwrite" && record.blobs.length > 0 ? "overwritten" : "unchanged";
  }
  const take = record.deleted ? "deleted" : "overwritten";
  switch (policy) {
    case "fail":
      return "conflict";
    case "skip":
      return "skipped";
    case "overwrite":
      return take;
    case "newer":
      return isNewer(
        timeOf(platformValueAt(existing, newerBy)),
        record.deleted ? record.capturedAt : timeOf(platformValueAt(record.value, newerBy)),
      )
        ? take
        : "skipped";
  }
}

/** Without a time of its own a record is never newer; with one it is newer than a value without. A tombstone's time is its capture. */
function isNewer(existing: number | undefined, coming: number | undefined): boolean {
  return coming !== undefined && (existing === undefined || coming > existing);
}

/** Equal in everything but the content of Blobs and the stacks of errors. Most values are settled by the bytes they came as. */
export function sameValue(existing: unknown, record: ImportRecord): boolean {
  const bytes = comparableBytes(existing);
  if (record.valueBytes && compareKeyBytes(bytes, record.valueBytes) === 0) return true;
  if (compareKeyBytes(bytes, comparableBytes(record.value)) === 0) return true;
  const copies = [structuredClone(existing), structuredClone(record.value)] as const;
  if (!dropErrorStacks(copies[0]) || !dropErrorStacks(copies[1])) return false;
  return compareKeyBytes(comparableBytes(copies[0]), comparableBytes(copies[1])) === 0;
}

function comparableBytes(value: unknown): Uint8Array {
  return encodeValue(value, {
    hostObject(object) {
      if (object instanceof Blob) return blobForm(object);
      const form = describeHostObject(object);
      if (!form || "type" in form) return form;
      // Two keys or handles cannot be compared; that there is one of the same kind is all that can be said.
      return placeholder(
        "pending" in form ? { type: "CryptoKey", reason: form.pending.type } : form.unportable,
      );
    },
  });
}

/** The Blobs of a value in the order in which the codec meets them, each object once. */
export function blobsIn(value: unknown): Blob[] {
  const blobs: Blob[] = [];
  encodeValue(value, {
    hostObject(object) {
      if (!(object instanceof Blob)) {
        const form = describeHostObject(object);
        return form && "type" in form ? form : undefined;
      }
      blobs.push(object);
      return blobForm(object);
    },
  });
  return blobs;
}
