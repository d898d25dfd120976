import { createServer } from "node:net";
import { join } from "node:path";
import { create, registerFunctions, runDirect } from "beam-indexeddb/beam";
import { type WriteToTablesResult, writeToPostgres, writeToSqlite } from "beam-indexeddb/io";
import type { PCollection, PTransform } from "beam-indexeddb/beam";
import type { SnapshotRecord } from "beam-indexeddb/snapshot";
import type { BenchContext, BenchResult } from "../bench.js";
import { type Contender, interleave, median, secondsUntil } from "../interleave.js";
import { insertAlike, insertBare } from "./insert-rows.js";
import { columns, makeNotes } from "./notes.js";
import { startCluster } from "./postgres-cluster.js";

/** The records of the run: they are in memory for every way, as they are for one by hand. */
let notes: readonly SnapshotRecord[] = [];

function takeNotes(): readonly SnapshotRecord[] {
  return notes;
}

registerFunctions("beam-indexeddb/bench/destinations", { takeNotes });

/** Rows per second into stores of tables, all from the same records, whole pipelines against what one would write by hand. */
export async function measureDestinations(context: BenchContext): Promise<BenchResult> {
  const { quick, folder } = context;
  const rows = quick ? 5_000 : 100_000;
  const rounds = quick ? 1 : 5;
  const records = makeNotes(rows);
  notes = records;
  context.progress("starting PostgreSQL");
  const cluster = await startCluster(await freePort());
  let places = 0;
  const pipeline = (sink: PTransform<PCollection<SnapshotRecord>, WriteToTablesResult>): Promise<number> =>
    secondsUntil(() =>
      runDirect(
        (root) =>
          root
            .apply(create([0]))
            .flatMap(takeNotes)
            .apply(sink).tables,
      ),
    );
  const contenders: Contender[] = [
    {
      name: "PostgreSQL, INSERT by hand into the same tables",
      run: () => secondsUntil(() => insertAlike(cluster.url, `place_${places++}`, records)),
    },
    {
      name: "PostgreSQL, INSERT by hand of the ten columns alone",
      run: () => secondsUntil(() => insertBare(cluster.url, `place_${places++}`, records)),
    },
    {
      name: "PostgreSQL, writeToPostgres",
      run: () => pipeline(writeToPostgres(cluster.url, { schema: `place_${places++}`, columns })),
    },
    {
      name: "SQLite, writeToSqlite",
      run: () => pipeline(writeToSqlite(join(folder, `place-${places++}.sqlite`), { columns })),
    },
  ];
  const samples = await interleave(
    contenders.map((contender) => ({
      name: contender.name,
      run: () => {
        context.progress(contender.name);
        return contender.run();
      },
    })),
    rounds,
  ).finally(() => cluster.stop());
  const [byHand, bare, postgres, sqlite] = contenders.map(({ name }) => rows / median(samples.get(name)));
  return {
    tables: [
      {
        title: `${rows} new rows of 10 columns, medians of ${rounds} interleaved runs on the direct runner`,
        columns: ["way", "rows/s", "ratio"],
        rows: contenders.map(({ name }) => {
          const speed = rows / median(samples.get(name));
          return [name, Math.round(speed).toLocaleString("en"), (speed / byHand!).toFixed(2)];
        }),
      },
    ],
    figures: [
      {
        what: "PostgreSQL against multi-row INSERT ... ON CONFLICT of 1,000 rows, same tables",
        measured: postgres! / byHand!,
        unit: "x",
        target: { atLeast: 1.5 },
      },
      { what: "the same, against the ten columns alone", measured: postgres! / bare!, unit: "x" },
      {
        what: "SQLite against PostgreSQL",
        measured: sqlite! / postgres!,
        unit: "x",
        target: { atLeast: 3 },
      },
    ],
  };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, "localhost", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address) resolve(address.port);
        else reject(new Error("There is no free port."));
      });
    });
  });
}
