/**
 * SHA-256 (FIPS 180-4), incremental. WebCrypto hashes only whole buffers and only in secure contexts, yet the content of a Blob must be
 * hashed in slices, anywhere; so it is here in plain code. On Node the pipelines use `node:crypto` behind the same interface.
 */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The 32 bytes; the hash can't be used afterwards. */
  digest(): Uint8Array;
}

const constants = new Uint32Array(64);
const initial = new Uint32Array(8);
{
  // The fractional parts of cube and square roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
  const fraction = (x: number) => Math.floor((x - Math.floor(x)) * 0x100000000) >>> 0;
  let found = 0;
  for (let n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (!prime) continue;
    if (found < 8) initial[found] = fraction(Math.sqrt(n));
    constants[found++] = fraction(Math.cbrt(n));
  }
}

/** A hash that is fed in parts of any length. */
export function createSha256(): Sha256 {
  const state = initial.slice();
  const block = new Uint8Array(64);
  const words = new Uint32Array(64);
  let filled = 0;
  let total = 0;

  function compress(source: Uint8Array, at: number): void {
    for (let i = 0; i < 16; i++, at += 4) {
      words[i] = (source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const a = words[i - 15]!;
      const b = words[i - 2]!;
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
      words[i] = (words[i - 16]! + s0 + words[i - 7]! + s1) | 0;
    }
    let a = state[0]! | 0,
      b = state[1]! | 0,
      c = state[2]! | 0,
      d = state[3]! | 0;
    let e = state[4]! | 0,
      f = state[5]! | 0,
      g = state[6]! | 0,
      h = state[7]! | 0;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t = (h + s1 + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const u = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t) | 0;
      d = c;
      c = b;
      b = a;
      a = (t + u) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  }

  return {
    update(bytes) {
      total += bytes.length;
      let at = 0;
      if (filled > 0) {
        const take = Math.min(64 - filled, bytes.length);
        block.set(bytes.subarray(0, take), filled);
        filled += take;
        at = take;
        if (filled < 64) return;
        compress(block, 0);
        filled = 0;
      }
      for (; at + 64 <= bytes.length; at += 64) compress(bytes, at);
      block.set(bytes.subarray(at), 0);
      filled = bytes.length - at;
    },
    digest() {
      block[filled++] = 0x80;
      if (filled > 56) {
        block.fill(0, filled);
        compress(block, 0);
        filled = 0;
      }
      block.fill(0, filled);
      const view = new DataView(block.buffer);
      view.setUint32(56, Math.floor(total / 0x20000000));
      view.setUint32(60, (total * 8) % 0x100000000);
      compress(block, 0);
      const result = new Uint8Array(32);
      const out = new DataView(result.buffer);
      for (let i = 0; i < 8; i++) out.setUint32(i * 4, state[i]!);
      return result;
    },
  };
}

/** The hash of bytes that are all at hand. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const hash = createSha256();
  hash.update(bytes);
  return hash.digest();
}
