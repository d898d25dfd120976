import { SnapshotError, type SnapshotErrorCode } from "../../snapshot/index.js";

/** SQLSTATEs, or beginnings of them, of what may work when it is tried again, and what the network says for the same. */
const passing = [
  /^40001$/, // serialization failure
  /^40P01$/, // deadlock
  /^55P03$/, // lock not available
  /^08/, // connection
  /^57P0[123]$/, // the server stops, crashed, or starts
  /^53300$/, // too many connections
  /^25P0[23]$/, // the server ended an idle transaction
  /^E(?:CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)$/,
];

/** What pg says without a code when a connection breaks. */
const brokenConnection =
  /Connection terminated|connection error|not queryable|timeout expired|Client was closed|timeout exceeded/i;

/** Whether the same may work in a moment. A transaction that failed so has changed nothing, or all: either way it may be repeated. */
export function isPassing(error: unknown): boolean {
  const code = sqlState(error);
  if (code !== undefined && passing.some((pattern) => pattern.test(code))) return true;
  if (error instanceof AggregateError) return error.errors.some(isPassing);
  return code === undefined && brokenConnection.test(textOf(error));
}

interface Translation {
  readonly matches: RegExp;
  readonly code: SnapshotErrorCode;
  readonly advice: string;
}

const translations: readonly Translation[] = [
  {
    matches: /^28/,
    code: "STORE_UNAVAILABLE",
    advice:
      "Check the user, and the password where the workers run: PGPASSWORD, PGPASSFILE, or the variable that passwordFrom names.",
  },
  { matches: /^3D000$/, code: "STORE_UNAVAILABLE", advice: "Make the database first: createdb." },
  {
    matches: /^42501$/,
    code: "STORE_CONSTRAINT",
    advice: "Grant it to the user of the connection, or choose another schema.",
  },
  {
    matches: /^0A000$|^2BP01$/,
    code: "STORE_CONSTRAINT",
    advice: "A view or a rule of yours depends on the table: drop it, run again, and make it anew.",
  },
  {
    matches: /^53/,
    code: "STORE_UNAVAILABLE",
    advice:
      "The server has no room or no memory left. Make some, then run the pipeline again: nothing is written twice.",
  },
  { matches: /^57014$/, code: "STORE_UNAVAILABLE", advice: "Set a longer statement_timeout for the user." },
];

/** The error as one of ours. Its text is the server's message; details, which quote values, stay out. A fault of a program stays what it is. */
export function toStoreError(error: unknown, attempts: number): Error {
  if (error instanceof SnapshotError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const code = sqlState(error);
  const state = code === undefined ? "" : ` (${code})`;
  const text = textOf(error).replace(/\.$/, "");
  if (isPassing(error))
    return new SnapshotError(
      "STORE_UNAVAILABLE",
      `PostgreSQL could not be reached or did not let the transaction through, ${attempts} times: ${text}${state}. Check that the server runs and is not overloaded, then run the pipeline again: nothing is written twice.`,
      { cause: causeOf(error) },
    );
  const found = translations.find(({ matches }) => code !== undefined && matches.test(code));
  return new SnapshotError(
    found?.code ?? (code === undefined ? "STORE_UNAVAILABLE" : "STORE_CONSTRAINT"),
    `PostgreSQL refused: ${text}${state}. ${found?.advice ?? "The transaction was rolled back."}`,
    { cause: causeOf(error) },
  );
}

/** pg's errors carry details that quote values, and texts of queries: only this much of them goes on. */
function causeOf(error: unknown): Error {
  const cause = new Error(textOf(error));
  const code = sqlState(error);
  return code === undefined ? cause : Object.assign(cause, { code });
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map((one) => textOf(one)).join("; ");
  return error instanceof Error ? error.message : String(error);
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
