import { type Socket, connect } from "node:net";

/** The environment variable with the socket of the submitter, for a boot program on the submitter's machine. */
export const reportVariable = "BEAM_INDEXEDDB_BOOT_REPORT";

/** What a boot program tells the submitter, a line of JSON each. */
export type BootReport =
  | { readonly started: string }
  /** The workers can't go on; the text says why. */
  | { readonly failed: string }
  /** The runner is done with the workers. */
  | { readonly ended: true };

/** Tells the submitter how the workers fare. */
export interface BootReporter {
  send(report: BootReport): void;
  /** Resolves when all is sent. */
  close(): Promise<void>;
}

/** @param path A socket; without one, and when nobody listens there any more, nothing is told */
export function bootReporter(path: string | undefined): BootReporter {
  if (path === undefined || path === "") return { send: () => undefined, close: () => Promise.resolve() };
  const socket: Socket = connect(path);
  let isOver = false;
  socket.on("error", () => undefined);
  socket.once("close", () => (isOver = true));
  socket.unref();
  return {
    send(report) {
      if (!isOver) socket.write(`${JSON.stringify(report)}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        if (isOver) {
          resolve();
          return;
        }
        socket.ref();
        socket.once("close", () => {
          resolve();
        });
        socket.end();
      }),
  };
}
