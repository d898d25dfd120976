/** Names that mean the same on every worker: the language's own and Node's. What a program has added to its globals does not count. */

/** True for a global of Node 20 and later that a travelling function may use. */
export function isWorkerGlobal(name: string): boolean {
  return names.has(name);
}

const names: ReadonlySet<string> = new Set(
  `undefined NaN Infinity globalThis eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI encodeURIComponent escape
  unescape Object Function Boolean Symbol Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError Number BigInt
  Math Date String RegExp Array Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array
  BigUint64Array Float32Array Float64Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Atomics
  JSON Promise Reflect Proxy Intl WebAssembly Iterator
  global process Buffer console URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget MessageChannel
  MessagePort MessageEvent BroadcastChannel Blob File FormData Headers Request Response fetch ReadableStream WritableStream TransformStream
  CompressionStream DecompressionStream TextEncoderStream TextDecoderStream DOMException atob btoa structuredClone queueMicrotask
  setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate performance crypto`
    .split(/\s+/)
    .filter((name) => name !== ""),
);
