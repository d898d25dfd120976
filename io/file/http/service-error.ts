import { SnapshotError } from "../../../snapshot/index.js";
import { printablePath, withoutSecrets } from "../printable-path.js";
import type { HttpHead } from "./http-exchange.js";

/** What a service is called, and how its refusals are read. */
export interface ServiceTexts {
  /** "Cloud Storage". */
  readonly service: string;
  /** What the service says of a refusal; "" when it says nothing. */
  readonly messageOf: (body: string) => string;
  /** What to do when access is denied. */
  readonly accessAdvice: string;
}

/** An attempt that failed: by an answer, or without one. */
export type FailedAttempt =
  | { readonly head: HttpHead; readonly body: Buffer }
  | { readonly reason: string; readonly cause?: Error | undefined };

/** What the request of an error was about. */
export interface FailedRequest {
  readonly path: string;
  readonly doing: "read" | "write";
  readonly url: string;
  /** It asked for one version of the file alone. */
  readonly pinned?: boolean | undefined;
}

const mostCharacters = 500;

/** Nothing of credentials, tokens and signed addresses gets into it. */
export function serviceError(
  { path, doing, url, pinned }: FailedRequest,
  failed: FailedAttempt,
  attempts: number,
  { service, messageOf, accessAdvice }: ServiceTexts,
): SnapshotError {
  const file = printablePath(path);
  const name = JSON.stringify(file);
  const what = `${name} can't be ${doing === "read" ? "read" : "written"}`;
  const tried = attempts > 1 ? ` (tried ${attempts} times)` : "";
  const code = doing === "read" ? "FILE_READ_FAILED" : "FILE_WRITE_FAILED";
  if (!("head" in failed)) {
    const reason = withoutSecrets(failed.reason);
    return new SnapshotError(
      code,
      `${what}: ${hostOf(url)} does not answer properly${tried}: ${reason}. Check the connection of this machine, and try again.`,
      { file },
    );
  }
  const { status } = failed.head;
  if (pinned === true && (status === 404 || status === 412)) return changedError(file);
  const said = withoutSecrets(
    messageOf(failed.body.toString("utf8").slice(0, 1 << 14)).slice(0, mostCharacters),
  )
    .trim()
    .replace(/\.$/, "");
  const answer = `${service} says: ${said === "" ? `status ${status}` : `${said} (status ${status})`}`;
  if (status === 401 || status === 403)
    return new SnapshotError("FILE_ACCESS_DENIED", `${what}: ${answer}. ${accessAdvice}`, { file });
  if (status === 404)
    return new SnapshotError("FILE_NOT_FOUND", `${name} does not exist: ${answer}. Check the path.`, {
      file,
    });
  return new SnapshotError(
    code,
    `${what}: ${answer}${tried}.${status >= 500 || status === 429 ? " Try again later." : ""}`,
    { file },
  );
}

/** An answer that says it is right, and is not what was asked for: a proxy's page, for one. */
export function strangeAnswer(path: string, doing: "read" | "write", service: string): SnapshotError {
  return new SnapshotError(
    doing === "read" ? "FILE_READ_FAILED" : "FILE_WRITE_FAILED",
    `${JSON.stringify(path)} can't be ${doing === "read" ? "read" : "written"}: the answer is none of ${service}. Is a proxy between this machine and it?`,
    { file: path },
  );
}

/** Never a mixture of two files. */
export function changedError(path: string): SnapshotError {
  const file = printablePath(path);
  return new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(file)} was replaced or removed while it was read. Read it again.`,
    { file },
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "the server";
}
