import { SnapshotError, type SnapshotErrorCode } from "../../snapshot/index.js";

const codes: Readonly<Record<string, readonly [SnapshotErrorCode, string]>> = {
  ENOENT: ["FILE_NOT_FOUND", "does not exist. Check the path."],
  EACCES: ["FILE_NOT_WRITABLE", "may not be accessed. Check its permissions, or choose another place."],
  EPERM: ["FILE_NOT_WRITABLE", "may not be accessed. Check its permissions, or choose another place."],
  EROFS: ["FILE_NOT_WRITABLE", "lies on a read-only file system. Choose another place."],
  ENOTDIR: ["FILE_NOT_WRITABLE", "has a file where a folder is needed. Choose another place."],
  EEXIST: ["FILE_NOT_WRITABLE", "has a file where a folder is needed. Choose another place."],
  EISDIR: ["FILE_READ_FAILED", "is a folder, not a file."],
  ENOSPC: [
    "FILE_DISK_FULL",
    "can't be written: the disk is full. Free some space and run it again; nothing was left under a final name.",
  ],
  EFBIG: [
    "FILE_WRITE_FAILED",
    "can't be written: it is longer than the file system or the limit of the process (ulimit -f) allows. Write more shards, or choose another place.",
  ],
  EDQUOT: [
    "FILE_DISK_FULL",
    "can't be written: the disk quota is used up. Free some space and run it again; nothing was left under a final name.",
  ],
};

/** A system error as one with a code and advice; others pass as they are. */
export function fileError(cause: unknown, path: string, doing: "read" | "write"): unknown {
  if (cause instanceof SnapshotError || !(cause instanceof Error) || !("code" in cause)) return cause;
  if (cause.code === "ENOENT" && doing === "write") {
    const message = `${JSON.stringify(path)} can't be written: its folder is not there and can't be made. Choose another place.`;
    return new SnapshotError("FILE_NOT_WRITABLE", message, { file: path, cause });
  }
  const known = codes[String(cause.code)];
  if (known && !(doing === "read" && known[0] === "FILE_NOT_WRITABLE")) {
    return new SnapshotError(known[0], `${JSON.stringify(path)} ${known[1]}`, { file: path, cause });
  }
  const code = doing === "read" ? "FILE_READ_FAILED" : "FILE_WRITE_FAILED";
  return new SnapshotError(
    code,
    `${JSON.stringify(path)} can't be ${doing === "read" ? "read" : "written"}: ${cause.message}`,
    { file: path, cause },
  );
}
