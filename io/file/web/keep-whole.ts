import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SnapshotError } from "../../../snapshot/index.js";
import { fileError } from "../file-error.js";
import type { OpenFile } from "../file-system.js";
import { type WebAddress } from "./web-address.js";
import { webClient } from "./web-file.js";

/** A server that knows no ranges is not asked for more than this. */
const mostBytes = 4 * 2 ** 30;

/**
 * Gets a file from a server that knows no ranges, once, into a temporary file that is gone when it is closed, or when this process ends.
 * @param name What messages call it.
 */
export async function keepWhole(
  { url, headers }: WebAddress,
  name: string,
  most = mostBytes,
): Promise<OpenFile> {
  const fd = unnamedFile();
  let length = 0;
  try {
    await webClient.readWhole(
      {
        method: "GET",
        url,
        headers: { ...headers, "accept-encoding": "identity" },
        path: name,
        doing: "read",
      },
      (head) => {
        length = 0;
        if (Number(head.headers["content-length"] ?? 0) > most) throw tooLong(name, most);
        return (part) => {
          if (length + part.length > most) throw tooLong(name, most);
          try {
            for (let at = 0; at < part.length;) at += writeSync(fd, part, at, part.length - at, length + at);
          } catch (cause) {
            throw fileError(cause, tmpdir(), "write");
          }
          length += part.length;
        };
      },
    );
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let open = true;
  return {
    name,
    byteLength: length,
    slice(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const read = readSync(fd, bytes, at, bytes.length - at, start + at);
        if (read === 0)
          throw new SnapshotError("FILE_READ_FAILED", `${JSON.stringify(name)} ends at byte ${start + at}.`, {
            file: name,
          });
        at += read;
      }
      return bytes;
    },
    close() {
      if (open) closeSync(fd);
      open = false;
      return Promise.resolve();
    },
  };
}

/** A file that has lost its name already: nothing of it is left behind, however this process ends. */
function unnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
  try {
    return openSync(join(folder, "download"), "w+", 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tooLong(name: string, most: number): SnapshotError {
  return new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(name)} can't be read: its server knows no ranges, and the file is longer than the ${most} bytes that are kept of such. Get the file, and give its local path.`,
    { file: name },
  );
}
