import {
  type AsyncDoFn,
  asyncParDo,
  create,
  flatten,
  groupBy,
  P,
  type PCollection,
  type PTransform,
  registerFunctions,
  withName,
} from "../../beam/index.js";
import { SnapshotError } from "../../snapshot/index.js";
import { checkWritePath } from "../file/check-path.js";
import { fileSystemOf } from "../file/file-system.js";
import { joinPath } from "../file/join-path.js";
import { closeTempFolder, openTempFolder, removeAbandoned, tempFolderFor } from "../file/temp-folder.js";

/** The path of the file, once it is there. */
export type WriteToJsonResult = Readonly<{ filesWritten: PCollection<string> }>;

/**
 * Writes all elements, which must be plain JSON values, as one JSON file: an array, sorted by the elements' text, one element a line. For summaries,
 * not for data: everything is held in memory in one place. The file appears at once, also when there is no element ("[]").
 * @throws SnapshotError FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED
 * @example counts.apply(writeToJson("out/summary.json"));
 */
export function writeToJson<T>(path: string): PTransform<PCollection<T>, WriteToJsonResult> {
  if (typeof path !== "string" || path === "")
    throw new TypeError('writeToJson: give the path of the file, such as "out/summary.json".');
  checkWritePath(path);
  return withName(`writeToJson(${path})`, (elements: PCollection<T>) => {
    const texts = elements.apply(withName("toText", (input: PCollection<T>) => input.map(jsonText)));
    // The empty text stands for the file itself, which is written even when there is no element.
    const always = elements.root().apply(withName("evenIfEmpty", create([""])));
    const filesWritten = P([texts, always])
      .apply(withName("all", flatten<string>()))
      .apply(withName("together", groupBy<string, string>(oneGroup)))
      .apply(asyncParDo(new WriteJsonFile(path)));
    return { filesWritten };
  });
}

export class WriteJsonFile implements AsyncDoFn<{ readonly value: Iterable<string> }, string> {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async process({ value }: { readonly value: Iterable<string> }): Promise<string[]> {
    const lines = [...value].filter((text) => text !== "").sort();
    // In a folder that says whose it is, so that a rerun removes what a killed run left.
    const fileSystem = fileSystemOf(this.path);
    await removeAbandoned(this.path);
    const folder = tempFolderFor(this.path);
    openTempFolder(folder);
    try {
      const aside = joinPath(folder, "json");
      const file = await fileSystem.create(aside);
      await file.write(Buffer.from(lines.length === 0 ? "[]\n" : `[\n${lines.join(",\n")}\n]\n`));
      await file.close();
      await fileSystem.rename(aside, this.path);
    } finally {
      await closeTempFolder(folder);
    }
    return [this.path];
  }
}

function jsonText(element: unknown): string {
  const text = JSON.stringify(element, refuseOthers) as string | undefined;
  if (text === undefined) throw notJson(element);
  return text;
}

/** What JSON.stringify would turn into something else, or leave out, in silence. */
function refuseOthers(this: unknown, name: string, value: unknown): unknown {
  const original: unknown = (this as Readonly<Record<string, unknown>>)[name];
  const isPlain =
    typeof original === "object"
      ? original === null || Array.isArray(original) || Object.getPrototypeOf(original) === Object.prototype
      : typeof original === "string" || typeof original === "boolean" || Number.isFinite(original);
  if (!isPlain || Object.is(original, -0)) throw notJson(original);
  return value;
}

function notJson(value: unknown): SnapshotError {
  const what =
    typeof value === "object"
      ? (value?.constructor.name ?? "object")
      : typeof value === "number"
        ? String(value)
        : typeof value;
  return new SnapshotError(
    "BEAM_ELEMENT_UNSUPPORTED",
    `writeToJson got a value that JSON does not have (${what}). Map it to texts, finite numbers, booleans, null, arrays and plain objects first.`,
  );
}

function oneGroup(): string {
  return "";
}

registerFunctions("beam-indexeddb/io", { WriteJsonFile, jsonText, oneGroup });
