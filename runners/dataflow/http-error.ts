import { SnapshotError } from "../../snapshot/index.js";

/** Nobody answered, however often. */
export function unreachable(what: string, url: string, error: unknown): SnapshotError {
  return new SnapshotError(
    "RUNNER_ENDPOINT_UNREACHABLE",
    `Google Cloud did not ${what}: ${new URL(url).host} can't be reached (${reasonOf(error)}). Check the connection of this machine, and try again.`,
  );
}

/** A service answered, and the answer is no. */
export function refusal(
  what: string,
  url: string,
  { status, text }: { readonly status: number; readonly text: string },
): SnapshotError {
  const said = withoutSecrets(googleMessage(text)).trim().replace(/\.$/, "");
  const answer = said === "" ? `status ${status}` : `${said} (status ${status})`;
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `Google Cloud did not ${what}: ${new URL(url).host} says: ${answer}. ${adviceFor(status)}`.trim(),
  );
}

/**
 * A text without what gives access: access tokens, and ids of uploads, whose URL is a permission to write.
 */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\bya29\.[\w.~+/=-]+/g, "(token)")
    .replaceAll(/\b(bearer\s+)[\w.~+/=-]+/gi, "$1(token)")
    .replaceAll(
      /\b((?:upload_id|access_token|refresh_token|key)["']?\s*[=:]\s*["']?)[\w.~+/%-]+/gi,
      "$1(secret)",
    );
}

const mostCharacters = 2_000;

function googleMessage(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return error;
    const { message } = (error ?? {}) as { message?: unknown };
    if (typeof message === "string") return message.slice(0, mostCharacters);
  } catch {
    // Proxies and load balancers answer with HTML.
  }
  return /^\s*</.test(text) ? "" : text.slice(0, mostCharacters);
}

function adviceFor(status: number): string {
  switch (status) {
    case 401:
      return "Sign in again: gcloud auth application-default login.";
    case 403:
      return "Does the account have the roles Dataflow Developer (roles/dataflow.developer) and Storage Object Admin (roles/storage.objectAdmin), and is the Dataflow API enabled in the project?";
    case 404:
      return "Check project, region and bucket.";
    default:
      return "";
  }
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === "TimeoutError") return "no answer in time";
  return withoutSecrets(cause instanceof Error && cause.message !== "" ? cause.message : message);
}
