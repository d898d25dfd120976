import type { Connection, Submittable } from "pg";
import type { PostgresClient } from "./connect.js";

/** Texts are sent when this much of them is there, in UTF-16 units. */
const chunkLength = 1 << 16;

/** pg's connection has the messages of COPY; its types do not. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
  sync(): void;
}

/**
 * Sends lines in COPY's text format.
 * @param command `COPY ... FROM STDIN`
 */
export function copyFrom(client: PostgresClient, command: string, lines: Iterable<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    const copy = {
      submit(connection: Connection): void {
        (connection as unknown as { query(text: string): void }).query(command);
      },
      handleCopyInResponse(connection: CopyConnection): void {
        try {
          for (const chunk of chunks(lines)) connection.sendCopyFromChunk(Buffer.from(chunk));
        } catch (error) {
          failure = error;
          connection.sendCopyFail("the rows could not be made");
          return;
        }
        connection.endCopyFrom();
      },
      handleCommandComplete(): void {
        // The number of rows is that of the lines.
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

function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const line of lines) {
    chunk += line;
    if (chunk.length < chunkLength) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
