/** The connection between operators and a runner, as operators see it. runners/worker/ implements it over gRPC. */

/** What a source reads: the messages that the runner sends it in one bundle, in their order. */
export interface DataInput {
  /** The next message; undefined after the last one. @throws when the connection broke */
  next(): Promise<Uint8Array | undefined>;
  /** Nothing more is wanted; what still comes is let go. */
  close(): void;
}

/** What a sink writes to. */
export interface DataOutput {
  /** Takes one message at once; a promise asks to wait before the next one. */
  write(message: Uint8Array): Promise<void> | null;
  /** Says that this was all of the bundle. */
  end(): void;
}

/** The data connections of a worker, by address. */
export interface DataPlane {
  input(address: string, instructionId: string, transformId: string): DataInput;
  output(address: string, instructionId: string, transformId: string): DataOutput;
}
