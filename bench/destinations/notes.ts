import { SnapshotRecord } from "beam-indexeddb/snapshot";

/** Ten properties, one of every kind that a column has. */
export interface Note {
  readonly flag: boolean;
  readonly count: number;
  readonly ratio: number;
  readonly big: bigint;
  readonly title: string;
  readonly body: string;
  readonly at: Date;
  readonly image: Uint8Array;
  readonly tags: readonly string[];
  readonly place: { readonly city: string; readonly zip: number };
}

export const columnNames = [
  "flag",
  "count",
  "ratio",
  "big",
  "title",
  "body",
  "at",
  "image",
  "tags",
  "place",
] as const satisfies readonly (keyof Note)[];

/** The kinds of the columns, for sinks that are told: what is measured is writing, not inference. */
export const columns = {
  notes: {
    flag: "boolean",
    count: "integer",
    ratio: "number",
    big: "bigint",
    title: "text",
    body: "text",
    at: "date",
    image: "binary",
    tags: "json",
    place: "json",
  },
} as const;

/** @param from Number of the first. */
export function makeNotes(count: number, from = 0): SnapshotRecord[] {
  return Array.from({ length: count }, (_, index) => makeNote(from + index));
}

function makeNote(i: number): SnapshotRecord {
  return SnapshotRecord.of({
    store: "notes",
    key: i,
    value: {
      flag: i % 2 === 0,
      count: i,
      ratio: i / 7,
      big: BigInt(i) << 33n,
      title: `Note ${i}`,
      body: `The ${i}th note, with a text as long as notes have it: milk, bread, and "eggs".`,
      at: new Date(1714557600000 + i * 1000),
      image: new Uint8Array([i & 255, 1, 2, 3, 4, 5, 6, 7]),
      tags: ["home", `tag ${i % 10}`],
      place: { city: "Zürich", zip: 8000 + (i % 100) },
    } satisfies Note,
    origin: { device: "phone", snapshot: "", capturedAt: 1714557600000, sequence: 0 },
  });
}
