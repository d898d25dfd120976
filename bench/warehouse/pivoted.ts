import type { SnapshotRecord } from "beam-indexeddb/snapshot";
import { type BasicType, type ColumnSource, parquetWriteFile } from "hyparquet-writer";
import type { Note } from "../destinations/notes.js";

/** The records as columns, the way hyparquet-writer takes them. */
export function pivot(records: readonly SnapshotRecord[]): ColumnSource[] {
  // Decoded anew, as records from a file would be.
  const notes = records.map((record) => record.withValue(record.value).value as Note);
  const column = (name: keyof Note, type: BasicType, value: (note: Note) => unknown): ColumnSource => ({
    name,
    type,
    data: notes.map(value) as ColumnSource["data"],
  });
  return [
    column("flag", "BOOLEAN", ({ flag }) => flag),
    column("count", "INT64", ({ count }) => BigInt(count)),
    column("ratio", "DOUBLE", ({ ratio }) => ratio),
    column("big", "INT64", ({ big }) => big),
    column("title", "STRING", ({ title }) => title),
    column("body", "STRING", ({ body }) => body),
    column("at", "TIMESTAMP", ({ at }) => at),
    column("image", "BYTE_ARRAY", ({ image }) => image),
    column("tags", "STRING", ({ tags }) => JSON.stringify(tags)),
    column("place", "STRING", ({ place }) => JSON.stringify(place)),
  ];
}

export function writePivoted(columnData: ColumnSource[], filename: string): Promise<void> {
  parquetWriteFile({ filename, columnData, rowGroupSize: 100_000 });
  return Promise.resolve();
}
