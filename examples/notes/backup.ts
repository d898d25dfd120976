import { type ImportResult, exportDB, importDB, isSnapshotError } from "beam-indexeddb/browser";
import { type NotesDatabase, type NotesDB, databaseVersion } from "./database.js";
import { formatBytes } from "./element.js";

export interface BackupTask {
  readonly onText: (text: string, fraction: number | undefined) => void;
  readonly signal: AbortSignal;
}

/** The worker that does the work beside the page; build.mjs puts it here. */
const worker = new URL("worker.js", import.meta.url);

/** All stores, as one moment: other tabs may go on writing. */
export async function exportNotes(
  db: NotesDatabase,
  { onText, signal }: BackupTask,
  device?: string,
): Promise<Blob> {
  const stream = exportDB<NotesDB>(db, {
    signal,
    worker,
    ...(device === undefined ? {} : { device }),
    onProgress: ({ phase, records, total, bytes }) => {
      if (phase === "read")
        onText(`Reading ${records} of ${total} records`, total === 0 ? undefined : records / total);
      else onText(`Writing ${formatBytes(bytes)}`, undefined);
    },
  });
  return new Response(stream, { headers: { "Content-Type": "application/octet-stream" } }).blob();
}

/**
 * Brings in the notes of a snapshot. Of a note that both sides have the later edit stays, deletions included; the outbox of the other device
 * is none of this one's.
 */
export function importNotes(file: Blob, { onText, signal }: BackupTask): Promise<ImportResult> {
  const steps = {
    receive: "Receiving",
    check: "Checking",
    plan: "Comparing",
    import: "Importing",
    done: "Done",
  };
  return importDB(file, {
    stores: ["notes"],
    onConflict: "newer",
    newerBy: "updatedAt",
    version: databaseVersion,
    signal,
    worker,
    onProgress: ({ phase, records, total }) => {
      onText(
        `${steps[phase]} ${total > 0 ? `${records} of ${total} notes` : "…"}`,
        total > 0 ? records / total : undefined,
      );
    },
  });
}

/** "3 new, 2 updated, 5 unchanged". */
export function describeImport({ stores }: ImportResult): string {
  const sum = (pick: (store: ImportResult["stores"][number]) => number): number =>
    stores.reduce((total, store) => total + pick(store), 0);
  const parts = [
    [sum((store) => store.added), "new"],
    [sum((store) => store.overwritten), "updated"],
    [sum((store) => store.deleted), "deleted"],
    [sum((store) => store.skipped + store.unchanged), "unchanged"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

/** What went wrong, for the person in front of the screen. */
export function describeFailure(error: unknown): string {
  if (!isSnapshotError(error)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case "SNAPSHOT_EMPTY":
    case "SNAPSHOT_BAD_MAGIC":
      return "This file is no snapshot. Choose a file that ends in .idbsnap.";
    case "SNAPSHOT_TRUNCATED":
    case "SNAPSHOT_CHECKSUM_MISMATCH":
      return "The file is damaged, and nothing was changed. Copy it again from where it came from.";
    case "IMPORT_QUOTA_EXCEEDED":
      return "The browser has no room left for these notes. Free some space and try again.";
    case "EXPORT_ABORTED":
    case "IMPORT_ABORTED":
      return "Cancelled.";
    default:
      return error.message;
  }
}
