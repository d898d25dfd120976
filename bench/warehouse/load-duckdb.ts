import { create, parDo, registerFunctions, runDirect } from "beam-indexeddb/beam";
import { writeToDuckdb } from "beam-indexeddb/io";
import type { SnapshotRecord } from "beam-indexeddb/snapshot";
import { answer } from "../child.js";
import { makeNotes } from "../destinations/notes.js";
import { secondsUntil } from "../interleave.js";
import { currentMemory, peakMemory } from "../peak-memory.js";

export interface DuckdbLoad {
  readonly seconds: number;
  /** Bytes at the peak, above those before. */
  readonly memory: number;
}

/** Makes the records as the pipeline asks for them: what is measured is the load. */
export class EmitNotes {
  readonly rows: number;

  constructor(rows: number) {
    this.rows = rows;
  }

  *process(): Generator<SnapshotRecord> {
    const part = 10_000;
    for (let from = 0; from < this.rows; from += part)
      yield* makeNotes(Math.min(part, this.rows - from), from);
  }
}

registerFunctions("beam-indexeddb/bench/load-duckdb", { EmitNotes });

answer(async ({ rows, file }: { readonly rows: number; readonly file: string }): Promise<DuckdbLoad> => {
  const before = currentMemory();
  const seconds = await secondsUntil(() =>
    runDirect(
      (root) =>
        root
          .apply(create([0]))
          .apply(parDo(new EmitNotes(rows)))
          .apply(writeToDuckdb(file)).tables,
    ),
  );
  return { seconds, memory: peakMemory() - before };
});
