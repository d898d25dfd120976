import { isSnapshotError, type Key, SnapshotError, SnapshotRecord } from "../../snapshot/index.js";
import { fromTaggedJson } from "../table/parse-tagged-json.js";
import { toTaggedJson } from "../table/tagged-json.js";

interface TypedLine {
  readonly database?: unknown;
  readonly store?: unknown;
  readonly key?: unknown;
  readonly value?: unknown;
  readonly deleted?: unknown;
  readonly origin?: unknown;
}

/**
 * A record with all that it has, key and value as tagged JSON.
 * @throws SnapshotError STORE_CONSTRAINT for an origin that JSON has no numbers for, SNAPSHOT_LIMIT_EXCEEDED
 */
export function typedLine(record: SnapshotRecord): string {
  const { database, store, deleted, origin } = record;
  const place = `"database":${JSON.stringify(database)},"store":${JSON.stringify(store)},"key":${toTaggedJson(record.key)}`;
  const content = deleted ? `"deleted":true` : `"value":${toTaggedJson(record.value)}`;
  const { device, snapshot, capturedAt, sequence } = origin;
  if (!Number.isFinite(capturedAt) || !Number.isFinite(sequence))
    throw new SnapshotError(
      "STORE_CONSTRAINT",
      `JSON has no number for the capture time or the sequence of ${record.describe()}. Set the origin in a step before the sink, or send such records to failedRecords.`,
      { store, key: record.describeKey(), file: record.source },
    );
  return `{${place},${content},"origin":${JSON.stringify({ device, snapshot, capturedAt, sequence })}}`;
}

/**
 * The record that `typedLine` wrote.
 * @throws SnapshotError SNAPSHOT_MALFORMED for other lines, SNAPSHOT_KEY_INVALID
 */
export function fromTypedLine(line: string): SnapshotRecord {
  try {
    return parse(line);
  } catch (error) {
    if (isSnapshotError(error)) throw error;
    // What the engine says of it quotes the line, and an error holds no values.
    throw malformed("it is no JSON, or of another form");
  }
}

function parse(line: string): SnapshotRecord {
  const { database, store, key, value, deleted, origin } = JSON.parse(line) as TypedLine;
  if (typeof database !== "string" || typeof store !== "string") throw malformed("it names no store");
  if (key === undefined) throw malformed("it has no key");
  if ((deleted === true) === (value !== undefined))
    throw malformed("it has a value and is deleted, or neither");
  return SnapshotRecord.of({
    database,
    store,
    key: fromTaggedJson(JSON.stringify(key)) as Key,
    ...(deleted === true ? { deleted: true } : { value: fromTaggedJson(JSON.stringify(value)) }),
    origin: originOf(origin),
  });
}

function originOf(origin: unknown) {
  const { device, snapshot, capturedAt, sequence } = (origin ?? {}) as Readonly<Record<string, unknown>>;
  if (
    typeof device === "string" &&
    typeof snapshot === "string" &&
    typeof capturedAt === "number" &&
    typeof sequence === "number"
  )
    return { device, snapshot, capturedAt, sequence };
  throw malformed("its origin has not the four parts device, snapshot, capturedAt, sequence");
}

function malformed(what: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_MALFORMED",
    `The line is none that writeToJsonLines writes with form: "typed": ${what}.`,
  );
}
