/** What a snapshot may be, so that no file makes a reader allocate or loop without bound. FORMAT.md "Limits". */
export const limits = {
  /** A compressed block's raw length; larger blocks (one huge record) are stored uncompressed, so that inflation can't be a bomb. */
  compressedRawBytes: 16 << 20,
  /** A block's stored length: just below 2^31. */
  blockBytes: 0x7fff0000,
  /** The protobuf header of one frame. */
  frameHeaderBytes: 1 << 16,
  /** First and last key in a frame's header; longer keys are cut there. */
  boundKeyBytes: 1024,
  /** Content of one attachment frame. */
  attachmentPartBytes: 1 << 20,
  /** The index in the footer, raw. */
  footerBytes: 256 << 20,
} as const;

/**
 * The raw length of a compressed footer that stands at this offset. What it lists is in front of it, where each entry takes more bytes: a footer that inflates to more
 * is a bomb. (A larger one, as when nearly all there is was left out and counted, is stored uncompressed.)
 */
export function compressedFooterBytes(offset: number): number {
  return Math.min(limits.footerBytes, offset + (64 << 10));
}
