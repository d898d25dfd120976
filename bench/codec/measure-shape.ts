import { deepStrictEqual } from "node:assert";
import { GCProfiler } from "node:v8";
import { answer } from "../child.js";
import { type Contender, interleave, median, secondsOf } from "../interleave.js";
import { type Codec, makeCodecs, own } from "./codecs.js";
import { type ShapeName, shapes } from "./shapes.js";

export interface ShapeInput {
  readonly shape: ShapeName;
  readonly quick: boolean;
}

/** What was measured of one codec, for one record of the shape; both directions. */
export interface CodecFigures {
  readonly name: string;
  readonly bytes: number;
  readonly encode: Cost;
  readonly decode: Cost;
  /** True when decoded bytes are a view on the input: no copy was made, and the input stays in memory. */
  readonly decodesToView: boolean;
}

export interface Cost {
  readonly nanoseconds: number;
  /** Bytes that one call allocates, on the heap and in buffers. */
  readonly garbage: number;
}

/** Where results go, so that no engine leaves out the work that makes them. */
const sink: { value?: unknown } = {};

/** A memory copy of the binary shape's bytes, the least that a codec has to do. */
const memoryCopy: Codec = {
  name: "memory copy",
  encode: (value) => (value as { readonly data: Uint8Array }).data.slice(),
  decode: (bytes) => bytes.slice(),
};

answer(async ({ shape, quick }: ShapeInput): Promise<readonly CodecFigures[]> => {
  const { count } = shapes[shape];
  const values = Array.from({ length: quick ? count / 10 : count }, (_, number) =>
    shapes[shape].record(number),
  );
  const codecs = shape === "binary" ? [...makeCodecs(), memoryCopy] : makeCodecs();
  const inputs = new Map(codecs.map((codec) => [codec, values.map((value) => codec.encode(value))]));
  const contenders = codecs.flatMap((codec): Contender[] => {
    const encoded = inputs.get(codec)!;
    return [
      { name: `encode ${codec.name}`, run: () => timed(() => encodeAll(codec, values)) },
      { name: `decode ${codec.name}`, run: () => timed(() => decodeAll(codec, encoded)) },
    ];
  });
  const samples = await interleave(contenders, quick ? 3 : 25, quick ? 1 : 5);
  return codecs.map((codec): CodecFigures => {
    const encoded = inputs.get(codec)!;
    const cost = (name: string, garbage: number): Cost => ({
      nanoseconds: (median(samples.get(name)) / values.length) * 1e9,
      garbage,
    });
    const decoded = codec.decode(encoded[0]!);
    if (codec.name === own) deepStrictEqual(decoded, values[0]);
    const { data } = decoded as { readonly data?: Uint8Array };
    return {
      name: codec.name,
      bytes: encoded.reduce((sum, bytes) => sum + bytes.length, 0) / values.length,
      encode: cost(
        `encode ${codec.name}`,
        garbageOf(values, (part) => encodeAll(codec, part)),
      ),
      decode: cost(
        `decode ${codec.name}`,
        garbageOf(encoded, (part) => decodeAll(codec, part)),
      ),
      decodesToView: data?.buffer === encoded[0]!.buffer,
    };
  });
});

/** The garbage of the contender before is not collected on this one's time; its own is. */
function timed(work: () => void): number {
  gc!();
  return secondsOf(work);
}

function encodeAll(codec: Codec, values: readonly object[]): void {
  for (const value of values) sink.value = codec.encode(value);
}

function decodeAll(codec: Codec, encoded: readonly Uint8Array[]): void {
  for (const bytes of encoded) sink.value = codec.decode(bytes);
}

/**
 * Bytes allocated per item: the growth of heap and buffers over as many items as the young generation holds without a collection (the process runs with a
 * large one). A profiler of collections tells when there was one; then half as many are tried.
 */
function garbageOf<Item>(items: readonly Item[], work: (items: readonly Item[]) => void): number {
  for (let count = items.length; count >= 1; count >>= 1) {
    const part = items.slice(0, count);
    gc!();
    const profiler = new GCProfiler();
    profiler.start();
    const before = process.memoryUsage();
    work(part);
    const after = process.memoryUsage();
    const collections = profiler.stop().statistics.length;
    if (collections > 0) continue;
    return (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / count;
  }
  throw new Error("Every call is interrupted by a collection of garbage.");
}
