import type { SnapshotRecord } from "beam-indexeddb/snapshot";
import pg from "pg";
import { columnNames, type Note } from "./notes.js";

const batchRows = 1_000;

/**
 * What one would write first: INSERT of 1,000 rows at a time with a parameter for each value, ON CONFLICT with a guard by time, one transaction for
 * each batch.
 */
export async function insertRows(
  connectionString: string,
  schema: string,
  records: readonly SnapshotRecord[],
): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(
      `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.notes (id bigint PRIMARY KEY, captured_at timestamptz NOT NULL, flag boolean, count bigint, ratio double precision, big bigint, title text, body text, at timestamptz, image bytea, tags jsonb, place jsonb)`,
    );
    const names = ["id", "captured_at", ...columnNames];
    const updates = names.slice(1).map((name) => `${name} = excluded.${name}`);
    for (let at = 0; at < records.length; at += batchRows) {
      const batch = records.slice(at, at + batchRows);
      const rows = batch.map((_, i) => `(${names.map((__, j) => `$${i * names.length + j + 1}`).join(",")})`);
      await client.query(
        `INSERT INTO ${schema}.notes (${names.join(",")}) VALUES ${rows.join(",")} ON CONFLICT (id) DO UPDATE SET ${updates.join(",")} WHERE notes.captured_at < excluded.captured_at`,
        batch.flatMap((record) => {
          const { tags, place, ...note } = record.value as Note;
          return [
            record.key,
            new Date(record.origin.capturedAt),
            note.flag,
            note.count,
            note.ratio,
            note.big,
            note.title,
            note.body,
            note.at,
            Buffer.from(note.image),
            JSON.stringify(tags),
            JSON.stringify(place),
          ];
        }),
      );
    }
  } finally {
    await client.end();
  }
}
