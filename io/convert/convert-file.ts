import {
  type ByteSource,
  encodeValue,
  SnapshotError,
  SnapshotRecord,
  SnapshotWriter,
  toHex,
} from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { nodePlatform } from "../node-platform.js";
import type { ConversionReport, ForeignDatabase, ForeignRecord } from "./conversion.js";
import { jsonParts } from "./json-parts.js";
import { isDexiePart, readDexie } from "./read-dexie.js";
import { readStorageState, type StorageStateSelection } from "./read-storage-state.js";

/** What is converted, and what the snapshot says of its origin. */
export interface ConvertOptions extends StorageStateSelection {
  /** Device id in the snapshot. Default: the name of the input file. */
  readonly device?: string | undefined;
  /** Capture time in the snapshot, milliseconds since the epoch. Default: the input file's time of change. */
  readonly capturedAt?: number | undefined;
  readonly onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined;
}

type Contents = Map<string, { readonly sha256: Uint8Array; readonly bytes: Uint8Array }>;

const chunkBytes = 256 << 10;

/**
 * Converts a file of another tool into a snapshot, as a stream: files of dexie-export-import, and Playwright's storage states with IndexedDB. Which of them it is, the
 * file itself tells. What is in the file is converted exactly or the conversion fails; what the tool had lost before is reported as `issues`.
 *
 * @param output Path of the snapshot; an existing file is replaced when the conversion has ended well.
 * @throws SnapshotError CONVERT_FORMAT_UNKNOWN, CONVERT_INVALID, CONVERT_DATABASE_UNCLEAR, SNAPSHOT_KEY_INVALID, SNAPSHOT_KEY_ORDER, FILE_...
 * @example const { issues } = await convertFile("dump.json", "notes.idbsnap");
 */
export async function convertFile(
  input: string,
  output: string,
  options: ConvertOptions = {},
): Promise<ConversionReport> {
  const files = fileSystemOf(input);
  const source = await files.open(input);
  try {
    const contents: Contents = new Map();
    const foreign = await openForeign(source, input, contents, options);
    const capturedAt = options.capturedAt ?? (await files.stat(input))?.lastModified ?? 0;
    const device = options.device ?? /[^/\\]*$/.exec(input)![0];
    const summary = await writeSnapshot(output, foreign, contents, { device, capturedAt });
    const issues = foreign.issues();
    return {
      format: foreign.format,
      database: foreign.schema.name,
      version: foreign.schema.version,
      origin: foreign.origin,
      issues,
      complete: !issues.some(({ code }) => code === "ROWS_MISSING"),
      summary,
    };
  } catch (error) {
    throw inFile(error, input);
  } finally {
    await source.close();
  }
}

async function openForeign(
  source: ByteSource,
  input: string,
  contents: Contents,
  { onProgress, origin, database }: ConvertOptions,
): Promise<ForeignDatabase> {
  const start = Buffer.from(await source.slice(0, Math.min(4096, source.byteLength)))
    .toString("utf8")
    .replace(/^\ufeff/, "");
  if (/^\s*\{\s*"formatName"\s*:\s*"dexie"/.test(start)) {
    const addContent = (sha256: Uint8Array, bytes: Uint8Array): void => {
      contents.set(toHex(sha256), { sha256, bytes });
    };
    const foreign = await readDexie(jsonParts(chunksOf(source, onProgress), isDexiePart), { addContent });
    if (database !== undefined && database !== foreign.schema.name) {
      throw new SnapshotError(
        "CONVERT_DATABASE_UNCLEAR",
        `The file holds the database ${JSON.stringify(foreign.schema.name)}, not ${JSON.stringify(database)}.`,
      );
    }
    return foreign;
  }
  if (/^\s*\{\s*"(cookies|origins)"\s*:/.test(start))
    return readStorageState(() => chunksOf(source, onProgress), { origin, database });
  throw new SnapshotError(
    "CONVERT_FORMAT_UNKNOWN",
    `${JSON.stringify(input)} is neither a file of dexie-export-import nor a storage state of Playwright: it begins otherwise.`,
  );
}

async function* chunksOf(
  source: ByteSource,
  onProgress: ((done: number, total: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { byteLength } = source;
  for (let at = 0; at < byteLength; at += chunkBytes) {
    yield await source.slice(at, Math.min(at + chunkBytes, byteLength));
    onProgress?.(Math.min(at + chunkBytes, byteLength), byteLength);
  }
}

async function writeSnapshot(
  output: string,
  { schema, records }: ForeignDatabase,
  contents: Contents,
  origin: { readonly device: string; readonly capturedAt: number },
) {
  const file = await fileSystemOf(output).create(output);
  try {
    const writer = new SnapshotWriter(file, { database: schema, origin }, { platform: nodePlatform });
    for await (const record of records) {
      const frame = frameOf(record);
      for (const { sha256, bytes } of contents.values())
        await writer.addAttachment(sha256, bytes.length, [bytes]);
      contents.clear();
      await writer.add(frame);
    }
    const summary = await writer.finish();
    await file.close();
    return summary;
  } catch (error) {
    await file.abort();
    throw error;
  }
}

function frameOf({ store, key, value }: ForeignRecord) {
  const { keyBytes, negativeZeros } = SnapshotRecord.of({ store, key, value: null });
  return { store, keyBytes, valueBytes: encodeValue(value), negativeZeros };
}

function inFile(error: unknown, file: string): unknown {
  if (!(error instanceof SnapshotError) || error.file !== undefined) return error;
  const { code, message, offset, store, key } = error;
  return new SnapshotError(code, `${JSON.stringify(file)}: ${message}`, {
    file,
    offset,
    store,
    key,
    cause: error,
  });
}
