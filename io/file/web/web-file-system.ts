import { SnapshotError } from "../../../snapshot/index.js";
import type { FileMetadata, FileSystem } from "../file-system.js";
import { changedError } from "../http/service-error.js";
import { readAhead } from "../object-store/read-ahead.js";
import { printablePath } from "../printable-path.js";
import { keepWhole } from "./keep-whole.js";
import { fullAddress } from "./web-address.js";
import { lookAtWebFile, webClient, type WebFile } from "./web-file.js";

/** Files on web servers: read by ranges, never written. A server that knows no ranges is asked once, and what it sends is kept in a temporary file. */
export const webFileSystem: FileSystem = {
  async list(pattern) {
    const found = await webFileSystem.stat(pattern);
    return found ? [found] : [];
  },

  async stat(path) {
    const file = await lookAtWebFile(fullAddress(path));
    return file && metadata(path, file);
  },

  async open(path) {
    const name = printablePath(path);
    const file = await lookAtWebFile(fullAddress(path));
    if (!file)
      throw new SnapshotError(
        "FILE_NOT_FOUND",
        `${JSON.stringify(name)} does not exist. Check the address.`,
        { file: name },
      );
    const { address, size, etag, hasRanges } = file;
    if (!hasRanges || size === undefined) return keepWhole(address, name);
    const headers = {
      ...address.headers,
      "accept-encoding": "identity",
      ...(etag === undefined ? {} : { "if-match": etag }),
    };
    return readAhead(name, size, (start, end) =>
      webClient.readRange(
        { method: "GET", url: address.url, headers, path: name, doing: "read", pinned: true },
        {
          start,
          end,
          check(answer) {
            const now = Number(/\/(\d+)$/.exec(answer["content-range"] ?? "")?.[1] ?? size);
            const isSame =
              etag === undefined ? answer["last-modified"] === file.modified : answer.etag === etag;
            if (now !== size || !isSame) throw changedError(name);
          },
        },
      ),
    );
  },

  async identity(path) {
    const file = await lookAtWebFile(fullAddress(path));
    return file && JSON.stringify([file.etag, file.modified, file.size]);
  },

  create: refuse,
  createIfAbsent: refuse,
  replaceIfSame: refuse,
  rename: (_from, to) => refuse(to),
  delete: refuse,
  deleteIfSame: refuse,
  deleteFolder: refuse,
  listFolders: () => Promise.resolve([]),
  lastChange: () => Promise.resolve(undefined),
};

function metadata(path: string, { size, modified }: WebFile): FileMetadata {
  const time = Date.parse(modified ?? "");
  return { path, size: size ?? 0, lastModified: Number.isNaN(time) ? 0 : time };
}

function refuse(path: string): Promise<never> {
  const file = printablePath(path);
  return Promise.reject(
    new SnapshotError(
      "FILE_NOT_WRITABLE",
      `${JSON.stringify(file)} can't be written: files on web servers are only read. Give a local path, or one that begins with gs://, s3:// or az://.`,
      { file },
    ),
  );
}
