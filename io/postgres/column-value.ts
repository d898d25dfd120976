import { SnapshotError } from "../../snapshot/index.js";
import { fromTaggedJson } from "../table/parse-tagged-json.js";
import { jsonNumbersAreExact, numberOf } from "./exact-number.js";

/** What a column's values become: see `ReadFromPostgresOptions.as`. */
export const valueForms = ["number", "bigint", "text", "date", "json", "taggedJson"] as const;

/** One of these forms. */
export type ValueForm = (typeof valueForms)[number];

/** Object ids of PostgreSQL's types; they are the same in every database. */
const oid = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  jsonb: 3802,
} as const;

const numbers: ReadonlySet<number> = new Set([
  oid.int2,
  oid.int4,
  oid.oid,
  oid.int8,
  oid.float4,
  oid.float8,
  oid.numeric,
]);

/**
 * Turns the texts of a column into values, exactly.
 * @throws SnapshotError STORE_CONSTRAINT for a value that the form would round, or cannot hold; the message says which forms do, never the value.
 */
export function columnReader(name: string, type: number, form?: ValueForm): (text: string) => unknown {
  const refuse = (why: string, advice: string, cause?: unknown): SnapshotError =>
    new SnapshotError("STORE_CONSTRAINT", `A value of the column "${name}" ${why}. ${advice}`, { cause });
  switch (form ?? formOf(type)) {
    case "boolean":
      return (text) => text === "t";
    case "bytes":
      return (text) => Uint8Array.from(Buffer.from(text.slice(2), "hex"));
    case "number":
      return (text) => {
        const number = numberOf(text);
        if (number !== undefined) return number;
        throw refuse(
          "is more exact than a number of JavaScript",
          `Choose its form: as: { ${JSON.stringify(name)}: "bigint" } or "text", or round it in the query.`,
        );
      };
    case "bigint":
      return (text) => {
        if (/^-?\d+(\.0*)?$/.test(text)) return BigInt(text.replace(/\..*$/, ""));
        throw refuse("is no whole number", `Choose its form: as: { ${JSON.stringify(name)}: "text" }.`);
      };
    case "date":
      return (text) => {
        const time = parseTime(text);
        if (time !== undefined) return time;
        throw refuse(
          "is no time that a Date holds exactly: it has microseconds, or is infinite or beyond its years",
          `Read it as a text, as: { ${JSON.stringify(name)}: "text" }, or cut it in the query: date_trunc('milliseconds', ...).`,
        );
      };
    case "json":
      return (text) => {
        if (jsonNumbersAreExact(text)) return parseJson(text, refuse);
        throw refuse(
          "has a number in its JSON that is more exact than one of JavaScript",
          `Read it as a text: as: { ${JSON.stringify(name)}: "text" }.`,
        );
      };
    case "taggedJson":
      return fromTaggedJson;
    case "text":
      return (text) => text;
  }
}

function formOf(type: number): ValueForm | "boolean" | "bytes" {
  if (numbers.has(type)) return "number";
  if (type === oid.bool) return "boolean";
  if (type === oid.bytea) return "bytes";
  if (type === oid.timestamptz) return "date";
  if (type === oid.json || type === oid.jsonb) return "json";
  // A timestamp without a zone is no point in time, and what PostgreSQL writes for every other type is exact as it is.
  return "text";
}

function parseJson(
  text: string,
  refuse: (why: string, advice: string, cause?: unknown) => SnapshotError,
): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw refuse("is no JSON", "Read it as a text.", cause);
  }
}

const timeForm = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:\+00)?( BC)?$/;

/** A time in UTC, as the connection writes it (ISO, UTC); undefined for what a Date would not hold exactly. */
function parseTime(text: string): Date | undefined {
  const found = timeForm.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = "", era] = found;
  if (!/^\d{0,3}0*$/.test(fraction)) return undefined;
  const time = new Date(0);
  time.setUTCFullYear(era === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  time.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, "0")));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
