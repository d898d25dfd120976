import type { DBSchema } from "idb";
import { describe, expectTypeOf, test } from "vitest";
import { groupRecordsByKey, type PCollection, type RecordGroup, type Root } from "../../beam/index.js";
import {
  matchFiles,
  readAllFromIndexedDB,
  readFromIndexedDB,
  readGroupsFromIndexedDB,
  readMatches,
  writeToIndexedDB,
  writeToSqlite,
} from "../../io/index.js";
import type { RecordOf, SnapshotRecord, StoreNamesOf } from "../../snapshot/index.js";
import {
  countRecords,
  mergeDevices,
  mergeGroups,
  renameDatabase,
  selectStore,
} from "../../transforms/index.js";

interface Note {
  readonly id: number;
  readonly text: string;
}

interface Notes extends DBSchema {
  notes: { key: number; value: Note; indexes: { "by-text": string } };
  tags: { key: string; value: string };
}

/** A schema that does not extend idb's type is as good. */
interface Plain {
  readonly events: { readonly key: readonly [string, number]; readonly value: Date };
}

type NotesRecord = RecordOf<Notes>;

describe("the types of a pipeline", () => {
  test("a schema names its stores, and no others", () => {
    expectTypeOf<StoreNamesOf<Notes>>().toEqualTypeOf<"notes" | "tags">();
    expectTypeOf<StoreNamesOf<Plain>>().toEqualTypeOf<"events">();
    expectTypeOf<StoreNamesOf<unknown>>().toEqualTypeOf<string>();
  });

  test("a record is typed by its store, and the store tells the types apart", () => {
    expectTypeOf<RecordOf<Notes, "tags">["value"]>().toEqualTypeOf<string>();
    expectTypeOf<RecordOf<Plain>["key"]>().toEqualTypeOf<readonly [string, number]>();
    expectTypeOf<RecordOf<unknown>>().toEqualTypeOf<SnapshotRecord>();
    const textOf = (record: NotesRecord) => {
      if (record.store === "notes") return record.value.text;
      expectTypeOf(record.key).toEqualTypeOf<string>();
      return record.value;
    };
    expectTypeOf(textOf).returns.toEqualTypeOf<string>();
  });

  test("sources give records of the schema, or of any kind without one", () => {
    const typed = (root: Root) => root.apply(readFromIndexedDB<Notes>("*.idbsnap", { stores: ["notes"] }));
    expectTypeOf(typed).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const untyped = (root: Root) => root.apply(readFromIndexedDB("*.idbsnap", { stores: ["any"] }));
    expectTypeOf(untyped).returns.toEqualTypeOf<PCollection<SnapshotRecord>>();
    const all = (patterns: PCollection<string>) => patterns.apply(readAllFromIndexedDB<Notes>());
    expectTypeOf(all).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const matched = (root: Root) =>
      root.apply(matchFiles("*")).apply(readMatches<Notes>({ stores: ["tags"] }));
    expectTypeOf(matched).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const groups = (root: Root) => root.apply(readGroupsFromIndexedDB<Notes>("*"));
    expectTypeOf(groups).returns.toEqualTypeOf<PCollection<RecordGroup<NotesRecord>>>();
    const wrong = [
      // @ts-expect-error: there is no such store
      () => readFromIndexedDB<Notes>("*", { stores: ["note"] }),
      // @ts-expect-error: there is no such store
      () => readGroupsFromIndexedDB<Notes>("*", { stores: ["note"] }),
    ];
    expectTypeOf(wrong).toBeArray();
  });

  test("transforms keep the types", () => {
    const merged = (records: PCollection<NotesRecord>) => records.apply(mergeDevices({ by: "updatedAt" }));
    expectTypeOf(merged).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const renamed = (records: PCollection<NotesRecord>) => records.apply(renameDatabase("notes"));
    expectTypeOf(renamed).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const grouped = (records: PCollection<NotesRecord>) => records.apply(groupRecordsByKey());
    expectTypeOf(grouped).returns.toEqualTypeOf<PCollection<RecordGroup<NotesRecord>>>();
    const latest = (groups: PCollection<RecordGroup<NotesRecord>>) => groups.apply(mergeGroups());
    expectTypeOf(latest).returns.toEqualTypeOf<PCollection<NotesRecord>>();
    const notes = (records: PCollection<NotesRecord>) => records.apply(selectStore<Notes, "notes">("notes"));
    expectTypeOf(notes).returns.toEqualTypeOf<PCollection<RecordOf<Notes, "notes">>>();
    const titles = (records: PCollection<RecordOf<Notes, "notes">>) =>
      records.map((record) => record.value.text);
    expectTypeOf(titles).returns.toEqualTypeOf<PCollection<string>>();
    const untyped = (records: PCollection<SnapshotRecord>) => records.apply(mergeDevices());
    expectTypeOf(untyped).returns.toEqualTypeOf<PCollection<SnapshotRecord>>();
    const wrong = [
      // @ts-expect-error: there is no such store
      () => selectStore<Notes, "note">("note"),
      // @ts-expect-error: notes have no title
      (record: RecordOf<Notes, "notes">): unknown => record.value.title,
    ];
    expectTypeOf(wrong).toBeArray();
  });

  test("sinks take typed records", () => {
    const written = (records: PCollection<NotesRecord>) => {
      records.apply(writeToSqlite("out.sqlite"));
      records.apply(countRecords());
      return records.apply(writeToIndexedDB("out/notes"));
    };
    expectTypeOf(written).parameter(0).toEqualTypeOf<PCollection<NotesRecord>>();
    const one = (records: PCollection<RecordOf<Plain, "events">>) =>
      records.apply(writeToIndexedDB("out/events"));
    expectTypeOf(one).parameter(0).toEqualTypeOf<PCollection<RecordOf<Plain, "events">>>();
  });
});
