import { SnapshotError } from "../../snapshot/index.js";
import { withoutSecrets } from "../file/printable-path.js";

/** An error as the service tells it, of a request or of a job. */
export interface ServiceError {
  readonly reason?: string;
  readonly location?: string;
  readonly message?: string;
}

/** What a refused request's body holds. */
export interface ErrorBody {
  readonly message?: string;
  readonly errors?: readonly ServiceError[];
}

const passingReasons: ReadonlySet<string> = new Set([
  "backendError",
  "internalError",
  "jobBackendError",
  "jobInternalError",
  "jobRateLimitExceeded",
  "rateLimitExceeded",
  "tableUnavailable",
]);

const shownErrors = 3;
const shownCharacters = 500;

/** Whether it may be otherwise next time. Statements that change one table at the same time are refused as invalid queries. */
export function mayPass({ reason = "", message = "" }: ServiceError): boolean {
  return passingReasons.has(reason) || /concurrent update|could not serialize access/i.test(message);
}

/** The refusal in a body; undefined when there is none in it. */
export function errorOf(body: Uint8Array): ErrorBody | undefined {
  try {
    const { error } = JSON.parse(Buffer.from(body).toString("utf8")) as { error?: unknown };
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Several errors of one refusal or job, readable. Nothing of credentials is in it. */
export function describeErrors(errors: readonly ServiceError[]): string {
  const texts = new Set(
    errors.map(({ message = "", reason = "unknown", location = "" }) => {
      const text = withoutSecrets(message.slice(0, shownCharacters)).trim().replace(/\.$/, "");
      return `${text === "" ? "no reason is given" : text} (${reason}${location === "" ? "" : `, at ${location}`})`;
    }),
  );
  const shown = [...texts].slice(0, shownErrors).join("; ");
  return texts.size > shownErrors ? `${shown}; and ${texts.size - shownErrors} more` : shown;
}

/**
 * What a job that failed comes to.
 * @param doing "load the staging table of notes".
 */
export function jobError(doing: string, jobId: string, errors: readonly ServiceError[]): SnapshotError {
  const passing = errors[0] !== undefined && mayPass(errors[0]);
  return new SnapshotError(
    passing ? "STORE_UNAVAILABLE" : "STORE_CONSTRAINT",
    `BigQuery could not ${doing}: ${describeErrors(errors)}. The job is ${jobId}; ${passing ? "run it again later" : "remove the cause, and run it again"}.`,
  );
}
