/** How an asynchronous DoFn lies in a pipeline: the SDK's own form of a DoFn, preceded by one line of JSON with its settings. */

/** Runners have to know a ParDo by its URN, so the difference is in the name of the function inside. */
export const asyncDoFnUrn = "beam-indexeddb:dofn:async:v1";

export interface AsyncParDoSettings {
  readonly concurrency: number;
  readonly ordered: boolean;
}

const lineFeed = 0x0a;

export function encodeAsyncPayload(settings: AsyncParDoSettings, fn: Uint8Array): Uint8Array {
  const line = new TextEncoder().encode(`${JSON.stringify(settings)}\n`);
  const payload = new Uint8Array(line.length + fn.length);
  payload.set(line);
  payload.set(fn, line.length);
  return payload;
}

export function decodeAsyncPayload(payload: Uint8Array): {
  readonly settings: AsyncParDoSettings;
  readonly fn: Uint8Array;
} {
  const end = payload.indexOf(lineFeed);
  const settings = JSON.parse(new TextDecoder().decode(payload.subarray(0, end))) as AsyncParDoSettings;
  return { settings, fn: payload.subarray(end + 1) };
}
