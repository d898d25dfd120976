import { readdirSync } from "node:fs";
import {
  create,
  flatten,
  P,
  type PCollection,
  runDirect,
  type PTransform,
  withName,
} from "../../../beam/index.js";
import type { FailedRecord, WriteRecordFilesResult } from "../../../io/index.js";
import { assertElements } from "../../../testing/index.js";
import { type Key, type Origin, SnapshotRecord } from "../../../snapshot/index.js";

export const origin = (capturedAt: number, device = "phone", sequence = 0): Origin => ({
  device,
  snapshot: "",
  capturedAt,
  sequence,
});

export const put = (
  key: Key,
  value: unknown,
  from: Origin = origin(1000),
  store = "notes",
  database = "app",
) => SnapshotRecord.of({ database, store, key, value, origin: from });

export const tombstone = (key: Key, from: Origin, store = "notes", database = "app") =>
  SnapshotRecord.of({ database, store, key, deleted: true, origin: from });

export interface Written {
  readonly counters: Readonly<Record<string, number>>;
}

/** Runs a sink of record files over the records; each inner array comes from a source of its own. */
export async function writeRecords(
  bundles: readonly (readonly SnapshotRecord[])[],
  sink: PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult>,
  expectedFailures: readonly { readonly store: string; readonly code: string }[] = [],
): Promise<Written> {
  const { metrics } = await runDirect((root) => {
    const sources = bundles.map((records, i) => root.apply(withName(`bundle ${i}`, create([...records]))));
    const { failedRecords } = P(sources).apply(flatten<SnapshotRecord>()).apply(sink);
    failedRecords.map(codeOf).apply(assertElements([...expectedFailures]));
  });
  return { counters: metrics.counters };
}

function codeOf({ store, error }: FailedRecord): { store: string; code: string } {
  return { store: store ?? "", code: error.code };
}

/** Names of the files in a folder, hidden ones too. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}
