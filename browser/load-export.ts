import { loadChunk } from "./load-chunk.js";
import type { runExport } from "./run-export.js";

/** @throws TypeError when the code cannot be loaded. */
export async function loadExport(): Promise<typeof runExport> {
  return (await loadChunk(import("./run-export.js"))).runExport;
}
