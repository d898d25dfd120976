import { expect, test } from "vitest";
import { blobSource } from "../../browser/blob-source.js";

const bytes = Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 7) ^ (at >> 8));

/** A Blob that writes down what is read of it. */
class WatchedBlob extends Blob {
  readonly reads: [start: number, end: number][] = [];

  override slice(start: number, end: number): Blob {
    this.reads.push([start, end]);
    return super.slice(start, end);
  }
}

test("parts of a Blob that are asked for in order are read in ever larger pieces", async () => {
  const blob = new WatchedBlob([bytes]);
  const source = blobSource(blob);
  for (let at = 0; at < bytes.length; at += 1000)
    expect(await source.slice(at, at + 1000)).toEqual(bytes.subarray(at, at + 1000));
  expect(blob.reads.length).toBeLessThan(12);
  expect(blob.reads.reduce((sum, [start, end]) => sum + end - start, 0)).toBe(bytes.length);
});

test("a piece is never larger than a few megabytes, unless that much is asked for", async () => {
  const blob = new WatchedBlob([new Uint8Array(20_000_000)]);
  const source = blobSource(blob);
  for (let at = 0; at < 16_000_000; at += 100_000) await source.slice(at, at + 100_000);
  await source.slice(10_000_000, 20_000_000);
  const sizes = blob.reads.map(([start, end]) => end - start);
  expect(Math.max(...sizes.slice(0, -1))).toBeLessThanOrEqual(4 << 20);
  expect(sizes.at(-1)).toBe(10_000_000);
});

test("parts here and there, and parts asked for at once, are what the Blob holds", async () => {
  const blob = new WatchedBlob([bytes]);
  const source = blobSource(blob);
  const places = Array.from({ length: 300 }, (_, n) => (n * 611_953) % 990_000);
  const ranges = places.flatMap((at) => [
    [at, at + 500] as const,
    [at + 500, at + 2000] as const,
    [at + 2000, at + 9000] as const,
  ]);
  for (const [start, end] of ranges)
    expect(await source.slice(start, end)).toEqual(bytes.subarray(start, end));
  const parts = await Promise.all(ranges.map(async ([start, end]) => source.slice(start, end)));
  for (const [at, part] of parts.entries()) expect(part).toEqual(bytes.subarray(...ranges[at]!));
});

test("what is asked for once is read alone", async () => {
  const blob = new WatchedBlob([bytes]);
  const source = blobSource(blob);
  await source.slice(999_000, 1_000_000);
  await source.slice(500, 700);
  await source.slice(90_000, 91_000);
  expect(blob.reads).toEqual([
    [999_000, 1_000_000],
    [500, 700],
    [90_000, 91_000],
  ]);
});
