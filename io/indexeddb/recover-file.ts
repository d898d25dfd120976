import {
  type LostRange,
  type RecoveredSnapshot,
  recoverSnapshot,
  SnapshotError,
  type SnapshotRecord,
  type SnapshotSummary,
  SnapshotWriter,
  toHex,
  valueAttachments,
} from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import { fileSystemOf, type FileWriter } from "../file/file-system.js";
import { nodePlatform } from "../node-platform.js";

/** What was saved of a damaged file, and what is lost. */
export interface RecoveryReport {
  /** True when nothing was lost. */
  readonly complete: boolean;
  readonly lost: readonly LostRange[];
  /** Records that were written. */
  readonly records: number;
  /** Records known to be lost with their blocks; undefined when the footer was lost and nobody knows. */
  readonly recordsLost: number | undefined;
  /** Intact records that could not be written, for want of a Blob's content. */
  readonly failedRecords: readonly FailedRecord[];
  /** The file that was written; undefined in a dry run. */
  readonly summary: SnapshotSummary | undefined;
}

/**
 * Writes what is intact of a damaged snapshot into a new one, and reports exactly what is missing.
 * @param output Path of the new file; without it, the damaged file is only examined.
 * @throws SnapshotError SNAPSHOT_EMPTY, SNAPSHOT_BAD_MAGIC, SNAPSHOT_VERSION_UNSUPPORTED, SNAPSHOT_TRUNCATED (nothing is left), FILE_...
 */
export async function recoverFile(
  input: string,
  output?: string,
  onProgress?: (done: number, total: number) => void,
): Promise<RecoveryReport> {
  if (output !== undefined && (await fileSystemOf(output).stat(output)) !== undefined) {
    throw new SnapshotError(
      "FILE_NOT_WRITABLE",
      `${JSON.stringify(output)} is there already, and a recovery never replaces a file: it may be the damaged one, or a better copy. Choose another name.`,
      { file: output },
    );
  }
  const source = await fileSystemOf(input).open(input);
  try {
    const recovered = await recoverSnapshot(source, { platform: nodePlatform, onProgress });
    const failedRecords: FailedRecord[] = [];
    const summary = await writeRecovered(recovered, output, failedRecords);
    return {
      complete: recovered.complete && failedRecords.length === 0,
      lost: recovered.lost,
      records: summary.records,
      recordsLost: recovered.recordsLost,
      failedRecords,
      summary: output === undefined ? undefined : summary,
    };
  } finally {
    await source.close();
  }
}

async function writeRecovered(
  recovered: RecoveredSnapshot,
  output: string | undefined,
  failed: FailedRecord[],
): Promise<SnapshotSummary> {
  // Without an output the same is done for nobody, so that both give the same report.
  const file = output === undefined ? nowhere : await fileSystemOf(output).create(output);
  try {
    const writer = new SnapshotWriter(file, recovered.header, { platform: nodePlatform });
    for await (const record of recovered.records()) {
      const lost = await addContent(writer, recovered, record);
      if (lost === undefined) await writer.add(frameOf(record, recovered));
      else failed.push(failedRecord(record, lost));
    }
    const summary = await writer.finish();
    await file.close();
    return summary;
  } catch (error) {
    await file.abort();
    throw error;
  }
}

const nowhere: FileWriter = {
  write: () => undefined,
  close: () => Promise.resolve(),
  abort: () => Promise.resolve(),
};

/** The snapshot's own records stay its own. */
function frameOf(record: SnapshotRecord, { header }: RecoveredSnapshot) {
  const { store, keyBytes, valueBytes, deleted, negativeZeros, origin } = record;
  const own = origin.device === header.origin.device && origin.capturedAt === header.origin.capturedAt;
  return { store, keyBytes, valueBytes, deleted, negativeZeros, origin: own ? undefined : origin };
}

async function addContent(
  writer: SnapshotWriter,
  recovered: RecoveredSnapshot,
  record: SnapshotRecord,
): Promise<SnapshotError | undefined> {
  const contents = record.valueBytes ? valueAttachments(record.valueBytes) : [];
  const missing = contents.find(
    ({ sha256 }) => !writer.hasAttachment(sha256) && !recovered.attachment(sha256),
  );
  if (missing) {
    return new SnapshotError(
      "SNAPSHOT_ATTACHMENT_MISSING",
      `The content ${toHex(missing.sha256).slice(0, 12)}... of a Blob in ${record.describe()} is lost.`,
    );
  }
  for (const { sha256, size } of contents) {
    if (!writer.hasAttachment(sha256))
      await writer.addAttachment(sha256, size, recovered.attachment(sha256)!.stream());
  }
  return undefined;
}
