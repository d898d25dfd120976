import { hash } from "node:crypto";
import { toTaggedJson } from "beam-indexeddb/io";
import { type SnapshotRecord, recordVersion } from "beam-indexeddb/snapshot";
import pg from "pg";
import { columnNames, type Note } from "./notes.js";

const batchRows = 1_000;

const noteColumns =
  "flag boolean, count bigint, ratio double precision, big bigint, title text, body text, at timestamptz, image bytea, tags json, place json";

function noteValues(record: SnapshotRecord): unknown[] {
  const { flag, count, ratio, big, title, body, at, image, tags, place } = record.value as Note;
  return [
    ...[flag, count, ratio, big, title, body, at, Buffer.from(image)],
    ...[JSON.stringify(tags), JSON.stringify(place)],
  ];
}

/** What one would write first: the ten columns under the record's key, and the time as a guard against older rows. */
export function insertBare(url: string, schema: string, records: readonly SnapshotRecord[]): Promise<void> {
  return insert(url, schema, records, {
    columns: ["id", "captured_at", ...columnNames],
    declarations: `id bigint PRIMARY KEY, captured_at timestamptz NOT NULL, ${noteColumns}`,
    guard: "captured_at",
    values: (record) => [record.key, new Date(record.origin.capturedAt), ...noteValues(record)],
  });
}

/** The same for the tables that `writeToPostgres` makes: any key, versions that order as `compareVersions` does, where a row comes from. */
export function insertAlike(url: string, schema: string, records: readonly SnapshotRecord[]): Promise<void> {
  const metadata = [
    ...["_key", "_key_json", "_device", "_version", "_deleted", "_extracted_at", "_load_id", "_rest"],
    "_issues",
  ];
  return insert(url, schema, records, {
    columns: [...metadata, ...columnNames],
    declarations: `_key bytea PRIMARY KEY, _key_json text NOT NULL, _device text NOT NULL, _version bytea NOT NULL, _deleted boolean NOT NULL, _extracted_at timestamptz NOT NULL, _load_id text NOT NULL, _rest json, _issues json, ${noteColumns}`,
    guard: "_version",
    values: (record) => [
      Buffer.from(record.keyBytes),
      toTaggedJson(record.key),
      record.origin.device,
      Buffer.from(recordVersion(record, undefined, (bytes) => hash("sha256", bytes, "buffer"))),
      record.deleted,
      new Date(record.origin.capturedAt),
      "867e22be-7072-4814-a77a-0248d6cb5e31",
      null,
      null,
      ...noteValues(record),
    ],
  });
}

interface Table {
  readonly columns: readonly string[];
  readonly declarations: string;
  readonly guard: string;
  readonly values: (record: SnapshotRecord) => unknown[];
}

/** INSERT of 1,000 rows at a time with a parameter for each value, each in a transaction of its own. */
async function insert(
  connectionString: string,
  schema: string,
  records: readonly SnapshotRecord[],
  { columns, declarations, guard, values }: Table,
): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.notes (${declarations})`);
    const updates = columns.slice(1).map((name) => `${name} = excluded.${name}`);
    for (let at = 0; at < records.length; at += batchRows) {
      const batch = records.slice(at, at + batchRows);
      const rows = batch.map(
        (_, i) => `(${columns.map((__, j) => `$${i * columns.length + j + 1}`).join(",")})`,
      );
      await client.query(
        `INSERT INTO ${schema}.notes (${columns.join(",")}) VALUES ${rows.join(",")} ON CONFLICT (${columns[0]!}) DO UPDATE SET ${updates.join(",")} WHERE notes.${guard} < excluded.${guard}`,
        batch.flatMap(values),
      );
    }
  } finally {
    await client.end();
  }
}
