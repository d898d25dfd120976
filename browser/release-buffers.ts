/** Encoded size from which a value may hold buffers that are worth a search. */
export const worthRelease = 16_384;

/** Objects looked at in one value: the large ones lie near the top, and a long search would cost more than it frees. */
const mostObjects = 64;

/**
 * Gives the memory of the binary data in a value back at once. Engines count what lies outside their heap so loosely that the buffers of
 * records which were read and dropped pile up for hundreds of megabytes. The value must be nobody else's: its buffers are detached.
 */
export function releaseBuffers(value: unknown): void {
  const waiting: unknown[] = [value];
  // Also over what is pushed meanwhile.
  for (const part of waiting) {
    if (typeof part !== "object" || part === null) continue;
    const buffer = ArrayBuffer.isView(part) ? part.buffer : part;
    if (buffer instanceof ArrayBuffer) detach(buffer);
    else for (const inner of contentsOf(part)) if (waiting.push(inner) > mostObjects) return;
  }
}

function contentsOf(part: object): Iterable<unknown> {
  return part instanceof Map || part instanceof Set ? part.values() : Object.values(part);
}

function detach(buffer: ArrayBuffer & { transfer?: (byteLength: number) => ArrayBuffer }): void {
  // Older browsers collect it when they get to it.
  if (buffer.byteLength > 0) buffer.transfer?.(0);
}
