import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { create, registerFunctions, runDirect } from "beam-indexeddb/beam";
import { writeToParquet } from "beam-indexeddb/io";
import type { SnapshotRecord } from "beam-indexeddb/snapshot";
import type { BenchContext, BenchResult } from "../bench.js";
import { inChild } from "../child.js";
import { columns, makeNotes } from "../destinations/notes.js";
import { interleave, median, secondsUntil } from "../interleave.js";
import { rounded } from "../report.js";
import type { DuckdbLoad } from "./load-duckdb.js";
import { pivot, writePivoted } from "./pivoted.js";

/** The records of the run: they are in memory for every way. */
let notes: readonly SnapshotRecord[] = [];

function takeNotes(): readonly SnapshotRecord[] {
  return notes;
}

registerFunctions("beam-indexeddb/bench/warehouse", { takeNotes });

export async function measureWarehouse(context: BenchContext): Promise<BenchResult> {
  const rows = context.quick ? 5_000 : 200_000;
  const rounds = context.quick ? 1 : 5;
  notes = makeNotes(rows);
  const pivoted = pivot(notes);
  let places = 0;
  const inFolder = async (work: (folder: string) => Promise<unknown>): Promise<number> => {
    const folder = join(context.folder, `place-${places++}`);
    await mkdir(folder);
    const seconds = await secondsUntil(() => work(folder));
    await rm(folder, { recursive: true });
    return seconds;
  };
  const parquet = (options: Parameters<typeof writeToParquet>[1]) => (folder: string) =>
    runDirect(
      (root) =>
        root
          .apply(create([0]))
          .flatMap(takeNotes)
          .apply(writeToParquet(`${folder}/`, options)).filesWritten,
    );
  const contenders = [
    {
      name: "hyparquet-writer, columns that are there already",
      run: () => inFolder((folder) => writePivoted(pivoted, join(folder, "notes.parquet"))),
    },
    {
      name: "hyparquet-writer, records decoded and made into columns first",
      run: () => inFolder((folder) => writePivoted(pivot(notes), join(folder, "notes.parquet"))),
    },
    { name: "writeToParquet, columns given", run: () => inFolder(parquet({ columns })) },
    { name: "writeToParquet, columns inferred", run: () => inFolder(parquet({})) },
  ];
  const samples = await interleave(
    contenders.map(({ name, run }) => ({
      name,
      run: () => {
        context.progress(name);
        return run();
      },
    })),
    rounds,
  );
  const [alone, byHand, given] = contenders.map(({ name }) => rows / median(samples.get(name)));
  notes = [];
  const loaded = context.quick ? 20_000 : 1_000_000;
  context.progress(`DuckDB, ${loaded} rows`);
  const duckdb = await inChild<DuckdbLoad>(new URL("./load-duckdb.js", import.meta.url), {
    rows: loaded,
    file: join(context.folder, "notes.duckdb"),
  });
  return {
    tables: [
      {
        title: `${rows} rows of 10 columns into Parquet, medians of ${rounds} interleaved runs on the direct runner (ours also sorts them, keeps nine metadata columns, and publishes)`,
        columns: ["way", "rows/s", "ratio"],
        rows: contenders.map(({ name }) => {
          const speed = rows / median(samples.get(name));
          return [name, Math.round(speed).toLocaleString("en"), (speed / alone!).toFixed(2)];
        }),
      },
      {
        title: "A load into DuckDB, columns inferred, in a new process",
        columns: ["rows", "s", "memory above start MB"],
        rows: [[String(loaded), rounded(duckdb.seconds), rounded(duckdb.memory / 1e6)]],
      },
    ],
    figures: [
      {
        what: "Parquet, columns given, against hyparquet-writer with columns that are there already",
        measured: given! / alone!,
        unit: "x",
        target: { atLeast: 0.7 },
      },
      {
        what: "Parquet, columns given, against hyparquet-writer by hand from the same records",
        measured: given! / byHand!,
        unit: "x",
      },
      {
        what: `DuckDB, ${loaded} rows: memory above start`,
        measured: duckdb.memory / 1e6,
        unit: "MB",
        target: { atMost: 1000 },
      },
    ],
  };
}
