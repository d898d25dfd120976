import type { SnapshotErrorCode } from "../snapshot/index.js";
import { SnapshotError } from "../snapshot/error.js";
import { plainKeyRanges } from "./environment.js";
import type { ExportOptions, ExportProgress } from "./export-options.js";
import type { ImportOptions, ImportProgress } from "./import-options.js";
import type { NamedDatabase } from "./run-export.js";

/** What page and worker say to each other. One worker does one job. `tells`: somebody wants to see progress. */
export type WorkerRequest =
  | {
      readonly kind: "export";
      readonly source: NamedDatabase;
      /** The page exports itself when the worker says that it must. */
      readonly pageCanLookAgain: boolean;
      readonly options: ExportOptions;
      readonly tells: boolean;
    }
  | {
      readonly kind: "import";
      readonly source: Blob;
      readonly options: ImportOptions;
      readonly tells: boolean;
    }
  | { readonly kind: "pull" }
  | { readonly kind: "abort" };

export type WorkerReply =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly progress: ExportProgress | ImportProgress }
  | { readonly kind: "chunk"; readonly bytes: Uint8Array }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: ErrorForm };

/** Errors lose their class and code in a message, so they travel as parts. */
export interface ErrorForm {
  readonly code?: SnapshotErrorCode | undefined;
  readonly message: string;
  readonly name: string;
  readonly store?: string | undefined;
  readonly key?: string | undefined;
  readonly offset?: number | undefined;
  readonly cause?: ErrorForm | undefined;
}

export function formOfError(error: unknown): ErrorForm {
  if (typeof error !== "object" || error === null) return { name: "Error", message: String(error) };
  // Not only Errors: a DOMException is none in every realm.
  const { message = "", name = "Error", code, store, key, offset, cause } = error as Partial<SnapshotError>;
  return {
    name,
    message,
    ...(typeof code === "string" && { code, store, key, offset }),
    ...(cause !== undefined && { cause: formOfError(cause) }),
  };
}

export function errorOfForm(form: ErrorForm): Error {
  const cause = form.cause && errorOfForm(form.cause);
  if (form.code) return new SnapshotError(form.code, form.message, { ...form, cause });
  if (form.name === "TypeError") return new TypeError(form.message, { cause });
  const error = new Error(form.message, { cause });
  error.name = form.name;
  return error;
}

/** Options as a message can carry them: without functions, and ranges as plain objects. */
export function cloneable<T extends ExportOptions | ImportOptions>(options: T): T {
  const local = ["onProgress", "signal", "worker", "indexedDB", "IDBKeyRange", "filter", "transform"];
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !local.includes(name))) as T;
  return { ...rest, keyRanges: plainKeyRanges(options.keyRanges) };
}
