import {
  type AsyncDoFn,
  asyncParDo,
  type Counter,
  type CounterFamily,
  counter,
  counterFamily,
  create,
  type PCollection,
  type PTransform,
  registerFunctions,
  reshuffle,
  type Root,
  type Tagged,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { checkOptionNames } from "../check-options.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import { checkReadPath } from "../file/check-path.js";
import { type FileMetadata, fileSystemOf } from "../file/file-system.js";
import { type EmptyMatchTreatment, matchAll } from "../file/match.js";
import { printablePath } from "../file/printable-path.js";
import { readLines, textOf } from "./read-lines.js";
import { fromTypedLine } from "./typed-line.js";

/** What happens with files that match no pattern, and with lines that are no records. */
export interface ReadFromJsonLinesOptions {
  /** What happens when the pattern matches no file. Default "DISALLOW". */
  readonly emptyMatchTreatment?: EmptyMatchTreatment | undefined;
  /**
   * Takes lines that are no records, and files that can't be read, as FailedRecord with file, offset and code. Called once, while the pipeline is built. Without
   * it, the first fault fails the job.
   */
  readonly errorHandler?: ((failedRecords: PCollection<FailedRecord>) => void) | undefined;
}

interface JsonLinesOutputs {
  records: SnapshotRecord;
  failedRecords: FailedRecord;
}

interface ReadLinesContext {
  readonly records: CounterFamily;
  readonly failures: Counter;
}

/** Reads the lines of a file. */
export class ReadJsonLines implements AsyncDoFn<FileMetadata, Tagged<JsonLinesOutputs>, ReadLinesContext> {
  readonly beamName = "readLines";
  readonly keepsFailures: boolean;

  constructor(keepsFailures: boolean) {
    this.keepsFailures = keepsFailures;
  }

  async *process(
    { path }: FileMetadata,
    context: ReadLinesContext,
  ): AsyncGenerator<Tagged<JsonLinesOutputs>> {
    const refuse = (error: unknown, offset?: number): Tagged<JsonLinesOutputs> => {
      if (!this.keepsFailures || !(error instanceof SnapshotError)) throw error;
      context.failures.increment(1);
      return { failedRecords: failedRecord(undefined, error, { file: printablePath(path), offset }) };
    };
    // What is shown of an address has no password and no signature.
    const shown = printablePath(path);
    try {
      const source = await fileSystemOf(path).open(path);
      try {
        for await (const line of readLines(source, shown)) {
          const { offset } = line;
          let record: SnapshotRecord;
          try {
            record = fromTypedLine(textOf(line));
          } catch (error) {
            yield refuse(inFile(error, shown, offset), offset);
            continue;
          }
          context.records.increment(record.store, 1);
          yield { records: record };
        }
      } finally {
        await source.close();
      }
    } catch (error) {
      yield refuse(error);
    }
  }
}

function inFile(error: unknown, file: string, offset: number): unknown {
  if (!(error instanceof SnapshotError)) return error;
  return new SnapshotError(
    error.code,
    `Line at byte ${offset} of ${JSON.stringify(file)}: ${error.message}`,
    { file, offset, cause: error },
  );
}

/**
 * Reads records from JSON Lines that `writeToJsonLines` wrote with `form: "typed"`, gzipped or not: database, object store, key, value, deletion and origin, exactly.
 * The content of Blobs is not in such files. Each file is read by one worker, line by line. Metrics: `recordsRead/<store>`, `readFailures`.
 *
 * @param filePattern Path of a file, or a pattern with `*`, `**`, `?`, `[a-z]`, `{a,b}`.
 * @throws TypeError for wrong options, when the pipeline is built; while it runs FILE_NO_MATCH, FILE_READ_FAILED, SNAPSHOT_MALFORMED, SNAPSHOT_KEY_INVALID,
 *   SNAPSHOT_LIMIT_EXCEEDED (a line of over 256 MiB)
 * @example
 * const records = root.apply(readFromJsonLines("out/*.jsonl.gz"));
 */
export function readFromJsonLines(
  filePattern: string,
  options: ReadFromJsonLinesOptions = {},
): PTransform<Root, PCollection<SnapshotRecord>> {
  if (typeof filePattern !== "string" || filePattern === "")
    throw new TypeError(
      'readFromJsonLines: the first argument is the path or pattern of files, such as "out/*.jsonl".',
    );
  checkReadPath(filePattern);
  checkOptionNames("readFromJsonLines", options, ["emptyMatchTreatment", "errorHandler"]);
  const { emptyMatchTreatment = "DISALLOW", errorHandler } = options;
  return withName(`readFromJsonLines(${printablePath(filePattern)})`, (root: Root) => {
    const { records, failedRecords } = root
      .apply(withName("pattern", create([filePattern])))
      .apply(matchAll({ emptyMatchTreatment }))
      .apply(withName("spreadFiles", reshuffle<FileMetadata>()))
      .apply(
        asyncParDo(
          new ReadJsonLines(errorHandler !== undefined),
          { concurrency: 1 },
          { records: counterFamily("recordsRead"), failures: counter("readFailures") },
        ),
      )
      .apply(taggedOutputs<JsonLinesOutputs>(["records", "failedRecords"]));
    errorHandler?.(failedRecords);
    return records;
  });
}

registerFunctions("beam-indexeddb/io", { ReadJsonLines });
