import type { Connection, Submittable } from "pg";
import type { PostgresClient } from "./connect.js";

/** pg's connection has the messages of COPY; its types do not. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
  sync(): void;
}

/**
 * Sends data for COPY.
 * @param command `COPY ... FROM STDIN`
 * @param chunks Each is copied before the next is asked for.
 */
export function copyFrom(client: PostgresClient, command: string, chunks: Iterable<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    const copy = {
      submit(connection: Connection): void {
        (connection as unknown as { query(text: string): void }).query(command);
      },
      handleCopyInResponse(connection: CopyConnection): void {
        try {
          for (const chunk of chunks) connection.sendCopyFromChunk(chunk);
        } catch (error) {
          failure = error;
          connection.sendCopyFail("the rows could not be made");
          return;
        }
        connection.endCopyFrom();
      },
      handleCommandComplete(): void {
        // The number of rows is known.
      },
      handleError(error: Error): void {
        reject(failure instanceof Error ? failure : error);
      },
      handleReadyForQuery(): void {
        resolve();
      },
    };
    client.raw.query(copy as Submittable);
  });
}
