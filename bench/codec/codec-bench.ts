import type { Bench, BenchContext, BenchResult, BenchTable, Figure } from "../bench.js";
import { inChild } from "../child.js";
import { rounded } from "../report.js";
import { own, withoutRecords, withRecords } from "./codecs.js";
import type { CodecFigures, Cost, ShapeInput } from "./measure-shape.js";
import { type ShapeName, shapes } from "./shapes.js";

/** Each shape has a process of its own: code that was compiled for other shapes would be slower, or faster. */
export const codecBench: Bench = {
  name: "codec",
  title: "values to bytes and back, against JSON, v8, msgpackr, cbor-x and bson",
  run: compareCodecs,
};

async function compareCodecs(context: BenchContext): Promise<BenchResult> {
  const tables: BenchTable[] = [];
  const figures: Figure[] = [];
  for (const shape of ["flat", "nested", "binary"] as const) {
    context.progress(shapes[shape].title);
    const measured = await inChild<readonly CodecFigures[]>(
      new URL("./measure-shape.js", import.meta.url),
      { shape, quick: context.quick } satisfies ShapeInput,
      ["--expose-gc", "--max-semi-space-size=256", "--min-semi-space-size=256"],
    );
    tables.push(table(shape, measured));
    figures.push(...figuresOf(shape, measured));
  }
  return { tables, figures };
}

function table(shape: ShapeName, measured: readonly CodecFigures[]): BenchTable {
  const base = named(measured, own);
  const cost = (part: Cost, reference: Cost): string[] => [
    rounded(part.nanoseconds),
    rounded(part.nanoseconds / reference.nanoseconds),
    part.garbage.toFixed(0),
  ];
  return {
    title: `${shapes[shape].title} (* decoded bytes are a view on the input, not a copy)`,
    columns: ["codec", "bytes", "encode ns", "x ours", "garbage B", "decode ns", "x ours", "garbage B"],
    rows: measured.map(({ name, bytes, encode, decode, decodesToView }) => [
      decodesToView ? `${name} *` : name,
      bytes.toFixed(0),
      ...cost(encode, base.encode),
      ...cost(decode, base.decode),
    ]),
  };
}

function figuresOf(shape: ShapeName, measured: readonly CodecFigures[]): Figure[] {
  const ratio = (direction: "encode" | "decode", other: string, atMost: number): Figure => ({
    what: `${shape}: time to ${direction}, against ${other}`,
    measured: named(measured, own)[direction].nanoseconds / named(measured, other)[direction].nanoseconds,
    unit: "x",
    target: { atMost },
  });
  return shape === "binary"
    ? [ratio("encode", "memory copy", 1.2), ratio("decode", "memory copy", 1.2)]
    : [ratio("encode", withoutRecords, 1), ratio("decode", withRecords, 1)];
}

function named(measured: readonly CodecFigures[], name: string): CodecFigures {
  return measured.find((codec) => codec.name === name)!;
}
