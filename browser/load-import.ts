import { loadChunk } from "./load-chunk.js";
import type { runImport } from "./run-import.js";

/** @throws TypeError when the code cannot be loaded. */
export async function loadImport(): Promise<typeof runImport> {
  return (await loadChunk(import("./run-import.js"))).runImport;
}
