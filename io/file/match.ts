import {
  type AsyncDoFn,
  asyncParDo,
  create,
  type PCollection,
  type PTransform,
  registerFunctions,
  type Root,
  withName,
} from "../../beam/index.js";
import { SnapshotError } from "../../snapshot/index.js";
import { checkReadPath } from "./check-path.js";
import { type FileMetadata, fileSystemOf, isPattern, isWebAddress } from "./file-system.js";
import { joinPath, nameOf, remotePath } from "./join-path.js";
import { listFiles } from "./local-file-system.js";
import { printablePath } from "./printable-path.js";
import { isPublishing, settleFolder } from "./publication.js";
import { escapeGlob, splitPattern } from "./split-pattern.js";

/** What happens when a pattern matches no file (Beam's three): it is fine, it fails, or it fails unless the pattern has wildcards. */
export type EmptyMatchTreatment = "ALLOW" | "DISALLOW" | "ALLOW_IF_WILDCARD";

export const emptyMatchTreatments: readonly EmptyMatchTreatment[] = [
  "ALLOW",
  "DISALLOW",
  "ALLOW_IF_WILDCARD",
];

/** What happens when nothing matches. */
export interface MatchOptions {
  /** Default "DISALLOW" for `matchFiles`, "ALLOW_IF_WILDCARD" for `matchAll`. */
  readonly emptyMatchTreatment?: EmptyMatchTreatment | undefined;
}

/**
 * The files that match a pattern (`*`, `**`, `?`, `[a-z]`, `{a,b}`), each once.
 * @throws SnapshotError FILE_NO_MATCH (when the pipeline runs)
 */
export function matchFiles(
  pattern: string,
  options: MatchOptions = {},
): PTransform<Root, PCollection<FileMetadata>> {
  const emptyMatchTreatment = options.emptyMatchTreatment ?? "DISALLOW";
  return withName(`matchFiles(${printablePath(pattern)})`, (root: Root) =>
    root.apply(withName("pattern", create([pattern]))).apply(matchAll({ emptyMatchTreatment })),
  );
}

/** As `matchFiles`, for patterns that are elements. A file that two patterns match comes twice. */
export function matchAll(
  options: MatchOptions = {},
): PTransform<PCollection<string>, PCollection<FileMetadata>> {
  const treatment = options.emptyMatchTreatment ?? "ALLOW_IF_WILDCARD";
  return withName("matchAll", (patterns: PCollection<string>) =>
    patterns.apply(asyncParDo(new MatchPattern(treatment))),
  );
}

export class MatchPattern implements AsyncDoFn<string, FileMetadata> {
  readonly beamName = "match";
  readonly treatment: EmptyMatchTreatment;

  constructor(treatment: EmptyMatchTreatment) {
    this.treatment = treatment;
  }

  async process(pattern: string): Promise<readonly FileMetadata[]> {
    // Nobody publishes on a web server.
    if (!isWebAddress(pattern)) await settleFolder(splitPattern(pattern).folder);
    const files = await fileSystemOf(pattern).list(pattern);
    if (files.length === 0) refuseEmpty(pattern, this.treatment);
    return files;
  }
}

/**
 * Checks a pattern while the pipeline is built: local files are looked at, so that a mistyped path is told at once. Of files elsewhere only the form of the path is checked.
 */
export function validatePattern(pattern: string, treatment: EmptyMatchTreatment): void {
  checkReadPath(pattern);
  if (remotePath(pattern)) return;
  if (listFiles(pattern).length > 0) return;
  // Files that a publication is about to name are found when the pipeline runs: it waits for that.
  if (!isPublishing(splitPattern(pattern).folder)) refuseEmpty(pattern, treatment);
}

function refuseEmpty(pattern: string, treatment: EmptyMatchTreatment): void {
  if (treatment === "ALLOW" || (treatment === "ALLOW_IF_WILDCARD" && isPattern(pattern))) return;
  throw new SnapshotError(
    "FILE_NO_MATCH",
    `No file matches ${JSON.stringify(printablePath(pattern))}.${nearby(pattern)} Check the path (in a program, emptyMatchTreatment: "ALLOW" lets no file be fine).`,
    { file: printablePath(pattern) },
  );
}

/** What there is in the folder that was meant, for a name that was mistyped. */
function nearby(pattern: string): string {
  if (remotePath(pattern)) return "";
  const { folder } = splitPattern(pattern);
  const names = listFiles(joinPath(escapeGlob(folder), "*.idbsnap")).map(({ path }) => nameOf(path));
  if (names.length === 0) return "";
  return ` In ${JSON.stringify(folder)} there are: ${names.slice(0, 5).join(", ")}${names.length > 5 ? `, and ${names.length - 5} more` : ""}.`;
}

registerFunctions("beam-indexeddb/io", { MatchPattern });
