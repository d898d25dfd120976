import { join } from "node:path";
import { rm } from "node:fs/promises";
import { inspect } from "node:util";
import type { Bench, BenchContext, BenchResult, Figure } from "../bench.js";
import { inChild } from "../child.js";
import { rounded } from "../report.js";
import type { FileTask, PartRead, Written } from "./measure-file.js";
import { batches, inflateAndDecode } from "./ways-to-read.js";

export const filesBench: Bench = {
  name: "files",
  title: "writing and reading snapshot files, whole and in parts, and the memory for it",
  run: measureFiles,
};

/** What was measured of one file. */
interface FileFigures {
  readonly label: string;
  readonly records: number;
  readonly written: Written;
  readonly parts: readonly PartRead[];
  /** Undefined for the file that is only there to be large. */
  readonly whole: WholeRead | undefined;
}

interface WholeRead {
  /** Bytes of memory at the peak, above those at the start. */
  readonly memory: number;
  /** Seconds by the way of reading. */
  readonly speeds: ReadonlyMap<string, number>;
}

async function measureFiles(context: BenchContext): Promise<BenchResult> {
  const sizes = context.quick ? [1e5] : [1e5, 1e6, 1e7];
  const files: FileFigures[] = [];
  for (const records of sizes) files.push(await measureFile(context, records, "deflate"));
  // About 1 GB.
  if (!context.quick) files.push(await measureFile(context, 6e6, "none"));
  return {
    tables: [writing(files), reading(files), partly(files)],
    figures: files.flatMap(figuresOf),
  };
}

async function measureFile(
  { folder, ...context }: BenchContext,
  records: number,
  compression: "deflate" | "none",
): Promise<FileFigures> {
  const label = `${records / 1e6} million records`;
  const path = join(folder, `${records}-${compression}.idbsnap`);
  const run = async <Output>(task: FileTask): Promise<Output> => {
    context.progress(`${label}, ${compression}: ${task.task}`);
    const output = await inChild<Output>(new URL("./measure-file.js", import.meta.url), task);
    // Told at once: large files take long, and who stops the bench keeps what is known.
    context.progress(inspect(output, { breakLength: Infinity }));
    return output;
  };
  const figures = {
    label: compression === "none" ? `${label}, not compressed` : label,
    records,
    written: await run<Written>({ task: "write", path, records, compression }),
    parts: await run<readonly PartRead[]>({ task: "parts", path, records }),
    whole:
      compression === "none"
        ? undefined
        : {
            memory: await run<number>({ task: "memory", path, records }),
            speeds: await run<ReadonlyMap<string, number>>({ task: "speed", path, records }),
          },
  };
  await rm(path);
  return figures;
}

function writing(files: readonly FileFigures[]) {
  return {
    title: "Writing: values encoded, blocks compressed (zlib level 4)",
    columns: ["file", "MB", "bytes/record", "s", "1000 records/s", "memory above start MB"],
    rows: files.map(({ label, records, written }) => [
      label,
      rounded(written.bytes / 1e6),
      rounded(written.bytes / records),
      rounded(written.seconds),
      rounded(records / written.seconds / 1000),
      rounded(written.memory / 1e6),
    ]),
  };
}

function reading(files: readonly FileFigures[]) {
  const read = files.flatMap(({ whole, ...file }) => (whole ? [{ ...file, ...whole }] : []));
  return {
    title: "Reading all of a file, 1000 records/s",
    columns: ["file", ...read[0]!.speeds.keys(), "memory above start MB"],
    rows: read.map(({ label, records, speeds, memory }) => [
      label,
      ...[...speeds.values()].map((seconds) => rounded(records / seconds / 1000)),
      rounded(memory / 1e6),
    ]),
  };
}

function partly(files: readonly FileFigures[]) {
  return {
    title: "Reading a part, the file opened each time",
    columns: ["file", "part", "ms", "range reads", "kB read"],
    rows: files.flatMap(({ label, parts }) =>
      parts.map(({ what, seconds, reads, bytes }) => [
        label,
        what,
        rounded(seconds * 1000),
        String(reads),
        rounded(bytes / 1000),
      ]),
    ),
  };
}

function figuresOf({ label, whole, parts, written }: FileFigures): Figure[] {
  const part = (what: string): PartRead => parts.find((one) => one.what === what)!;
  const figures: Figure[] = [
    {
      what: `${label}: one key`,
      measured: part("one key").reads,
      unit: "range reads",
      target: { atMost: 3 },
    },
    {
      what: `${label} (${rounded(written.bytes / 1e6)} MB): opening`,
      measured: part("open").bytes / 1000,
      unit: "kB read",
      target: { atMost: 1000 },
    },
  ];
  if (whole) {
    figures.unshift({
      what: `${label}: full read, of the speed of ${inflateAndDecode}`,
      measured: (whole.speeds.get(inflateAndDecode)! / whole.speeds.get(batches)!) * 100,
      unit: "%",
      target: { atLeast: 70 },
    });
  }
  return figures;
}
