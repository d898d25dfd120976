/** The first byte of each kind of key, in the order in which IndexedDB compares the kinds. FORMAT.md section "Keys" is the contract. */
export const NUMBER = 0x10;
export const DATE = 0x20;
export const STRING = 0x30;
export const BINARY = 0x40;
export const ARRAY = 0x50;
/** Ends what has no fixed length. */
export const END = 0x00;

/** Deeper arrays are refused: no app nests keys so far, and decoding is recursive. */
export const maxKeyDepth = 200;
