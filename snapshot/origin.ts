import { malformed } from "./malformed.js";
import { originMessage } from "./message-codec.js";
import { fromHex, toHex } from "./hex.js";
import { decodeText, encodeText } from "./text.js";

/** Where a record comes from: it stays with the record through merges, so that a later merge can still tell newer from older. */
export interface Origin {
  /** The device (browser profile) that captured it; "" when unknown. */
  readonly device: string;
  /** Id of the snapshot, 64 hexadecimal digits; "" for a record that no snapshot holds yet. */
  readonly snapshot: string;
  /** Milliseconds since the epoch, on the device's clock. */
  readonly capturedAt: number;
  /** Place of the segment in the device's chain: 0 for a full snapshot, 1 and up for the deltas that follow. */
  readonly sequence: number;
}

/** The origin of a record that no snapshot has held yet: a writer makes it the snapshot's own. */
export const unknownOrigin: Origin = Object.freeze({ device: "", snapshot: "", capturedAt: 0, sequence: 0 });

export function encodeOrigin(origin: Origin): Uint8Array {
  return originMessage.encode({
    device: encodeText(origin.device),
    snapshot: fromHex(origin.snapshot),
    captured_at: origin.capturedAt,
    sequence: origin.sequence,
  });
}

export function decodeOrigin(bytes: Uint8Array): Origin {
  const message = originMessage.decode(bytes);
  const { snapshot } = message;
  const device = message.device.length > 0 ? decodeText(message.device) : "";
  if (device === undefined || (snapshot.length !== 32 && snapshot.length !== 0)) {
    throw malformed("A record's origin names no valid device or snapshot");
  }
  return {
    device,
    snapshot: toHex(snapshot),
    capturedAt: message.captured_at,
    sequence: message.sequence,
  };
}

/** Same snapshot, device, time and sequence. */
export function sameOrigin(a: Origin, b: Origin): boolean {
  return (
    a === b ||
    (a.snapshot === b.snapshot &&
      a.device === b.device &&
      a.capturedAt === b.capturedAt &&
      a.sequence === b.sequence)
  );
}
