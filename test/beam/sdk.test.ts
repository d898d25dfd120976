import { describe, expectTypeOf, test } from "vitest";
import {
  asyncParDo,
  type CoGroup,
  coGroupBy,
  create,
  groupBy,
  groupGlobally,
  groupRecordsByKey,
  type KV,
  listSideInput,
  P,
  parDo,
  type PCollection,
  Pipeline,
  type PTransform,
  type RecordGroup,
  Root,
  registerFunctions,
  type Tagged,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";

interface Note {
  readonly id: number;
  readonly text: string;
}

const root = new Root(new Pipeline());
const notes = root.apply(create<Note>([{ id: 1, text: "a" }]));

describe("types flow through a pipeline without any", () => {
  test("apply, map, flatMap", () => {
    expectTypeOf(notes).toEqualTypeOf<PCollection<Note>>();
    expectTypeOf(notes.map((note) => note.text)).toEqualTypeOf<PCollection<string>>();
    expectTypeOf(notes.flatMap((note) => [note.id])).toEqualTypeOf<PCollection<number>>();
    expectTypeOf(notes.map((note, { suffix }) => note.text + suffix, { suffix: "!" })).toEqualTypeOf<
      PCollection<string>
    >();
    const length = withName("length", (input: PCollection<Note>): PCollection<number> =>
      input.map((note) => note.text.length),
    );
    expectTypeOf(notes.apply(length)).toEqualTypeOf<PCollection<number>>();
    // @ts-expect-error a transform of other elements
    const refused = (strings: PCollection<string>) => strings.apply(length);
    expectTypeOf(refused).toBeFunction();
  });

  test("side inputs", () => {
    const ids = notes.map(withName("ids", (note: Note) => note.id));
    const known = notes.map(
      withName("known", (note: Note, { all }: { all: { lookup(): readonly number[] } }) =>
        all.lookup().includes(note.id),
      ),
      { all: listSideInput(ids) },
    );
    expectTypeOf(known).toEqualTypeOf<PCollection<boolean>>();
  });

  test("groups and joins", () => {
    expectTypeOf(notes.apply(groupBy((note: Note) => note.id))).toEqualTypeOf<
      PCollection<KV<number, Iterable<Note>>>
    >();
    expectTypeOf(notes.apply(groupGlobally<Note>())).toEqualTypeOf<PCollection<Iterable<Note>>>();
    const records = root.apply(
      withName("records", create<SnapshotRecord>([SnapshotRecord.of({ store: "s", key: 1, value: 1 })])),
    );
    expectTypeOf(records.apply(groupRecordsByKey())).toEqualTypeOf<PCollection<RecordGroup>>();
    const tags = root.apply(withName("tags", create([{ id: 1, tag: "x" }])));
    const joined = P({ notes, tags }).apply(coGroupBy((element: { id: number }) => element.id));
    expectTypeOf(joined).toEqualTypeOf<
      PCollection<
        CoGroup<number, { notes: PCollection<Note>; tags: PCollection<{ id: number; tag: string }> }>
      >
    >();
  });

  test("DoFns and tagged outputs", () => {
    const step: PTransform<PCollection<Note>, PCollection<string>> = asyncParDo({
      beamName: "texts",
      process: (note: Note) => [note.text],
    });
    expectTypeOf(notes.apply(step)).toEqualTypeOf<PCollection<string>>();
    interface Sides {
      left: number;
      right: string;
    }
    class Sort {
      *process(note: Note): Generator<Tagged<Sides>> {
        yield note.id > 0 ? { left: note.id } : { right: note.text };
      }
    }
    registerFunctions("beam-indexeddb/test/sdk", { Sort });
    const { left, right } = notes.apply(parDo(new Sort())).apply(taggedOutputs<Sides>(["left", "right"]));
    expectTypeOf(left).toEqualTypeOf<PCollection<number>>();
    expectTypeOf(right).toEqualTypeOf<PCollection<string>>();
  });
});
